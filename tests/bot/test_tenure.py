"""Leases: two processes never share one, and who lost one hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store.codec import Codec
from bot.store.ports import StoreDown
from bot.store.sqlite import SqliteState
from bot.tenure import TTL, Tenure


class Time:
    def __init__(self) -> None:
        self.time = datetime(2026, 5, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


class Shelf(SqliteState):
    down = False

    async def release(self, name: str, owner: str) -> None:
        if self.down:
            raise StoreDown("the disk is full")
        await super().release(name, owner)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def stores(tmp_path: Path, time: Time) -> AsyncIterator[tuple[Shelf, Shelf]]:
    path = tmp_path / "pullbot.db"
    mine, theirs = Shelf(path, Codec([]), time), Shelf(path, Codec([]), time)
    yield mine, theirs
    await mine.close()
    await theirs.close()


async def test_two_processes_of_one_machine_are_told_apart(stores: tuple[Shelf, Shelf]) -> None:
    mine, theirs = stores
    assert await Tenure(mine).hold("watch/prod")
    assert not await Tenure(theirs).hold("watch/prod")
    assert not await Tenure(mine).hold("watch/prod"), "not even two parts of one process are one owner"


async def test_what_is_renewed_is_kept_and_who_was_silent_too_long_hears_of_it(
    stores: tuple[Shelf, Shelf], time: Time
) -> None:
    mine, theirs = Tenure(stores[0]), Tenure(stores[1])
    assert await mine.hold("watch/prod")
    for _ in range(3):
        time.time += TTL / 2
        await mine.renew()
        assert not await theirs.hold("watch/prod")
    lost = asyncio.create_task(mine.lost("watch/prod"))
    time.time += TTL + timedelta(seconds=1)
    assert await theirs.hold("watch/prod")
    await mine.renew()
    async with asyncio.timeout(5):
        await lost


async def test_a_turn_ends_however_it_ends(stores: tuple[Shelf, Shelf]) -> None:
    mine, theirs = Tenure(stores[0]), Tenure(stores[1])
    async with mine.turn("show/1") as held, theirs.turn("show/1") as also:
        assert held
        assert not also

    async def fail() -> None:
        async with mine.turn("show/1"):
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await fail()
    async with theirs.turn("show/1") as held:
        assert held


async def test_a_lease_that_cannot_be_given_back_is_not_renewed(
    stores: tuple[Shelf, Shelf], time: Time
) -> None:
    mine, theirs = Tenure(stores[0]), Tenure(stores[1])
    assert await mine.hold("incident/1")
    stores[0].down = True
    await mine.release("incident/1")
    time.time += TTL
    await mine.renew()
    assert await theirs.hold("incident/1")
