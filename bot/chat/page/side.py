"""The page as a chat service: nothing to connect to, for it is served by our own web server."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from bot.chat.page.chat import PageChat
from bot.chat.page.server import routes
from bot.chat.platform import Desk


class PageSide:
    """A ``bot.chat.platform.Side``."""

    def __init__(self, chat: PageChat) -> None:
        self.chat = chat

    def routes(self, desk: Desk) -> Iterable[web.RouteDef]:
        return routes(self.chat, desk)

    async def start(self, desk: Desk) -> None:
        """The web server is all it needs."""

    async def stop(self) -> None:
        self.chat.close()

    async def close(self) -> None:
        """Nothing is open."""

    def why_not_ready(self) -> str:
        return ""
