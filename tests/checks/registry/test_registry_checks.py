"""A registry on loopback is asked as a node would ask, and judged with what the node said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.clouds._registry import RegistryClient
from checks.model import Status
from tests.fakes.authority import Authority, authority
from tests.fakes.oci_registry import error, serve
from tests.fakes.registry_world import NAME, login, registry_world

NOT_FOUND = "failed to resolve reference: {image}: not found"
UNAUTHORIZED = "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"


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


DNS = "failed to do request: dial tcp: lookup {host} on 10.0.0.2:53: no such host"
TIMEOUT = 'failed to do request: Head "https://{host}/v2/": dial tcp 10.0.9.9:443: i/o timeout'
REFUSED = (
    'failed to do request: Head "https://{host}/v2/": dial tcp 10.0.9.9:443: connect: connection refused'
)
UNTRUSTED = (
    'failed to do request: Head "https://{host}/v2/": tls: failed to verify certificate: x509: certificate '
    "signed by unknown authority"
)
PLAIN = 'failed to do request: Head "https://{host}/v2/": http: server gave HTTP response to HTTPS client'
HANDSHAKE = 'failed to do request: Head "https://{host}/v2/": remote error: tls: handshake failure'
LIMITED = "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit"
FORBIDDEN = "unexpected status: 403 Forbidden"
_FIREWALLED = "client with IP '192.0.2.7' is not allowed access"


# ---- host_resolves


async def test_a_name_that_resolves_nowhere_fails_with_both_views() -> None:
    async with registry_world() as world:
        world.names.clear()
        found = await world.look(DNS.format(host=NAME))
        verdict = found["registry/host_resolves"].verdict
        assert verdict.status is Status.FAIL
        assert "neither on the node nor from here" in verdict.summary
        assert [name for name, _ in verdict.evidence] == ["The node says", "Seen from pullbot"]
        assert {"registry/host_resolves"} == set(found)


async def test_a_name_that_resolves_here_and_not_on_the_node_is_about_the_nodes_dns() -> None:
    async with registry_world() as world:
        found = await world.look(DNS.format(host=NAME))
        verdict = found["registry/host_resolves"].verdict
        assert verdict.status is Status.FAIL
        assert "resolves from here" in verdict.summary
        assert found["registry/host_resolves"].is_cause


async def test_a_name_that_only_pullbot_cannot_resolve_accuses_nobody() -> None:
    async with registry_world() as world:
        world.names.clear()
        found = await world.look(FORBIDDEN)
        assert found["registry/host_resolves"].verdict.status is Status.UNKNOWN
        assert not any(one.verdict.status is Status.FAIL for one in found.values())


async def test_a_name_elsewhere_that_the_node_cannot_resolve_is_not_looked_up() -> None:
    async with registry_world() as world:
        found = await world.look(DNS.format(host="cdn.example.net"))
        verdict = found["registry/host_resolves"].verdict
        assert verdict.status is Status.FAIL
        assert verdict.about == "cdn.example.net"


# ---- host_answers


async def test_a_registry_that_is_down_for_both_fails() -> None:
    async with registry_world() as world:
        image = f"{NAME}:9/shop/web:1.2"
        world.client = RegistryClient((f"{NAME}:9",), names=world.resolve, trust=authority().trust)
        found = await world.look(REFUSED.format(host=f"{NAME}:9"), image)
        await world.client.close()
        verdict = found["registry/host_answers"].verdict
        assert verdict.status is Status.FAIL
        assert "neither the node nor pullbot" in verdict.summary
        assert "connection refused" in dict(verdict.evidence)["Seen from pullbot"]


async def test_a_registry_that_answers_here_says_nothing_of_the_nodes_way() -> None:
    async with registry_world() as world:
        found = await world.look(TIMEOUT.format(host=world.host))
        assert found["registry/host_answers"].verdict.status is Status.UNKNOWN
        assert not any(one.verdict.status is Status.FAIL for one in found.values() if one.explains)


# ---- certificate_is_trusted


async def test_a_certificate_that_is_over_is_shown_with_its_end() -> None:
    async with registry_world(certificate=authority().server(NAME, ends=-timedelta(days=2))) as world:
        found = await world.look(UNTRUSTED.format(host=world.host))
        verdict = found["registry/certificate_is_trusted"].verdict
        assert verdict.status is Status.FAIL
        assert "expired" in verdict.summary
        assert dict(verdict.evidence)["Valid until"] < datetime.now(UTC).isoformat()


async def test_a_certificate_for_another_name_is_shown_with_its_names() -> None:
    async with registry_world(certificate=authority().server("other.example.com")) as world:
        verdict = (await world.look(UNTRUSTED.format(host=world.host)))[
            "registry/certificate_is_trusted"
        ].verdict
        assert verdict.status is Status.FAIL
        assert dict(verdict.evidence)["For"] == "other.example.com"


async def test_a_strange_authority_is_named() -> None:
    async with registry_world(certificate=Authority("Corporate CA").server(NAME)) as world:
        verdict = (await world.look(UNTRUSTED.format(host=world.host)))[
            "registry/certificate_is_trusted"
        ].verdict
        assert verdict.status is Status.FAIL
        assert dict(verdict.evidence)["Issued by"] == "Corporate CA"


async def test_a_certificate_that_only_pullbot_does_not_trust_is_unknown_and_nothing_is_asked() -> None:
    async with registry_world(certificate=Authority("Corporate CA").server(NAME), wants="basic") as world:
        world.log_in()
        found = await world.look(UNAUTHORIZED)
        assert found["registry/certificate_is_trusted"].verdict.status is Status.UNKNOWN
        assert world.registry.asked == []


async def test_a_certificate_that_is_trusted_here_leaves_the_node() -> None:
    async with registry_world() as world:
        verdict = (await world.look(UNTRUSTED.format(host=world.host)))[
            "registry/certificate_is_trusted"
        ].verdict
        assert verdict.status is Status.FAIL
        assert "trusted from here" in verdict.summary


# ---- speaks_https


async def test_a_registry_without_tls_is_told_as_one() -> None:
    async with registry_world(tls=False) as world:
        found = await world.look(PLAIN.format(host=world.host))
        verdict = found["registry/speaks_https"].verdict
        assert verdict.status is Status.FAIL
        assert "plain HTTP" in verdict.summary


async def test_a_handshake_that_fails_for_the_node_alone_is_unknown() -> None:
    async with registry_world() as world:
        found = await world.look(HANDSHAKE.format(host=world.host))
        assert found["registry/speaks_https"].verdict.status is Status.UNKNOWN


async def test_a_registry_without_tls_is_asked_in_plain_but_never_shown_a_login() -> None:
    async with registry_world(tls=False, wants="basic") as world:
        world.log_in()
        found = await world.look(UNAUTHORIZED)
        verdict = found["registry/credentials_are_accepted"].verdict
        assert verdict.status is Status.UNKNOWN
        assert "in plain" in verdict.summary
        assert set(world.registry.logins) == {""}


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
