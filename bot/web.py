"""The HTTP side of the service: health, metrics, and whatever the chats mount."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ready = Callable[[], Awaitable[str]]

_KEEP_ALIVE_SECONDS = 75.0
_LINGER_SECONDS = 1.0  # for the rest of a body that nobody wants
_STAGES_KEPT = 10_000
_LARGEST_BODY = 256 * 1024  # what EventBridge may send, and more than any chat does
# Anybody may post, and a body is read before it is known whose it is. Only so many of this size are, at once;
# smaller ones always come in, so that nobody can keep out what people press.
_LARGE_BODY = 32 * 1024
_LARGE_AT_ONCE = 100


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
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_bodies(body_seconds)])

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


def _bodies(seconds: float) -> Any:
    large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def read(request: web.Request) -> None:
        """A body comes soon or not at all. It is read here, and there for whoever asks for it."""
        if (request.content_length or 0) > _LARGEST_BODY:
            raise web.HTTPRequestEntityTooLarge(_LARGEST_BODY, request.content_length or 0)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="the body must not be compressed\n")
        try:
            async with asyncio.timeout(seconds):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body took too long\n") from None
        except (OSError, web.RequestPayloadError):
            raise web.HTTPBadRequest(text="the body broke off\n") from None

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            await read(request)
        except web.HTTPException as no:
            told = (
                request.method,
                request.path[:100],
                no.status,
                (no.text or no.reason).strip(),
                request.remote,
            )
            log.warning("a request was refused, %s %s with %d: %s (from %s)", *told)
            raise
        return await handler(request)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.can_read_body:
            return await handler(request)
        if (request.content_length or _LARGEST_BODY) < _LARGE_BODY:
            return await answer(request, handler)
        if large.locked():
            log.warning("too many large bodies at once: %s is asked to send it again", request.remote)
            raise web.HTTPServiceUnavailable(
                text="too much at once; send it again\n", headers={"Retry-After": "5"}
            )
        async with large:
            return await answer(request, handler)

    return middleware


def _server_log() -> logging.Logger:
    """Where aiohttp tells what went wrong: a fault of ours with its traceback, a stranger's as a line."""

    def in_a_line(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            # The error's own words quote the request, which may hold a token.
            record.msg, record.args = f"{record.getMessage()}: it is not HTTP ({type(error).__name__})", ()
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
        return True

    its = logging.getLogger(f"{__name__}.server")
    its.filters = [in_a_line]
    return its


class Listener:
    """An aiohttp server that is up between ``start`` and ``stop``."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_server_log(),
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,  # nobody who posts here compresses, and a small body may grow endlessly
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
