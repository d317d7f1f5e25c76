"""What stands before registries and answers in their place: refusals, limits, errors, web pages, tokens.

A front is ours (``tests/fakes/oci_registry.py``); who asks it is a real containerd, and so are its words.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from checks.image.symptom import classify
from checks.model import Symptom
from tests.fakes.authority import authority
from tests.fakes.oci_registry import INDEX, MANIFEST, PASSWORD, USER, OciRegistry, digest_of, error, serve
from tests.fakes.registry_world import NAME, login
from tests.real.image import build, store
from tests.real.looking import Seen, look
from tests.real.node import Node

pytestmark = pytest.mark.real

CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PAGE = web.Response(text="<html><h1>Blocked</h1></html>", content_type="text/html")
LIMIT = error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")


def image_of(registry: OciRegistry, tag: str = "1.2") -> str:
    return f"{registry.authority}/shop/web:{tag}"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"/v2/": 403}, Seen(Symptom.FORBIDDEN, set())),
        ({"/v2/": LIMIT}, Seen(Symptom.RATE_LIMITED, {"registry/rate_limit_is_left"})),
        ({"/v2/": 503}, Seen(Symptom.REGISTRY_ERROR, {"registry/host_answers"})),
        ({"/v2/": 500}, Seen(Symptom.REGISTRY_ERROR, {"registry/host_answers"})),
        ({"/v2/": PAGE}, Seen(Symptom.UNSUPPORTED_MANIFEST, set())),
        ({"/blobs/": 403}, Seen(Symptom.FORBIDDEN, set())),
        ({"/blobs/": 503}, Seen(Symptom.REGISTRY_ERROR, set())),
        ({"/blobs/": 404}, Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})),
    ],
    ids=["403", "429", "503", "500", "page", "layer-403", "layer-503", "layer-404"],
)
async def test_a_fronts_answer_is_told_for_what_it_is(
    node: Node, answers: dict[str, web.Response | int | str], expected: Seen
) -> None:
    async with serve(authority().server(NAME), name=NAME, answers=answers) as registry:
        store(registry, "shop/web", "1.2", build(words=f"behind {answers}"))
        image = image_of(registry)
        assert await look(image, await node.pull(image)) == expected


@pytest.mark.parametrize(
    ("realm", "expected"),
    [
        (401, Seen(Symptom.UNAUTHORIZED, {"registry/credentials_are_accepted"})),
        (403, Seen(Symptom.FORBIDDEN, {"registry/credentials_are_accepted"})),
        (429, Seen(Symptom.RATE_LIMITED, {"registry/rate_limit_is_left"})),
        (503, Seen(Symptom.REGISTRY_ERROR, set())),
        (PAGE, Seen(Symptom.OTHER, set())),
    ],
    ids=["401", "403", "429", "503", "page"],
)
async def test_a_token_services_answer_is_told_for_what_it_is(
    node: Node, realm: web.Response | int, expected: Seen
) -> None:
    async with serve(
        authority().server(NAME), name=NAME, wants="bearer", answers={"/token": realm}
    ) as registry:
        store(registry, "shop/web", "1.2", build())
        image = image_of(registry)
        assert await look(image, await node.pull(image, USER, PASSWORD), login()) == expected


async def test_a_token_that_was_given_pulls(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME, wants="bearer") as registry:
        store(registry, "shop/web", "1.2", build())
        assert await node.pull(image_of(registry), USER, PASSWORD) == ""


async def test_a_wrong_password_at_the_token_service_is_found(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME, wants="bearer") as registry:
        store(registry, "shop/web", "1.2", build())
        image = image_of(registry)
        seen = await look(image, await node.pull(image, USER, "wrong"), login("wrong"))
        assert seen == Seen(Symptom.UNAUTHORIZED, {"registry/credentials_are_accepted"})


async def test_a_repository_that_the_login_may_not_read_is_found(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME, wants="bearer", denied={"shop/web"}) as registry:
        store(registry, "shop/web", "1.2", build())
        image = image_of(registry)
        seen = await look(image, await node.pull(image, USER, PASSWORD), login())
        assert seen == Seen(Symptom.UNAUTHORIZED, {"registry/credentials_are_accepted"})


# ---- what an image is made of


async def test_an_index_without_the_nodes_platform_is_found(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME) as registry:
        registry.push_index(
            "shop/web",
            "1.2",
            {"os": "linux", "architecture": "s390x"},
            {"os": "linux", "architecture": "ppc64le"},
        )
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.PLATFORM_MISMATCH, {"registry/platform_matches_node"})


async def test_an_index_without_a_single_image_is_found(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME) as registry:
        registry.push_index("shop/web", "1.2")
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.PLATFORM_MISMATCH, {"registry/platform_matches_node"})


async def test_a_manifest_of_no_known_type_is_found(node: Node) -> None:
    """containerd takes it for a layer, and asks for it among those."""
    async with serve(authority().server(NAME), name=NAME) as registry:
        kind = "application/vnd.example.recipe.v1+json"
        store(registry, "shop/web", "1.2", build(media_type=kind, words="a recipe"))
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})


async def test_a_chart_in_place_of_an_image_is_found(node: Node) -> None:
    config, chart = b"{}", b"no layer"
    tree = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.cncf.helm.config.v1+json",
            "digest": digest_of(config),
            "size": len(config),
        },
        "layers": [{"mediaType": CHART, "digest": digest_of(chart), "size": len(chart)}],
    }
    async with serve(authority().server(NAME), name=NAME) as registry:
        registry.blobs |= {digest_of(config): config, digest_of(chart): chart}
        registry.push("shop/web", "1.2", MANIFEST, json.dumps(tree).encode())
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})


async def test_a_manifest_with_another_digest_is_found(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME) as registry:
        built = build(words="another one")
        registry.push("shop/web", "1.2", MANIFEST, built.manifest, claims=digest_of(b"what was meant"))
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})


async def test_an_empty_index_type_is_not_what_is_in_it(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME) as registry:
        registry.push("shop/web", "1.2", INDEX, b"no json")
        image = image_of(registry)
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})


# ---- what never comes


async def test_a_layer_that_never_comes_is_waited_for_without_a_word(node: Node) -> None:
    async with serve(authority().server(NAME), name=NAME, answers={"/blobs/": -1}) as registry:
        store(registry, "shop/web", "1.2", build(words="never comes"))
        pulling = asyncio.create_task(node.pull(image_of(registry)))
        async with asyncio.timeout(20):
            await registry.held.wait()
        assert not pulling.done()
        assert classify("", "ContainerCreating").symptom is Symptom.STALLED
        registry.released.set()
        assert classify(await pulling).symptom is not Symptom.STALLED
