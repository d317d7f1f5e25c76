"""Posting to Teams on good days and bad: who may try again, who must act, and that no token is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.chat.teams.connector import Connector
from checks.secret import Secret
from tests.fakes.connector import FakeConnector, serve_connector

CHANNEL = "19:alerts@thread.tacv2"
TENANT = "0c6f5f9b-2a3e-4a0a-9c1b-7e1f0f2b9d10"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJib3QifQ.c2lnbmF0dXJl"
CARD = {
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


class Known:
    """An identity that has its token."""

    def __init__(self, token: str = TOKEN) -> None:
        self.scopes: list[str] = []
        self._token = token

    async def token(self, scope: str) -> Secret[str] | None:
        self.scopes.append(scope)
        return Secret(self._token) if self._token else None

    async def close(self) -> None:
        pass


class Time:
    """Passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


async def scope() -> str:
    return "https://api.botframework.com/.default"


@pytest.fixture
async def teams() -> AsyncIterator[FakeConnector]:
    async with serve_connector(TOKEN, page=2) as teams:
        teams.add(CHANNEL)
        yield teams


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def connector(time: Time) -> AsyncIterator[Connector]:
    connector = Connector(Known(), scope, clock=time, pause=time.pause, spread=lambda: 0.5)
    connector.open()
    yield connector
    await connector.close()


async def test_a_thread_its_reply_and_an_edit_arrive_as_they_were_given(
    teams: FakeConnector, connector: Connector
) -> None:
    root = await connector.start_thread(teams.url, CHANNEL, TENANT, CARD)
    thread = f"{CHANNEL};messageid={root}"
    reply = await connector.send(teams.url, thread, CARD)
    edited = {**CARD, "summary": "up"}
    await connector.update(teams.url, thread, reply, edited)
    [said] = teams.conversations[CHANNEL].said
    assert (said.id, said.activity) == (root, CARD)
    assert [(one.id, one.activity, one.edits) for one in said.replies] == [(reply, edited, 1)]
