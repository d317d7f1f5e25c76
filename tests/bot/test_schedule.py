from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.schedule import Alarms
from handlers.decision import Person, Request
from handlers.incident import Incident, Stage

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=20)


class Bell:
    """Notes who was woken; fails for the first ``broken`` times."""

    def __init__(self, broken: int = 0) -> None:
        self.broken = broken
        self.rung: asyncio.Queue[str] = asyncio.Queue()

    async def ring(self, incident_id: str) -> None:
        await self.rung.put(incident_id)
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the store is away")

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.rung.get()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
async def alarms(bell: Bell) -> AsyncIterator[Alarms]:
    clock = Alarms(bell.ring, patience=SOON)
    clock.start()
    yield clock
    await clock.stop()


async def test_an_alarm_rings_at_its_time_once(alarms: Alarms, bell: Bell) -> None:
    alarms.wake_at("later", datetime.now(UTC) + SOON * 3)
    alarms.wake_at("soon", datetime.now(UTC) + SOON)
    assert [await bell.next(), await bell.next()] == ["soon", "later"]
    assert bell.rung.empty()


async def test_what_is_overdue_rings_at_once(alarms: Alarms, bell: Bell) -> None:
    alarms.wake_at("a1", datetime.now(UTC) - HOUR * 24 * 30)
    assert await bell.next() == "a1"


async def test_an_incident_has_one_alarm(alarms: Alarms, bell: Bell) -> None:
    alarms.wake_at("a1", datetime.now(UTC) + SOON)
    alarms.wake_at("a1", datetime.now(UTC) + HOUR)
    alarms.wake_at("b2", datetime.now(UTC) + SOON * 4)
    assert await bell.next() == "b2"
    assert bell.rung.empty()


async def test_alarms_are_set_again_from_the_incidents(alarms: Alarms, bell: Bell) -> None:
    now = datetime.now(UTC)
    plain = Incident("plain", "prod", now, ())
    request = Request("d1", Person("slack:U0ALICE", "alice"), now - HOUR, now - HOUR / 2)
    waiting = replace(plain, id="waiting", stage=Stage.REQUESTED, request=request)
    alarms.wake_for([plain, waiting])
    assert await bell.next() == "waiting"
    assert bell.rung.empty()


async def test_an_alarm_that_could_not_be_answered_rings_again(
    alarms: Alarms, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    bell.broken = 1
    alarms.wake_at("a1", datetime.now(UTC))
    assert [await bell.next(), await bell.next()] == ["a1", "a1"]
    assert "the store is away" in caplog.text


async def test_a_periodic_job_goes_on_after_a_failure(alarms: Alarms) -> None:
    runs = 0
    third = asyncio.Event()

    async def count() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("odd")
        if runs == 3:
            third.set()

    alarms.every(0.02, count)
    async with asyncio.timeout(10):
        await third.wait()
    assert runs >= 3


async def test_nothing_rings_after_the_stop(bell: Bell) -> None:
    alarms = Alarms(bell.ring)
    alarms.start()
    alarms.wake_at("a1", datetime.now(UTC) + SOON)
    await alarms.stop()
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(SOON.total_seconds() * 3, passed.set)
    await passed.wait()
    assert bell.rung.empty()
