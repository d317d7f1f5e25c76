"""The way to a registry: name, connection, certificate, TLS; what the node says, and what is seen here."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.clouds._registry import RegistryClient
from checks.model import Status
from tests.fakes.authority import Authority, authority
from tests.fakes.registry_world import NAME, registry_world

UNAUTHORIZED = "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"
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
FORBIDDEN = "unexpected status: 403 Forbidden"


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


async def test_what_speaks_no_tls_with_anybody_is_told() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    place = f"{NAME}:{server.sockets[0].getsockname()[1]}"
    try:
        async with registry_world() as world:
            world.client = RegistryClient((place,), names=world.resolve, trust=authority().trust)
            found = await world.look(HANDSHAKE.format(host=place), f"{place}/shop/web:1.2")
            await world.client.close()
    finally:
        server.close()
        await server.wait_closed()
    verdict = found["registry/speaks_https"].verdict
    assert verdict.status is Status.FAIL
    assert "neither with the node nor with pullbot" in verdict.summary


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
