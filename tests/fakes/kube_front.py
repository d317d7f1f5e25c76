"""A door in front of a Kubernetes API that misbehaves when told to: refuses, hangs, drops, cuts off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

DROP = -1  # close the connection instead of answering
HANG = -2  # never answer
CUT = -3  # answer, and break off in the middle
WEB_PAGE = -4  # as a proxy or a captive portal
NOTHING = -5  # end the answer before it has begun
SHORT = -6  # end it in the middle as if that were all


@dataclass
class Trouble:
    """What happens to requests whose path and query contain all of ``about``, as often as ``times``."""

    about: tuple[str, ...]
    status: int
    message: str = ""
    times: int = 1_000_000

    def meets(self, request: web.Request) -> bool:
        asked = f"{request.method} {request.path_qs}"
        return self.times > 0 and all(part in asked for part in self.about)


@dataclass
class Front:
    """``asked``: method, path and query of what came in, in order. ``bearers``: the tokens it came with."""

    url: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def trouble(self, *about: str, status: int, message: str = "", times: int = 1_000_000) -> None:
        self.troubles.append(Trouble(about, status, message, times))

    def heal(self) -> None:
        self.troubles.clear()

    def count(self, *parts: str) -> int:
        return sum(all(part in one for part in parts) for one in self.asked)


@asynccontextmanager
async def serve(upstream: str) -> AsyncIterator[Front]:
    front = Front()
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def pass_on(
            request: web.Request, *, cut: bool = False, drop: bool = True
        ) -> web.StreamResponse:
            body = await request.read()
            kept = {k: v for k, v in request.headers.items() if k in ("Authorization", "Content-Type")}
            target = f"{upstream}{request.path_qs}"
            async with session.request(request.method, target, data=body, headers=kept) as answer:
                response = web.StreamResponse(status=answer.status)
                response.content_type = "application/json"
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if cut:
                        await response.write(chunk[: len(chunk) // 2])
                        break
                    await response.write(chunk)
                if cut and drop:
                    _drop(request)
            return response

        async def serve_one(request: web.Request) -> web.StreamResponse:
            front.asked.append(f"{request.method} {request.path_qs}")
            front.bearers.append(request.headers.get("Authorization", ""))
            met = next((one for one in front.troubles if one.meets(request)), None)
            if met is None:
                return await pass_on(request)
            met.times -= 1
            if met.status in (CUT, SHORT):
                return await pass_on(request, cut=True, drop=met.status == CUT)
            return await _trouble(front, request, met)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", serve_one)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield front
        finally:
            front.released.set()
            await runner.cleanup()


async def _trouble(front: Front, request: web.Request, met: Trouble) -> web.Response:
    if met.status == HANG:
        await front.released.wait()
    if met.status == DROP:
        _drop(request)
    if met.status == WEB_PAGE:
        return web.Response(text="<html>Sign in to the hotel</html>", content_type="text/html")
    if met.status < 0:
        return web.Response(content_type="application/json")
    told = {"kind": "Status", "status": "Failure", "code": met.status, "message": met.message}
    return web.Response(status=met.status, body=orjson.dumps(told), content_type="application/json")


def _drop(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


def write_kubeconfig(path: Path, server: str, user: Mapping[str, Any]) -> dict[str, str]:
    """A kubeconfig with the context ``prod``; the environment that leads to it."""
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "prod", "cluster": {"server": server}}],
        "users": [{"name": "bot", "user": dict(user)}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "bot"}}],
        "current-context": "prod",
    }
    path.write_text(orjson.dumps(tree).decode())  # JSON is YAML
    return {"KUBECONFIG": str(path)}
