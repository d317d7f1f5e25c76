"""An image in ECR that was built for other machines: its manifest comes from ECR's own API."""

from __future__ import annotations

import json
from typing import Any

from checks.model import NotFound, Status
from tests.fakes.aws_account import healthy
from tests.fakes.aws_door import DENIED, Door
from tests.fakes.aws_world import FORBIDDEN, NO_MATCH, on_eks

INDEX = "application/vnd.oci.image.index.v1+json"
CHECK = "registry/platform_matches_node"


def built_for(*architectures: str) -> dict[str, Any]:
    """An answer of ``batch_get_image``."""
    entries = [
        {"digest": "sha256:1", "platform": {"os": "linux", "architecture": one}} for one in architectures
    ]
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return {"images": [{"imageManifest": raw, "imageManifestMediaType": INDEX}], "failures": []}


async def test_an_index_without_the_nodes_architecture_is_the_cause() -> None:
    world = on_eks(healthy(batch_get_image=built_for("arm64")), NO_MATCH)
    seen = await world.look(Door(world.aws))
    assert [name for name, one in seen.findings.items() if one.is_cause] == [CHECK]
    assert "is built for linux/arm64, and the node is linux/amd64" in seen.findings[CHECK].verdict.summary


async def test_an_index_with_the_nodes_architecture_passes() -> None:
    world = on_eks(healthy(batch_get_image=built_for("arm64", "amd64")), NO_MATCH)
    assert (await world.look(Door(world.aws))).findings[CHECK].verdict.status is Status.PASS


async def test_a_manifest_that_may_not_be_read_is_unknown_with_the_permission() -> None:
    world = on_eks(healthy(), NO_MATCH)
    seen = await world.look(Door(world.aws, {"ecr:BatchGetImage": DENIED("ecr:BatchGetImage")}))
    assert seen.findings[CHECK].verdict.status is Status.UNKNOWN
    assert "ecr:BatchGetImage" in seen.findings[CHECK].verdict.summary


async def test_an_image_that_is_gone_has_no_manifest() -> None:
    world = on_eks(healthy(describe_images=NotFound("ImageNotFoundException")), NO_MATCH)
    seen = await world.look(Door(world.aws))
    assert CHECK not in seen.findings
    assert seen.findings["registry/tag_exists"].verdict.status is Status.FAIL


async def test_nobody_reads_a_manifest_where_the_message_is_about_rights() -> None:
    aws = healthy(batch_get_image=built_for("arm64"))
    world = on_eks(aws, FORBIDDEN)
    seen = await world.look(Door(world.aws))
    assert CHECK not in seen.findings
    assert "batch_get_image" not in aws.asked
