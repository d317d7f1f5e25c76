"""Logins, repositories, tags and rate limits of a registry on loopback, asked as a node would ask."""

from __future__ import annotations

import pytest

from checks.model import Status
from tests.fakes.oci_registry import error, serve
from tests.fakes.registry_world import NAME, login, registry_world

NOT_FOUND = "failed to resolve reference: {image}: not found"
UNAUTHORIZED = "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"
LIMITED = "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit"
FORBIDDEN = "unexpected status: 403 Forbidden"
_FIREWALLED = "client with IP '192.0.2.7' is not allowed access"


async def test_a_missing_tag_is_told_with_its_neighbours() -> None:
    async with registry_world() as world:
        world.registry.push_image("shop/web", "1.1")
        found = await world.look(NOT_FOUND.format(image=world.image()))
        verdict = found["registry/tag_exists"].verdict
        assert verdict.status is Status.FAIL, verdict
        assert "there is 1.1" in verdict.summary
        assert found["registry/tag_exists"].is_cause
        assert found["registry/repository_exists"].verdict.status is Status.PASS
        assert found["registry/host_resolves"].verdict.status is Status.PASS
        assert found["registry/certificate_is_trusted"].verdict.status is Status.PASS
        assert NAME in dict(found["registry/certificate_is_trusted"].verdict.evidence)["For"]


async def test_a_login_that_the_registry_refuses_is_the_cause() -> None:
    async with registry_world(wants="bearer") as world:
        world.registry.push_image("shop/web", "1.2")
        world.log_in(login("wrong"))
        found = await world.look(UNAUTHORIZED)
        verdict = found["registry/credentials_are_accepted"].verdict
        assert verdict.status is Status.FAIL, verdict
        assert "shop/regcred" in verdict.summary
        assert "wrong" not in repr(found)


# ---- credentials_are_accepted


@pytest.mark.parametrize("wants", ["basic", "bearer"])
async def test_a_good_login_passes(wants: str) -> None:
    async with registry_world(wants=wants) as world:
        world.registry.push_image("shop/web", "1.2")
        world.log_in()
        found = await world.look(FORBIDDEN)
        assert found["registry/credentials_are_accepted"].verdict.status is Status.PASS
        assert found["registry/tag_exists"].verdict.status is Status.PASS


@pytest.mark.parametrize("wants", ["basic", "bearer"])
async def test_a_login_without_a_right_to_the_repository_fails(wants: str) -> None:
    async with registry_world(wants=wants, denied={"shop/web"}) as world:
        world.registry.push_image("shop/web", "1.2")
        world.log_in()
        verdict = (await world.look(UNAUTHORIZED))["registry/credentials_are_accepted"].verdict
        assert verdict.status is Status.FAIL
        assert "shop/regcred" in verdict.summary


async def test_a_refusal_of_pullbots_address_accuses_no_login() -> None:
    async with registry_world(wants="bearer", answers={"/token": error(403, "DENIED", _FIREWALLED)}) as world:
        world.log_in()
        assert (await world.look(FORBIDDEN))[
            "registry/credentials_are_accepted"
        ].verdict.status is Status.UNKNOWN


async def test_a_refusal_of_strangers_says_nothing_of_the_node() -> None:
    async with registry_world(wants="bearer") as world:
        found = await world.look(UNAUTHORIZED)
        for check in ("credentials_are_accepted", "repository_exists"):
            assert found[f"registry/{check}"].verdict.status is Status.UNKNOWN, check
        assert "registry/tag_exists" not in found


async def test_what_everybody_may_read_needs_no_login() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        world.registry.push_image("shop/web", "1.2")
        found = await world.look(UNAUTHORIZED)
        assert found["registry/credentials_are_accepted"].verdict.status is Status.PASS
        assert found["registry/tag_exists"].verdict.status is Status.PASS


async def test_a_realm_of_somebody_else_is_asked_without_the_login() -> None:
    async with serve() as stranger, registry_world(wants="bearer", realm="https://x.test/token") as world:
        world.registry.realm = f"{stranger.url}/token"
        world.log_in()
        found = await world.look(UNAUTHORIZED)
        verdict = found["registry/credentials_are_accepted"].verdict
        assert verdict.status is Status.UNKNOWN
        assert "not known to belong to it" in verdict.summary
        assert not any(stranger.logins)


# ---- what is there


async def test_a_missing_repository_is_told() -> None:
    async with registry_world(wants="bearer") as world:
        world.log_in()
        found = await world.look(UNAUTHORIZED)
        assert found["registry/repository_exists"].verdict.status is Status.FAIL
        assert "registry/tag_exists" not in found


async def test_what_strangers_are_not_shown_may_be_there_all_the_same() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        found = await world.look(UNAUTHORIZED)
        assert found["registry/repository_exists"].verdict.status is Status.UNKNOWN


async def test_what_neither_strangers_nor_the_node_are_shown_is_missing() -> None:
    async with registry_world(wants="bearer", public={"shop/web"}) as world:
        found = await world.look(NOT_FOUND.format(image=world.image()))
        assert found["registry/repository_exists"].verdict.status is Status.FAIL


# ---- rate_limit_is_left


async def test_too_many_requests_of_the_node_fail_with_what_is_left_here() -> None:
    left = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600",
            "docker-ratelimit-source": "192.0.2.7"}  # fmt: skip
    async with registry_world(headers=left) as world:
        world.registry.push_image("shop/web", "1.2")
        verdict = (await world.look(LIMITED))["registry/rate_limit_is_left"].verdict
        assert verdict.status is Status.FAIL
        assert (
            "Left from here, without a login",
            "76 of 100 in 6 h, counted for 192.0.2.7",
        ) in verdict.evidence
        elsewhere = (await world.look(FORBIDDEN))["registry/rate_limit_is_left"].verdict
        assert elsewhere.status is Status.PASS


async def test_too_many_requests_of_pullbot_are_none_of_the_node() -> None:
    async with registry_world(answers={"/manifests/": 429}) as world:
        found = await world.look(FORBIDDEN)
        assert found["registry/rate_limit_is_left"].verdict.status is Status.UNKNOWN
        assert not any(one.verdict.status is Status.FAIL for one in found.values())
