"""The client of registries against servers on loopback that mean no good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.clouds._registry import RegistryClient, resolve
from bot.clouds._registry_addresses import Barred, is_barred, permitted
from bot.clouds.connect import connect
from bot.clouds.ecs import connect_ecs
from bot.clouds.kubeconfig import Context
from bot.clusters import registry_client
from bot.settings import Settings
from checks.model import Unavailable
from checks.registry.facts import NotReached, Registry
from checks.secret import Secret
from tests.fakes.authority import authority
from tests.fakes.oci_registry import OciRegistry, serve

NAME = "registry.example.com"
LOGIN = Secret("Basic c2VjcmV0")


@asynccontextmanager
async def client(*allowed: OciRegistry | str, seconds: float = 5.0) -> AsyncIterator[RegistryClient]:
    """Every name is this machine; those that are ``allowed`` may be."""
    places = [one if isinstance(one, str) else one.authority for one in allowed]
    made = RegistryClient(places, names=_here, trust=authority().trust, seconds=seconds)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def tls(name: str = NAME) -> AsyncIterator[OciRegistry]:
    async with serve(authority().server(name), name=name) as registry:
        yield registry


# ---- where it goes


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2",
        "224.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200", "192.0.0.192", "::1",
        "::", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254", "fd20:ce::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1",
    ],
)  # fmt: skip
def test_this_machine_its_neighbours_and_metadata_services_are_not_asked(address: str) -> None:
    assert is_barred(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "203.0.113.9",
        "fd12::5",
        "2001:db8::1",
        "64:ff9b::a00:5",
    ],
)
def test_private_networks_are_where_registries_are(address: str) -> None:
    assert not is_barred(address)


def test_a_name_with_one_address_that_is_barred_is_not_asked_at_any() -> None:
    with pytest.raises(Barred, match=r"registry\.allow_local_hosts"):
        permitted(NAME, ("10.0.0.5", "127.0.0.1"))


async def test_a_name_that_leads_to_this_machine_is_not_asked() -> None:
    async with tls() as registry, client() as asking:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
            await asking.fetch("GET", f"{registry.url}/v2/")
        line = await asking.look(NAME, 443)
        assert "127.0.0.1" in line.barred
        assert registry.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]"])
async def test_an_address_instead_of_a_name_is_judged_as_well(host: str) -> None:
    async with client() as asking:
        with pytest.raises(Unavailable, match="does not ask"):
            await asking.fetch("GET", f"http://{host}/v2/")
        assert asking.calls == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
async def test_an_address_in_disguise_is_one_too(host: str) -> None:
    """The system resolves these to loopback, or to nothing."""
    asking = RegistryClient()
    with pytest.raises(Unavailable):
        await asking.fetch("GET", f"http://{host}:9/v2/")
    await asking.close()


@pytest.mark.parametrize(
    "host", ["①②⑦.0.0.1", "127。0。0。1", "１２７.0.0.1", "①⑥⑨.②⑤④.①⑥⑨.②⑤④"]
)  # fmt: skip
async def test_digits_of_other_scripts_are_an_address_too(host: str) -> None:
    """What makes a URL of them makes plain digits of them, and dials those without asking for a name."""
    async with serve() as registry, client() as asking:
        with pytest.raises(Unavailable, match="does not ask"):
            await asking.fetch("GET", f"http://{host}:{registry.authority.rpartition(':')[2]}/v2/")
        assert (asking.calls, registry.asked) == (0, [])


async def test_a_redirect_to_a_metadata_service_is_not_followed() -> None:
    async with tls() as registry, client(registry) as asking:
        for target in ("http://169.254.169.254/latest", "https://169.254.169.254/", "https://other.example/"):
            registry.answers = {"/v2/": target}
            with pytest.raises(Unavailable):
                await asking.fetch("GET", f"{registry.url}/v2/", authorization=LOGIN)
        assert len(registry.asked) == 3


async def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    async with tls() as registry, serve() as other, client(registry, other) as asking:
        registry.answers = {"/v2/": f"{other.url}/v2/"}
        with pytest.raises(Unavailable, match="from HTTPS to"):
            await asking.fetch("GET", f"{registry.url}/v2/")
        assert other.asked == []


@pytest.mark.parametrize(
    "target", ["ftp://x.example/", "file:///etc/passwd", "https://u:p@x.example/", "https://"]
)
async def test_a_redirect_to_no_registry_is_not_followed(target: str) -> None:
    async with tls() as registry, client(registry) as asking:
        registry.answers = {"/v2/": target}
        with pytest.raises(Unavailable):
            await asking.fetch("GET", f"{registry.url}/v2/")


async def test_a_redirect_loop_ends() -> None:
    async with tls() as registry, client(registry) as asking:
        registry.answers = {"/v2/": "/v2/"}
        with pytest.raises(Unavailable, match="in circles"):
            await asking.fetch("GET", f"{registry.url}/v2/")
        assert len(registry.asked) == 5


# ---- whom it shows a login


async def test_a_login_stays_with_the_host_that_was_asked() -> None:
    async with tls() as registry, tls("cdn.example.net") as other, client(registry, other) as asking:
        registry.answers = {"/v2/": f"{other.url}/v2/"}
        answer = await asking.fetch("GET", f"{registry.url}/v2/", authorization=LOGIN)
        assert answer.status == 200
        assert registry.logins == [LOGIN.reveal()]
        assert other.logins == [""]


async def test_a_login_goes_along_within_the_same_host() -> None:
    async with tls() as registry, client(registry) as asking:
        registry.answers = {"/v2/x": "/v2/"}
        await asking.fetch("GET", f"{registry.url}/v2/x", authorization=LOGIN)
        assert registry.logins == [LOGIN.reveal()] * 2


async def test_another_port_of_the_same_host_is_another_place() -> None:
    async with tls() as registry, tls() as other, client(registry, other) as asking:
        registry.answers = {"/v2/": f"{other.url}/v2/"}
        await asking.fetch("GET", f"{registry.url}/v2/", authorization=LOGIN)
        assert other.logins == [""]


async def test_a_login_is_never_shown_in_plain_to_another_machine() -> None:
    async with serve() as registry:
        place = f"{NAME}:{registry.authority.rpartition(':')[2]}"
        async with client(place) as asking:
            await asking.fetch("GET", f"http://{place}/v2/", authorization=LOGIN)
        assert registry.logins == [""]


async def test_what_stays_on_this_machine_nobody_hears() -> None:
    async with serve() as registry, client(registry) as asking:
        assert registry.url.startswith("http://127.0.0.1:")
        await asking.fetch("GET", f"{registry.url}/v2/", authorization=LOGIN)
        assert registry.logins == [LOGIN.reveal()]


async def test_nothing_is_sent_to_who_has_no_good_certificate() -> None:
    async with tls("other.example.com") as other:
        place = f"{NAME}:{other.authority.rpartition(':')[2]}"
        async with client(place) as asking:
            with pytest.raises(NotReached, match="Hostname mismatch"):
                await asking.fetch("GET", f"https://{place}/v2/", authorization=LOGIN)
        assert other.asked == []


# ---- what it bears


async def test_an_answer_without_end_is_cut_off() -> None:
    async with tls() as registry, client(registry) as asking:
        registry.answers = {"/v2/": web.Response(body=b"x" * (5 * 1024 * 1024))}
        with pytest.raises(Unavailable, match="more than 4194304 bytes"):
            await asking.fetch("GET", f"{registry.url}/v2/")


async def test_an_answer_that_never_comes_is_given_up() -> None:
    async with tls() as registry, client(registry, seconds=0.2) as asking:
        registry.answers = {"/v2/": -1}
        begun = time.monotonic()
        with pytest.raises(NotReached, match=r"within 0\.2 s"):
            await asking.fetch("GET", f"{registry.url}/v2/")
        assert time.monotonic() - begun < 2


async def test_a_body_that_drips_is_given_up() -> None:
    stop = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        await writer.drain()
        await stop.wait()
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    place = f"slow.example:{server.sockets[0].getsockname()[1]}"
    asking = RegistryClient([place], names=_here, seconds=0.2)
    try:
        with pytest.raises(NotReached):
            await asking.fetch("GET", f"http://{place}/v2/")
    finally:
        await asking.close()
        stop.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "answer", [b"\x16\x03\x01\x00\x02", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b""]
)
async def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    place = f"odd.example:{server.sockets[0].getsockname()[1]}"
    asking = RegistryClient([place], names=_here)
    try:
        with pytest.raises(Unavailable):
            await asking.fetch("GET", f"http://{place}/v2/")
    finally:
        await asking.close()
        server.close()
        await server.wait_closed()


async def _here(_: str) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def test_nobody_at_the_port_is_told_in_a_sentence() -> None:
    async with client(f"{NAME}:9") as asking:
        with pytest.raises(
            NotReached, match=r"https://registry\.example\.com:9/v2/ cannot be reached from here"
        ):
            await asking.fetch("GET", f"https://{NAME}:9/v2/?token=x")


async def test_a_name_without_an_address_is_told() -> None:
    async def nowhere(_: str) -> tuple[str, ...]:
        raise OSError("Name or service not known")

    asking = RegistryClient(names=nowhere)
    with pytest.raises(NotReached, match="Name or service not known"):
        await asking.fetch("GET", f"https://{NAME}/v2/")
    assert (await asking.look(NAME, 443)).unresolved == "name or service not known"
    await asking.close()


async def test_the_systems_own_resolver_is_asked() -> None:
    assert "127.0.0.1" in await resolve("localhost")


async def test_a_client_that_was_never_used_closes() -> None:
    await RegistryClient().close()


# ---- wired in


async def test_a_cluster_that_was_given_a_client_asks_registries_and_closes_it() -> None:
    async with tls() as registry:
        asking = RegistryClient([registry.authority], names=_here, trust=authority().trust)
        connected = await connect(Context("prod", "default"), registry=asking)
        assert connected.roots[Registry] is asking
        await asking.fetch("GET", f"{registry.url}/v2/")
        assert connected.calls()["registry"] == 1
        await connected.close()
        in_ecs = connect_ecs("us-west-2", registry=RegistryClient())
        assert Registry in in_ecs.roots
        await in_ecs.close()


async def test_without_one_no_registry_is_asked() -> None:
    connected = await connect(Context("prod", "default"))
    assert Registry not in connected.roots
    assert connected.calls()["registry"] == 0
    await connected.close()


@pytest.mark.parametrize(("probe", "asks"), [(True, True), (False, False)])
def test_the_configuration_turns_it_off(probe: bool, asks: bool) -> None:
    settings = Settings.model_validate(
        {"registry": {"probe": probe, "allow_local_hosts": ["localhost:5000"]}}
    )
    assert (registry_client(settings) is not None) is asks
