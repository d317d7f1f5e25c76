"""The HTTP side of the service: health, metrics, and whatever the chats mount."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ready = Callable[[], Awaitable[str]]

_KEEP_ALIVE_SECONDS = 75.0
_LINGER_SECONDS = 1.0  # for the rest of a body that nobody wants
_STAGES_KEPT = 10_000


class Metrics:
    """What the service counts. One registry per service, so that two in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.incidents = Counter(
            "pullbot_incidents", "Incidents by the stage they reached", ["stage"], registry=self.registry
        )
        self._stages: OrderedDict[str, str] = OrderedDict()
        self.watches = Gauge(
            "pullbot_watch_up",
            "Whether the watch of a cluster is connected",
            ["cluster"],
            registry=self.registry,
        )
        self.calls = Gauge(
            "pullbot_api_calls", "Calls to clouds and clusters", ["cluster", "api"], registry=self.registry
        )

    def reached(self, incident: str, stage: str) -> None:
        """An incident was saved in that stage; counted once, however often it is saved there."""
        if self._stages.get(incident) != stage:
            self.incidents.labels(stage=stage).inc()
        self._stages[incident] = stage
        self._stages.move_to_end(incident)
        if len(self._stages) > _STAGES_KEPT:
            self._stages.popitem(last=False)


class Glance:
    """What ``look`` answered lately: whoever asks often does not make it look each time."""

    def __init__(self, look: Ready, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._seconds = seconds
        self._clock = clock
        self._turn = asyncio.Lock()
        self._seen = ""
        self._until = float("-inf")

    async def __call__(self) -> str:
        async with self._turn:
            if self._clock() >= self._until:
                self._seen = await self._look()
                self._until = self._clock() + self._seconds
            return self._seen


def application(
    ready: Ready, metrics: Metrics, routes: Iterable[web.RouteDef], *, body_seconds: float = 15.0
) -> web.Application:
    """``ready`` answers "" or the reason why not yet. A request's body may take ``body_seconds`` to come."""
    app = web.Application(client_max_size=1024 * 1024, middlewares=[_in_time(body_seconds)])

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why_not = await ready()
        return web.Response(text=f"{why_not or 'ready'}\n", status=503 if why_not else 200)

    async def show_metrics(_: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", show_metrics), *routes]
    )
    return app


def _in_time(seconds: float) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        """A body comes soon or not at all. It is read here, and there for whoever asks for it."""
        if request.can_read_body:
            try:
                async with asyncio.timeout(seconds):
                    await request.read()
            except TimeoutError:
                raise web.HTTPRequestTimeout(text="the body took too long\n") from None
        return await handler(request)

    return middleware


class Listener:
    """An aiohttp server that is up between ``start`` and ``stop``."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=_KEEP_ALIVE_SECONDS, lingering_time=_LINGER_SECONDS
        )
        self._host, self._port = host, port

    async def start(self) -> Sequence[tuple[str, int]]:
        """:returns: the addresses it listens on.

        :raises OSError: the port is taken, or may not be used.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return [(str(address[0]), int(address[1])) for address in self._runner.addresses]

    async def stop(self) -> None:
        await self._runner.cleanup()
