"""The web server answers quickly, whoever asks and however slowly."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import web

from bot.web import Glance, Listener, Metrics, application


async def ready() -> str:
    return ""


HEAD = b"POST /take HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@asynccontextmanager
async def taking(body_seconds: float = 5.0) -> AsyncIterator[tuple[str, int]]:
    """Where the server is, of which ``/take`` takes any body."""

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    app = application(ready, Metrics(), [web.post("/take", take)], body_seconds=body_seconds)
    listener = Listener(app, "127.0.0.1", 0)
    [there] = await listener.start()
    try:
        yield there
    finally:
        await listener.stop()


async def answer(there: tuple[str, int], request: bytes) -> bytes:
    """The first line of what the request is answered."""
    reader, writer = await asyncio.open_connection(*there)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.readline()
    finally:
        writer.close()


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    async with taking(body_seconds=0.05) as there:
        assert b"200 OK" in await answer(there, HEAD + b"Content-Length: 5\r\n\r\nhello")
        assert b"408 Request Timeout" in await answer(there, HEAD + b"Content-Length: 5\r\n\r\nhell")


@contextmanager
def telling(logger: str, told: asyncio.Event) -> Iterator[None]:
    """``told`` is set by whatever is logged."""

    class Setting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    handler = Setting()
    logging.getLogger(logger).addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger(logger).removeHandler(handler)


BAD = {
    "too long": (b"Content-Length: 500000\r\n\r\n", b"413 "),
    "too long, and not told": (
        b"Transfer-Encoding: chunked\r\n\r\n7A120\r\n" + b" " * 500_000 + b"\r\n0\r\n\r\n",
        b"413 ",
    ),
    "compressed": (
        b"Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + gzip.compress(b"hello"),
        b"415 ",
    ),
    "compressed, it says": (b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", b"415 "),
    "compressed somehow": (b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", b"415 "),
    "in no chunks": (b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n", b"400 "),
    "below a long header": (b"Authorization: Bearer " + b"a" * 9000 + b"\r\n\r\n", b"400 "),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_read_is_refused_and_told_in_one_line(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    rest, status = BAD[case]
    async with taking() as there:
        assert status in await answer(there, HEAD + rest)
    [told] = [one for one in caplog.records if one.name.startswith(("bot", "aiohttp"))]
    assert told.levelno == logging.WARNING
    assert "127.0.0.1" in told.getMessage()
    assert not told.exc_info
    assert "aaaa" not in told.getMessage()  # no part of what may be a token


async def test_who_breaks_off_is_told_of_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with taking() as there:
        _, writer = await asyncio.open_connection(*there)
        writer.write(HEAD + b"Content-Length: 5\r\n\r\nhell")
        await writer.drain()
        told = asyncio.Event()
        with telling("bot.web", told):
            writer.close()
            async with asyncio.timeout(5):
                await told.wait()
        assert b"200 OK" in await answer(there, HEAD + b"Content-Length: 5\r\n\r\nhello")
    [line] = caplog.records
    assert (line.levelno, line.exc_info) == (logging.WARNING, None)
    assert "broke off" in line.getMessage()


async def test_large_bodies_are_not_all_kept_at_once_and_small_ones_come_in_all_the_same() -> None:
    """The pod has memory for some of them only, and nobody has to sign anything to send one."""
    begun = HEAD + b"Content-Length: 200000\r\n\r\n" + b" " * 1000
    async with taking() as there:
        waiting = [asyncio.create_task(answer(there, begun)) for _ in range(101)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert [b"503 " in one.result() for one in done] == [True]
        assert b"200 OK" in await answer(there, HEAD + b"Content-Length: 5\r\n\r\nhello")
        for one in pending:
            one.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def test_whoever_asks_often_makes_it_look_now_and_then() -> None:
    now = 0.0
    looks: list[float] = []

    async def look() -> str:
        looks.append(now)
        return f"{len(looks)}"

    glance = Glance(look, 3.0, lambda: now)
    assert [await glance() for _ in range(5)] == ["1"] * 5
    now = 2.9
    assert await glance() == "1"
    now = 3.0
    assert await glance() == "2"
    assert looks == [0.0, 3.0]
