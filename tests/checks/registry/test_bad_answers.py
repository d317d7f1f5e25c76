"""Registries that are none, or that answer what no registry should: nobody is accused for it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiohttp import web

from checks.model import Finding, Status
from tests.fakes.oci_registry import error, serve
from tests.fakes.registry_world import NAME, registry_world

FORBIDDEN = "unexpected status: 403 Forbidden"
NOT_FOUND = "failed to resolve reference: not found"
ERROR = "unexpected status from HEAD request: 503 Service Unavailable"
PORTAL = web.Response(text="<html><title>Sign in to the hotel</title></html>", content_type="text/html")
LOST = web.Response(status=404, text="<html>Not Found</html>", content_type="text/html")


def accused(found: Mapping[str, Finding]) -> list[str]:
    return [one.check for one in found.values() if one.verdict.status is Status.FAIL]


@pytest.mark.parametrize("part", ["/v2/", "/manifests/", "/token"])
@pytest.mark.parametrize(
    "instead",
    [
        PORTAL,
        LOST,
        500,
        503,
        418,
        web.Response(body=b"\xff\xfe\x00"),
        web.Response(text="[" * 50_000),
        "https://portal.example/",
    ],
    ids=["portal", "lost", "500", "503", "418", "bytes", "nested", "away"],
)
async def test_what_is_no_answer_of_a_registry_accuses_nobody(
    part: str, instead: web.Response | int | str
) -> None:
    async with registry_world(wants="bearer", answers={part: instead}) as world:
        world.registry.push_image("shop/web", "1.2")
        world.log_in()
        found = await world.look(FORBIDDEN)
        assert accused(found) == []
        assert not any("crashed" in one.verdict.summary for one in found.values())


async def test_a_web_page_instead_of_a_registry_is_told() -> None:
    async with registry_world(answers={"/v2/": PORTAL}) as world:
        found = await world.look(NOT_FOUND)
        assert "Sign in to the hotel" in found["registry/tag_exists"].verdict.summary
        assert "and not as a registry does" in found["registry/tag_exists"].verdict.summary


async def test_a_tag_that_is_listed_and_has_no_manifest_is_not_called_missing() -> None:
    async with registry_world(answers={"/manifests/": error(404, "MANIFEST_UNKNOWN", "")}) as world:
        world.registry.push_image("shop/web", "1.2")
        assert accused(await world.look(NOT_FOUND)) == []


async def test_a_page_that_says_not_found_is_no_missing_image() -> None:
    async with registry_world(answers={"/manifests/": LOST}) as world:
        found = await world.look(NOT_FOUND)
        assert found["registry/tag_exists"].verdict.status is Status.UNKNOWN


async def test_errors_for_both_are_the_registrys() -> None:
    async with registry_world(answers={"/v2/": 503}) as world:
        found = await world.look(ERROR)
        assert found["registry/host_answers"].verdict.status is Status.FAIL
        assert found["registry/host_answers"].is_cause


async def test_errors_for_the_node_alone_are_not_known() -> None:
    async with registry_world() as world:
        found = await world.look(ERROR)
        assert found["registry/host_answers"].verdict.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "tree", [{}, {"token": 7}, {"token": "a b\r\nX-Evil: 1"}, {"token": "x" * 100_000}, []]
)
async def test_a_token_that_is_none_is_not_sent(tree: object) -> None:
    async with registry_world(wants="bearer", answers={"/token": web.json_response(tree)}) as world:
        world.log_in()
        found = await world.look(FORBIDDEN)
        assert accused(found) == []
        assert not any("/manifests/" in one for one in world.registry.asked)


@pytest.mark.parametrize("tags", ["x", None, [1, None, "\u202e1.1", "y" * 500], {}])
async def test_tags_that_are_none_are_not_shown(tags: object) -> None:
    async with registry_world(answers={"/tags/": web.json_response({"tags": tags})}) as world:
        world.registry.push_image("shop/web", "1.1")
        verdict = (await world.look(NOT_FOUND))["registry/tag_exists"].verdict
        assert verdict.status is Status.FAIL
        assert "Tags like it" not in dict(verdict.evidence)


async def test_what_a_registry_says_is_shown_short_and_without_secrets() -> None:
    words = "\x1b[31mtoken eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl " + "x" * 5_000
    async with registry_world(wants="bearer", answers={"/token": error(403, "DENIED", words)}) as world:
        world.log_in()
        [(_, said)] = (await world.look(FORBIDDEN))["registry/credentials_are_accepted"].verdict.evidence
        assert said.startswith("403 DENIED")
        assert "eyJ" not in said
        assert "\x1b" not in said
        assert len(said) < 400


async def test_a_realm_on_this_machine_is_not_asked() -> None:
    async with serve() as inner, registry_world(wants="bearer") as world:
        world.registry.realm = f"{inner.url}/token"
        world.log_in()
        found = await world.look(FORBIDDEN)
        assert accused(found) == []
        assert inner.asked == []


async def test_a_registry_that_resolves_to_this_machine_is_not_asked() -> None:
    async with registry_world() as world:
        found = await world.look(FORBIDDEN, f"{NAME}:5000/shop/web:1.2")
        assert found["registry/host_resolves"].verdict.status is Status.UNKNOWN
        assert "registry.allow_local_hosts" in found["registry/host_resolves"].verdict.summary
        assert set(found) == {"registry/host_resolves"}


@pytest.mark.parametrize("message", ["no space left on device", "couldn't parse image reference"])
async def test_where_no_registry_is_the_matter_none_is_asked(message: str) -> None:
    async with registry_world() as world:
        assert await world.look(message) == {}
        assert world.client.calls == 0


async def test_a_private_registry_of_ecr_is_never_dialled() -> None:
    async with registry_world() as world:
        found = await world.look(FORBIDDEN, "123456789012.dkr.ecr.us-west-2.amazonaws.com/app:1")
        assert found == {}
        assert world.client.calls == 0


# ---- what it costs


async def test_a_diagnosis_with_a_login_takes_seven_requests_and_a_look() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        world.registry.push_image("shop/web", "1.1")
        world.log_in()
        await world.look(FORBIDDEN)
        kinds = [
            one.partition("?")[0].partition(" ")[2].rpartition("/")[2] or "v2" for one in world.registry.asked
        ]
        assert sorted(kinds) == sorted(["v2", "token", "token", "1.2", "1.2", "list"])
        assert world.client.calls == 7


async def test_without_a_login_it_takes_five() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        world.registry.push_image("shop/web", "1.1")
        await world.look(NOT_FOUND)
        assert world.client.calls == 5


async def test_two_images_share_what_is_their_hosts() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        world.registry.push_image("shop/web", "1.1")
        world.registry.push_image("shop/web", "1.2")
        await world.look_at(NOT_FOUND, world.image("1.1"), world.image("1.2"))
        # One look, one challenge, one token of the repository, and each its manifest.
        assert world.client.calls == 5
