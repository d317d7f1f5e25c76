"""Parts of an image that are gone, and what is kept as an image and is none, in containerd's words."""

from __future__ import annotations

import json

from checks.model import Status
from tests.fakes.oci_registry import CONFIG, MANIFEST, OciRegistry, digest_of
from tests.fakes.registry_world import registry_world

CONTENT = "registry/content_is_intact"
GONE = (
    "failed to pull and unpack image: failed to copy: httpReadSeeker: failed open: could not fetch content "
    "descriptor {digest} (application/vnd.oci.image.config.v1+json) from remote: not found"
)
MISMATCH = "failed to unpack image on snapshotter overlayfs: mismatched image rootfs and manifest layers"


def push(registry: OciRegistry, config_type: str) -> str:
    """An image whose configuration is of that type. Its digest."""
    config, layer = b"{}", b"layer"
    registry.blobs[digest_of(layer)] = layer
    tree = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": config_type, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "application/octet-stream", "digest": digest_of(layer), "size": len(layer)}],
    }
    registry.push("shop/web", "1.2", MANIFEST, json.dumps(tree).encode())
    return digest_of(config)


async def test_a_configuration_that_is_gone_is_the_cause_and_no_missing_tag() -> None:
    async with registry_world() as world:
        digest = push(world.registry, CONFIG)
        found = await world.look(GONE.format(digest=digest))
        assert [one.check for one in found.values() if one.is_cause] == [CONTENT]
        assert f"{digest} of" in found[CONTENT].verdict.summary
        assert "is gone" in found[CONTENT].verdict.summary


async def test_a_chart_is_called_a_chart() -> None:
    async with registry_world() as world:
        push(world.registry, "application/vnd.cncf.helm.config.v1+json")
        verdict = (await world.look(MISMATCH))[CONTENT].verdict
        assert verdict.status is Status.FAIL
        assert "it is a Helm chart" in verdict.summary
