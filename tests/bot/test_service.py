"""The service as a whole, on a store of its own: what nobody was told of moves all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.chat.platform import ChatDown, Desk, Sender
from bot.clouds.connect import Connected
from bot.clusters import Clusters
from bot.people import Approvers, People
from bot.service import Service
from bot.settings import Settings
from bot.store.opening import open_state
from bot.store.ports import State
from bot.watch.eyes import STANDARD, Patience, Tell
from bot.watch.fates import Fate
from checks.host import Cluster
from checks.model import FailedPull
from handlers.decision import Person, Request
from handlers.incident import Incident, Stage
from tests.fakes.chat import Room
from tests.fakes.doors import pull

NOW = datetime.now(UTC)


class Eyes:
    """See ``bot.watch.eyes.Eyes``. ``open``: how many watch now."""

    repeats = True

    def __init__(self) -> None:
        self.open = 0
        self.changed = asyncio.Event()

    async def failing_now(
        self, namespace: str, target: str, patience: Patience = STANDARD
    ) -> tuple[FailedPull, ...]:
        return ()

    async def fate(self, pull: FailedPull) -> Fate:
        return Fate.WAITING

    async def watch(
        self,
        watched: Callable[[str], bool],
        tell: Tell,
        on_up: Callable[[bool], None],
        patience: Patience = STANDARD,
    ) -> None:
        self.open += 1
        self.changed.set()
        on_up(True)
        try:
            await asyncio.Event().wait()
        finally:
            self.open -= 1
            self.changed.set()

    def heard(self, event: Any) -> bool:
        return False


class RoomSide:
    """A room as the service starts and stops it. ``left``: what the room was asked before it was closed."""

    def __init__(self, chat: Room) -> None:
        self.chat = chat
        self.left: list[tuple[str, str]] = []

    def routes(self, desk: Desk) -> Iterable[web.RouteDef]:
        return ()

    async def start(self, desk: Desk) -> None: ...

    async def stop(self) -> None: ...

    async def close(self) -> None:
        self.left = list(self.chat.calls)

    def why_not_ready(self) -> str:
        return ""


def settings(where: str) -> Settings:
    return Settings.model_validate(
        {
            "clusters": [{"name": "prod", "channels": {"page": "alerts"}}],
            "store": where,
            "http": {"listen": "127.0.0.1:0"},
        }
    )


def clusters(eyes: Eyes) -> Clusters:
    async def close() -> None: ...

    connected = Connected(Cluster("prod"), eyes, {}, {}, dict, close)
    return Clusters({"prod": connected}, {}, stall_after=timedelta(minutes=5))


@asynccontextmanager
async def served(
    state: State, where: str, room: Room, eyes: Eyes, side: RoomSide | None = None
) -> AsyncIterator[tuple[Service, str]]:
    """The service, and where its web server is."""
    people, sides = People(Approvers()), [side or RoomSide(room)]
    service = Service(settings(where), state, clusters(eyes), sides, people, patience=0.0, remind_every=0.05)
    try:
        [(host, port)] = await service.start()
        yield service, f"http://{host}:{port}"
    finally:
        await service.stop()


@pytest.fixture
def where(tmp_path: Path) -> str:
    return str(tmp_path / "pullbot.db")


@pytest.fixture
async def state(where: str) -> AsyncIterator[State]:
    it = open_state(where)
    yield it
    await it.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():  # noqa: ASYNC110  it happens in the store
            await asyncio.sleep(0.01)


def looking() -> Incident:
    return Incident("1a2b3c4d", "prod", NOW, (pull(),))


async def test_an_incident_that_was_saved_and_not_driven_moves_and_is_shown(state: State, where: str) -> None:
    room = Room("page")
    async with served(state, where, room, Eyes()):
        await state.save(looking())  # its answer was lost: nobody knows of it

        async def has_moved() -> bool:
            return (await state.load("1a2b3c4d")).stage is not Stage.LOOKING and bool(room.said)

        await until(has_moved)
    assert room.keys().count("1a2b3c4d:root") == 1


async def test_a_request_whose_alarm_was_lost_expires_all_the_same(state: State, where: str) -> None:
    async with served(state, where, Room("page"), Eyes()):
        request = Request(
            "0" * 16, Person("page:ana", "Ana"), NOW - timedelta(hours=2), NOW - timedelta(hours=1)
        )
        await state.save(replace(looking(), stage=Stage.REQUESTED, request=request))

        async def has_expired() -> bool:
            return (await state.load("1a2b3c4d")).stage is Stage.FOUND

        await until(has_expired)


async def test_a_cluster_is_watched_by_one_replica_and_by_the_other_when_that_one_is_gone(
    state: State, where: str
) -> None:
    eyes, others = Eyes(), Eyes()
    another = open_state(where)
    async with served(another, where, Room("page"), others):
        async with served(state, where, Room("page"), eyes) as _:
            async with asyncio.timeout(10):
                await others.changed.wait()
            assert (eyes.open, others.open) == (0, 1)
            await another.release("watch/prod", "nobody")  # does nothing to what somebody has
            assert not await state.hold("watch/prod", "somebody", timedelta(seconds=1))
        assert others.open == 1
    async with served(state, where, Room("page"), eyes):
        async with asyncio.timeout(10):
            await eyes.changed.wait()
        assert (eyes.open, others.open) == (1, 0)
    await another.close()


async def test_what_is_left_of_a_cluster_that_is_not_configured_any_more_is_harmless(
    state: State, where: str
) -> None:
    gone = replace(looking(), cluster="gone")
    await state.save(gone)
    room = Room("page")
    async with served(state, where, room, Eyes()) as (service, _):
        await service.show(gone)
        answer = await service.desk.click(Sender("page", "ana", "Ana"), "check_again 1a2b3c4d", "event 1")
    assert answer.private
    assert room.said == {}
    assert await state.load("1a2b3c4d") == gone


async def test_an_incident_is_counted_once_for_each_stage_that_it_reaches(state: State, where: str) -> None:
    async with served(state, where, Room("page"), Eyes()) as (service, address):
        found = replace(looking(), stage=Stage.FOUND)
        for one in (found, found, replace(found, stage=Stage.REQUESTED), found):
            await service.show(one)
        async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
            told = await answer.text()
    assert 'pullbot_incidents_total{stage="cause found"} 2.0' in told
    assert 'pullbot_incidents_total{stage="waiting for approval"} 1.0' in told


async def test_what_is_on_its_way_to_a_chat_arrives_before_that_is_closed(state: State, where: str) -> None:
    room = Room("page", down=[ChatDown("too many at once", retry_after=0.2)])
    side = RoomSide(room)
    async with served(state, where, room, Eyes(), side) as (service, _):
        await service.show(replace(looking(), stage=Stage.FOUND))
        await room.until(lambda: bool(room.calls))
    assert [what for what, _ in side.left].count("post") > 1
    assert room.keys()[0] == "1a2b3c4d:root"
