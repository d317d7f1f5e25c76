"""The HTTP side of the service: health, metrics, and whatever the chats mount."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Ready = Callable[[], Awaitable[str]]


class Metrics:
    """What the service counts. One registry per service, so that two in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.incidents = Counter(
            "pullbot_incidents", "Incidents by the stage they reached", ["stage"], registry=self.registry
        )
        self.watches = Gauge(
            "pullbot_watch_up",
            "Whether the watch of a cluster is connected",
            ["cluster"],
            registry=self.registry,
        )
        self.calls = Gauge(
            "pullbot_api_calls", "Calls to clouds and clusters", ["cluster", "api"], registry=self.registry
        )


def application(ready: Ready, metrics: Metrics, routes: Iterable[web.RouteDef]) -> web.Application:
    """``ready`` answers "" or the reason why not yet."""
    app = web.Application(client_max_size=1024 * 1024)

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


class Listener:
    """An aiohttp server that is up between ``start`` and ``stop``."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None)
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
