"""The way to a registry: names, connections, certificates, as a real containerd meets them."""

from __future__ import annotations

import asyncio
import ssl
import struct
from datetime import timedelta

import pytest

from checks.model import Symptom
from tests.fakes.authority import Authority, authority
from tests.fakes.oci_registry import serve
from tests.fakes.registry_world import NAME
from tests.real.image import build, store
from tests.real.looking import Seen, look
from tests.real.node import NAMESERVER, Node

pytestmark = pytest.mark.real

UNTRUSTED = Seen(Symptom.TLS_UNTRUSTED, {"registry/certificate_is_trusted"})


@pytest.mark.parametrize(
    "certificate",
    [
        Authority("Somebody Else").server(NAME),
        authority().server(NAME, ends=-timedelta(days=2)),
        authority().server("another.example.com"),
    ],
    ids=["unknown authority", "expired", "another name"],
)
async def test_a_certificate_that_is_not_trusted_is_found(node: Node, certificate: ssl.SSLContext) -> None:
    async with serve(certificate, name=NAME) as registry:
        store(registry, "shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.2"
        assert await look(image, await node.pull(image)) == UNTRUSTED


async def test_a_closed_port_is_found(node: Node) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    image = f"{NAME}:{port}/shop/web:1.2"
    assert await look(image, await node.pull(image)) == Seen(
        Symptom.CONNECT_FAILED, {"registry/host_answers"}
    )


async def test_a_connection_that_is_dropped_in_the_handshake_is_told(node: Node) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        image = f"{NAME}:{server.sockets[0].getsockname()[1]}/shop/web:1.2"
        assert await look(image, await node.pull(image)) == Seen(Symptom.CONNECT_FAILED, set())


async def test_who_never_answers_the_handshake_is_told(node: Node) -> None:
    gone = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.transport.abort()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        image = f"{NAME}:{server.sockets[0].getsockname()[1]}/shop/web:1.2"
        seen = await look(image, await node.pull(image))
        gone.set()
        assert seen == Seen(Symptom.CONNECT_TIMEOUT, set())


class Nobody(asyncio.DatagramProtocol):
    """A name server that knows no name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        flags, one_question = 0x8183, 1  # an answer, recursion, NXDOMAIN
        head = data[:2] + struct.pack(">HHHHH", flags, one_question, 0, 0, 0)
        end = data.index(b"\0", 12) + 5
        self._transport.sendto(head + data[12:end], addr)


async def test_a_name_that_nobody_knows_is_found(node: Node) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Nobody, local_addr=(NAMESERVER, 53))
    try:
        image = "registry.example.net/shop/web:1.2"
        seen = await look(image, await node.pull(image))
    finally:
        transport.close()
    assert seen == Seen(Symptom.DNS_FAILURE, {"registry/host_resolves"})


async def test_a_name_server_that_is_not_there_is_found(node: Node) -> None:
    image = "registry.example.net/shop/web:1.2"
    seen = await look(image, await node.pull(image))
    assert seen == Seen(Symptom.DNS_FAILURE, {"registry/host_resolves"})
