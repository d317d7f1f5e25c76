"""A connector on loopback that waits in no time, and what tests of it ask for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from bot.chat.teams.connector import Connector, Member
from bot.chat.teams.identity import Identity
from checks.secret import Secret
from tests.fakes.connector import FakeConnector

CHANNEL = "19:alerts@thread.tacv2"
TENANT = "0c6f5f9b-2a3e-4a0a-9c1b-7e1f0f2b9d10"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJib3QifQ.c2lnbmF0dXJl"
CARD: dict[str, Any] = {
    "type": "message",
    "summary": "down",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "type": "AdaptiveCard",
                "body": [{"type": "TextBlock", "text": "Zoë’s döwn", "wrap": True}],
            },
        }
    ],
}
EDITED = {**CARD, "summary": "up"}
BOT = "28:7a1f0c7e-55d0-4a52-8f57-1c1c6d8f0a11"
ANA = {
    "id": "29:ana",
    "objectId": "AAAAAAAA-0000-4000-8000-00000000000A",
    "userPrincipalName": "ana@example.com",
    "name": "Ana",
}
ZOE = {
    "id": "29:zoe",
    "objectId": "CCCCCCCC-0000-4000-8000-00000000000C",
    "userPrincipalName": "zoe@example.com",
    "name": "Zoë Ørsted",
}


class Known(Identity):
    """An identity that has its token, or a reason why not."""

    def __init__(self) -> None:
        self.now = TOKEN
        self.next = ""  # what another token would be
        self.scopes: list[str] = []
        self.failure: Exception | None = None

    async def token(self, scope: str) -> Secret[str] | None:
        self.scopes.append(scope)
        if self.failure is not None:
            raise self.failure
        return Secret(self.now) if self.now else None

    def refused(self, scope: str, token: Secret[str]) -> bool:
        if not self.next:
            return False
        self.now, self.next = self.next, ""
        return True

    async def close(self) -> None:
        pass


class Time:
    """Passes only while somebody waits; ``meanwhile`` something may happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if self.meanwhile is not None:
            await self.meanwhile()
            self.meanwhile = None


async def scope() -> str:
    return "https://api.botframework.com/.default"


def numbered(number: int) -> dict[str, Any]:
    return {**CARD, "summary": str(number)}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for happens in a server and its clients
            await asyncio.sleep(0.001)


Made = Callable[[FakeConnector, Connector], Awaitable[object]]


async def post(teams: FakeConnector, connector: Connector) -> str:
    return await connector.send(teams.url, CHANNEL, CARD)


async def open_thread(teams: FakeConnector, connector: Connector) -> str:
    return await connector.start_thread(teams.url, CHANNEL, TENANT, CARD)


async def edit(teams: FakeConnector, connector: Connector) -> None:
    if not teams.conversations[CHANNEL].said:
        await connector.send(teams.url, CHANNEL, CARD)
        teams.asked.clear()
    await connector.update(teams.url, CHANNEL, teams.conversations[CHANNEL].said[0].id, EDITED)


async def read(teams: FakeConnector, connector: Connector) -> tuple[Member, ...]:
    return await connector.members(teams.url, CHANNEL)


async def open_chat(teams: FakeConnector, connector: Connector) -> str:
    return await connector.start_chat(teams.url, TENANT, BOT, ANA["id"])


NEW = [post, open_thread]  # what must not be there twice
ANY = [post, open_thread, edit, read, open_chat]
AGAIN = [edit, read, open_chat]
