"""What is in an image, and whether it is what it says: platform_matches_node and content_is_intact."""

from __future__ import annotations

import json

import pytest

from checks.host import Host
from checks.image.reference import parse
from checks.model import Status, Verdict
from checks.registry.landing import Kind, Landing
from checks.registry.manifest import read
from checks.registry.platform import Platform
from checks.registry.platform_matches_node import Inside, platform_matches_node
from tests.fakes.oci_registry import INDEX, MANIFEST, digest_of
from tests.fakes.registry_world import NAME, NODE, RegistryWorld, failed_pull, registry_world

NO_MATCH = "failed to resolve reference: no match for platform in manifest: not found"
CORRUPT = "failed to extract layer: {digest}: unexpected EOF: filesystem layer verification failed for digest"
NO_WORD = "Back-off pulling image"
UNSUPPORTED = 'media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported'
ARM = {"os": "linux", "architecture": "arm64"}
AMD = {"os": "linux", "architecture": "amd64"}
ATTESTATION = {"os": "unknown", "architecture": "unknown"}


async def fits(world: RegistryWorld, message: str = NO_MATCH) -> Verdict:
    return (await world.look(message))["registry/platform_matches_node"].verdict


async def intact(world: RegistryWorld, message: str, image: str = "") -> Verdict:
    return (await world.look(message, image))["registry/content_is_intact"].verdict


# ---- platform_matches_node


async def test_an_index_without_the_nodes_platform_fails() -> None:
    async with registry_world() as world:
        world.registry.push_index("shop/web", "1.2", ARM, ATTESTATION)
        found = (await world.look(NO_MATCH))["registry/platform_matches_node"]
        assert found.verdict.status is Status.FAIL
        assert found.is_cause
        assert "is built for linux/arm64, and the node is linux/amd64" in found.verdict.summary


async def test_the_nodes_word_is_enough_where_the_registry_cannot_be_asked() -> None:
    async with registry_world() as world:
        world.names.clear()
        found = (await world.look(NO_MATCH))["registry/platform_matches_node"]
        assert found.is_cause
        assert "was not read from here" in found.verdict.summary
        assert "registry/platform_matches_node" not in await world.look(NO_WORD)


async def test_an_index_with_the_nodes_platform_passes() -> None:
    async with registry_world() as world:
        world.registry.push_index("shop/web", "1.2", ARM, AMD)
        assert (await fits(world)).status is Status.PASS


async def test_a_single_image_is_pulled_whatever_the_node_is() -> None:
    async with registry_world() as world:
        world.registry.push_image("shop/web", "1.2", "linux/arm64")
        assert "registry/platform_matches_node" not in await world.look(NO_MATCH)
        assert (await fits(world, NO_WORD)).status is Status.PASS


async def test_other_nodes_that_the_pod_may_land_on_are_told() -> None:
    async with registry_world() as world:
        world.roots[Landing] = Landing((Kind(Platform.parse(AMD), 3), Kind(Platform.parse(ARM), 2)), 5)
        world.registry.push_index("shop/web", "1.2", ARM)
        evidence = dict((await fits(world)).evidence)
        assert evidence["Nodes it may land on that fit"] == "2 of linux/arm64"
        assert evidence["Nodes it may land on that do not"] == "3 of linux/amd64"


def test_an_entry_without_a_platform_fits_every_node() -> None:
    raw = json.dumps({"manifests": [{"digest": "x"}, {"digest": "y", "platform": ARM}]}).encode()
    pull, image = failed_pull(f"{NAME}/shop/web:1.2", NO_MATCH), parse(f"{NAME}/shop/web:1.2")
    verdict = platform_matches_node.fn(pull, image, Inside(read(raw, INDEX)), NODE, None)
    assert verdict.status is Status.PASS


def test_a_windows_node_of_another_build_is_told() -> None:
    raw = json.dumps(
        {
            "manifests": [
                {"platform": {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}}
            ]
        }
    ).encode()
    labels = (("node.kubernetes.io/windows-build", "10.0.17763"),)
    pull, image = failed_pull(f"{NAME}/shop/web:1.2", NO_MATCH), parse(f"{NAME}/shop/web:1.2")
    host = Host("win-1", "", "amd64", "windows", labels)
    verdict = platform_matches_node.fn(pull, image, Inside(read(raw, INDEX)), host, None)
    assert verdict.status is Status.FAIL
    assert "10.0.17763" in verdict.summary


# ---- content_is_intact


async def test_a_manifest_that_lies_about_its_digest_fails() -> None:
    async with registry_world() as world:
        raw = world.registry.push_image("shop/web", "1.1").raw
        world.registry.push("shop/web", "1.2", MANIFEST, raw, claims="sha256:" + "0" * 64)
        verdict = await intact(world, CORRUPT)
        assert verdict.status is Status.FAIL
        assert ("It should be", "sha256:" + "0" * 64) in verdict.evidence


async def test_another_manifest_than_the_digest_that_was_asked_for_fails() -> None:
    wanted = "sha256:" + "1" * 64
    async with registry_world() as world:
        raw = world.registry.push_image("shop/web", "1.1").raw
        world.registry.push("shop/web", wanted, MANIFEST, raw)
        verdict = await intact(world, CORRUPT, f"{world.host}/shop/web@{wanted}")
        assert verdict.status is Status.FAIL


async def test_a_layer_that_is_gone_fails() -> None:
    async with registry_world() as world:
        stored = world.registry.push_image("shop/web", "1.2")
        layer = json.loads(stored.raw)["layers"][0]["digest"]
        del world.registry.blobs[layer]
        verdict = await intact(world, CORRUPT.format(digest=layer))
        assert verdict.status is Status.FAIL
        assert f"the layer {layer}" in verdict.summary
        assert verdict.summary.endswith("is gone")


async def test_a_layer_of_another_length_fails() -> None:
    async with registry_world() as world:
        stored = world.registry.push_image("shop/web", "1.2")
        layer = json.loads(stored.raw)["layers"][0]["digest"]
        world.registry.blobs[layer] = b"short"
        verdict = await intact(world, CORRUPT.format(digest=layer))
        assert verdict.status is Status.FAIL
        assert "has 5 bytes" in verdict.summary


async def test_what_looks_whole_from_here_proves_nothing_of_the_way_to_the_node() -> None:
    async with registry_world() as world:
        world.registry.push_image("shop/web", "1.2")
        assert (await intact(world, CORRUPT)).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("media_type", "raw", "why"),
    [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", b'{"schemaVersion": 1}', "schema 1"),
        ("application/vnd.example.thing+json", b'{"schemaVersion": 2}', "application/vnd.example.thing+json"),
        ("application/vnd.oci.image.manifest.v1+json", b'{"schemaVersion": 2}', "names no config"),
        ("application/octet-stream", b"\x00\x01", "no JSON object"),
        ("application/vnd.oci.image.index.v1+json", b"[" * 100_000, "no JSON object"),
    ],
)
async def test_what_no_runtime_reads_is_told(media_type: str, raw: bytes, why: str) -> None:
    async with registry_world() as world:
        world.registry.push("shop/web", "1.2", media_type, raw)
        verdict = await intact(world, UNSUPPORTED)
        assert verdict.status is Status.FAIL
        assert why in verdict.summary


def test_a_manifest_in_plain_json_is_what_it_says_within() -> None:
    raw = json.dumps({"mediaType": INDEX, "manifests": []}).encode()
    found = read(raw, "application/json; charset=utf-8")
    assert found.is_index
    assert found.digest == digest_of(raw)
