"""A Bot Connector with a channel, and who talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.chat.teams.connector import Connector
from tests.bot.chat.teams.connecting import ANA, CHANNEL, TOKEN, Known, Time, scope
from tests.fakes.connector import FakeConnector, serve_connector


@pytest.fixture
async def teams() -> AsyncIterator[FakeConnector]:
    async with serve_connector(TOKEN, page=2) as teams:
        teams.add(CHANNEL)
        teams.people[ANA["id"]] = ANA
        yield teams


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def connector(time: Time, known: Known) -> AsyncIterator[Connector]:
    connector = Connector(known, scope, clock=time, pause=time.pause, spread=lambda: 0.5)
    connector.open()
    yield connector
    await connector.close()
