"""What a person does about an image that no node of the cluster can run: build it for them."""

from __future__ import annotations

import shlex

from checks.host import Host
from checks.image.reference import Image
from checks.model import NotApplicable
from checks.registry.landing import Landing
from checks.registry.manifest import Manifest
from checks.registry.platform_matches_node import platform_matches_node, platform_of
from handlers.remedy import ByHand, by_hand


@by_hand("Build the image for the nodes", cures=platform_matches_node)
def build_for_nodes(image: Image, manifest: Manifest | None, host: Host, landing: Landing | None) -> ByHand:
    built = [one for one in manifest.platforms if one is not None] if manifest is not None else []
    there = landing.all if landing is not None else ()
    if any(kind.platform.runs(one) for kind in there for one in built):
        raise NotApplicable("there are nodes that it is built for")
    node = platform_of(host)
    wanted = f"{node.system}/{node.architecture}"
    has = [f"{one.system}/{one.architecture}" for one in built] if manifest is not None else ["PLATFORMS"]
    platforms = ",".join(dict.fromkeys([*has, wanted]))
    tag = f"{image.repository}:{image.tag or 'TAG'}"
    return ByHand(
        f"Who builds {image.repository.path} builds it for {wanted} as well; or who runs the cluster adds "
        "nodes that it is built for",
        (shlex.join(["docker", "buildx", "build", "--platform", platforms, "-t", tag, "--push", "."]),),
    )
