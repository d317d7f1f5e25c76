"""The web server answers quickly, whoever asks and however slowly."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.web import Glance, Listener, Metrics, application


async def ready() -> str:
    return ""


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    app = application(ready, Metrics(), [web.post("/take", take)], body_seconds=0.05)
    listener = Listener(app, "127.0.0.1", 0)
    [(host, port)] = await listener.start()
    try:
        assert b"200 OK" in await answer(host, port, b"hello")
        assert b"408 Request Timeout" in await answer(host, port, b"hell")
    finally:
        await listener.stop()


async def answer(host: str, port: int, body: bytes) -> bytes:
    """What a request is answered that announced a body of five bytes."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n" + body)
    async with asyncio.timeout(5):
        told = await reader.readline()
    writer.close()
    return told


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
