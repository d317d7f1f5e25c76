"""Slack as the application starts and stops it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web

from bot.chat.clock import Clock, Pause
from bot.chat.platform import ChatDown, ChatRefused, Desk
from bot.chat.slack.api import Api, client
from bot.chat.slack.chat import SlackChat
from bot.chat.slack.listeners import Listeners
from bot.chat.slack.people import SlackPeople
from bot.chat.slack.requests import Requests
from bot.chat.slack.socket import Socket
from bot.settings_shape import Slack
from checks.secret import Secret

log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 10.0


class Tokens(Protocol):
    """The secrets that Slack needs; ``bot.settings.Secrets`` has them."""

    @property
    def slack_bot_token(self) -> Secret[str] | None: ...

    @property
    def slack_app_token(self) -> Secret[str] | None: ...

    @property
    def slack_signing_secret(self) -> Secret[str] | None: ...


class SlackSide:
    """The ``Side`` of ``bot.chat.platform``. ``every``: seconds between two messages in one channel."""

    def __init__(
        self,
        settings: Slack,
        tokens: Tokens,
        *,
        every: float = 1.0,
        clock: Clock = time.monotonic,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._api = Api(client(settings.api_url, tokens.slack_bot_token))
        self.chat = SlackChat(self._api, every=every, clock=clock, pause=pause)
        self.people = SlackPeople(self._api, clock=clock)
        self._listeners = Listeners(self._api, self.chat, self.people, pause=pause)
        self._requests = Requests(self._listeners.app, tokens.slack_signing_secret)
        self._socket = (
            Socket(self._api, self._listeners.app, tokens.slack_app_token, pause)
            if settings.mode == "socket"
            else None
        )
        self._pause = pause
        self._asking: asyncio.Task[None] | None = None
        self._why_not = "not started"

    def routes(self, desk: Desk) -> Iterable[web.RouteDef]:
        """``POST /slack/events`` for both events and presses; none for a socket."""
        self._listeners.serve(desk)
        return () if self._socket else (web.post("/slack/events", self._requests.take),)

    async def start(self, desk: Desk) -> None:
        self._listeners.serve(desk)
        self._api.open()
        if self._socket:
            self._socket.start()
        else:
            self._asking = asyncio.create_task(self._learn_who_we_are(), name="slack identity")

    async def stop(self) -> None:
        if self._socket:
            await self._socket.stop()
        if self._asking:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        self._requests.close()
        await self._listeners.errands.finish()
        self._why_not = "stopped"

    async def close(self) -> None:
        await self._api.close()

    def why_not_ready(self) -> str:
        why = self._socket.why_not if self._socket else self._why_not
        return f"Slack: {why}" if why else ""

    async def _learn_who_we_are(self) -> None:
        self._why_not = "not asked yet who we are"
        while self._why_not:
            try:
                await self._api.identity()
                self._why_not = ""
            except (ChatDown, ChatRefused) as why:
                if str(why) != self._why_not:
                    log.warning("no connection to Slack: %s", why)
                self._why_not = str(why)
                await self._pause(_ASK_AGAIN_SECONDS)
