"""Socket Mode: Slack's events over a connection that we open, so nothing of ours need be reachable.

The library keeps one connection alive and follows Slack's refreshes. It can get stuck, though, on an address
that was good only once; whatever is not connected for a while is replaced as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import random

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.chat.clock import Pause
from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.slack.api import Api, answer_to
from checks.secret import Secret

log = logging.getLogger(__name__)

# Its own words about an outage are stack traces every few seconds; ours are below.
_library = logging.getLogger(f"{__name__}.library")
_library.setLevel(logging.CRITICAL + 1)

_CONNECT_SECONDS = 20.0
_CLOSE_SECONDS = 3.0
_PING_SECONDS = 5.0
_SLOWEST_SECONDS = 60.0


class Socket:
    """Connected from ``start`` to ``stop``, as far as Slack lets it.

    :param patience: seconds that the library is given to mend a connection
    """

    def __init__(
        self, api: Api, app: AsyncApp, token: Secret[str] | None, pause: Pause, *, patience: float = 15.0
    ) -> None:
        self._api = api
        self._app = app
        self._token = token
        self._pause = pause
        self._patience = patience
        self._handler: AsyncSocketModeHandler | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.why_not = "not started"

    def start(self) -> None:
        self.why_not = "not connected yet"
        self._keeping = asyncio.create_task(self._keep(), name="slack socket")

    async def stop(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._drop()
        self.why_not = "stopped"

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                await self._connect()
                failures = 0
                log.info("connected to Slack")
                await self._watch()
                log.warning("the connection to Slack is lost; making a new one")
            except (ChatDown, ChatRefused) as why:
                failures += 1
                self._tell(str(why))
                await self._pause(_wait(failures, getattr(why, "retry_after", 0.0)))
            except Exception:
                failures += 1
                log.exception("the connection to Slack failed")
                await self._pause(_wait(failures, 0.0))

    async def _connect(self) -> None:
        await self._drop()
        await self._api.identity()
        token = self._token.reveal() if self._token else ""
        said = await answer_to("apps.connections.open", self._api.web.apps_connections_open(app_token=token))
        handler = self._handler = AsyncSocketModeHandler(
            self._app, token, logger=_library, ping_interval=_PING_SECONDS
        )
        handler.client.wss_uri = str(said.get("url", ""))
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await handler.client.connect()  # type: ignore[no-untyped-call]  # slack_sdk's
        except TimeoutError:
            raise ChatDown("Slack's socket does not open") from None
        self.why_not = ""

    async def _watch(self) -> None:
        """Returns once it was down for long."""
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while self._handler is not None and loop.time() - seen < self._patience:
            if await self._handler.client.is_connected():
                seen = loop.time()
                self.why_not = ""
            else:
                self.why_not = "Slack's socket is down"
            await asyncio.sleep(self._patience / 15)

    async def _drop(self) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await handler.client.close()  # type: ignore[no-untyped-call]  # slack_sdk's
        except TimeoutError:  # nobody at the other end says goodbye
            await handler.client.aiohttp_client_session.close()

    def _tell(self, why: str) -> None:
        if why != self.why_not:  # said once, not every minute
            log.warning("no connection to Slack: %s", why)
        self.why_not = why


def _wait(failures: int, at_least: float) -> float:
    """Longer each time, and not all replicas of the world at once."""
    longest = min(2.0 ** min(failures, 10), _SLOWEST_SECONDS)
    return max(at_least, longest * random.uniform(0.5, 1.0))  # noqa: S311  spreads load, guards nothing
