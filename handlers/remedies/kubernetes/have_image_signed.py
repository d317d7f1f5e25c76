"""What a person does about an image whose signature the node does not accept; a policy is never loosened."""

from __future__ import annotations

import shlex

from checks.image.reference import Image
from checks.kubernetes.signature_is_accepted import signature_is_accepted
from handlers.remedy import ByHand, by_hand


@by_hand("Have the image signed", cures=signature_is_accepted)
def have_image_signed(image: Image) -> ByHand:
    pinned = str(image) if image.digest else f"{image.repository}@DIGEST"
    return ByHand(
        f"Who signs images looks who has signed {image}, and signs it with a key that the nodes trust; or "
        "who runs the nodes adds the signer to their policy (/etc/containers/policy.json)",
        (
            shlex.join(["cosign", "verify", "--key", "TRUSTED_KEY.pub", str(image)]),
            shlex.join(["cosign", "sign", "--key", "KEY", pinned]),
        ),
        "an image that nobody has signed may not be the one it says it is: look where it comes from first",
    )
