"""What a person does about an image of which the registry has lost or mangled something."""

from __future__ import annotations

import shlex

from checks.image.reference import Image
from checks.registry.content_is_intact import content_is_intact
from handlers.remedy import ByHand, by_hand


@by_hand("Push the image anew", cures=content_is_intact)
def push_image_anew(image: Image) -> ByHand:
    tag = f"{image.repository}:{image.tag or 'TAG'}"
    return ByHand(
        f"Who builds {image.repository.path} builds and pushes it anew, as an image of today's format; who "
        "runs the registry looks what became of it",
        (
            shlex.join(["crane", "validate", "--remote", str(image)]),
            shlex.join(["docker", "buildx", "build", "-t", tag, "--push", "."]),
        ),
    )
