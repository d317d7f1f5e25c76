from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.store import State

HOUR = timedelta(hours=1)
BLINK = timedelta(milliseconds=30)
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def test_a_delivery_is_new_exactly_once(state: State, another: State) -> None:
    answers = await asyncio.gather(*(store.first_time("slack:Ev1", HOUR) for store in (state, another) * 5))
    assert sorted(answers) == [False] * 9 + [True]
    assert await another.first_time("slack:Ev2", HOUR)


async def test_a_delivery_is_forgotten_after_its_time(state: State, until: Until) -> None:
    assert await state.first_time("slack:Ev1", BLINK)
    await until(lambda: state.first_time("slack:Ev1", HOUR))
    assert not await state.first_time("slack:Ev1", HOUR)


async def test_of_two_replicas_one_holds_a_lease(state: State, another: State) -> None:
    assert await state.hold("watch prod", "pod-a", HOUR)
    assert not await another.hold("watch prod", "pod-b", HOUR)
    assert await state.hold("watch prod", "pod-a", HOUR), "an owner prolongs its lease"
    assert await another.hold("watch staging", "pod-b", HOUR)


async def test_only_the_owner_can_give_a_lease_back(state: State, another: State) -> None:
    assert await state.hold("watch prod", "pod-a", HOUR)
    await another.release("watch prod", "pod-b")
    assert not await another.hold("watch prod", "pod-b", HOUR)
    await state.release("watch prod", "pod-a")
    assert await another.hold("watch prod", "pod-b", HOUR)


async def test_the_lease_of_a_dead_owner_ends(state: State, another: State, until: Until) -> None:
    assert await state.hold("watch prod", "pod-a", BLINK)
    await until(lambda: another.hold("watch prod", "pod-b", HOUR))
    assert not await state.hold("watch prod", "pod-a", HOUR)


async def test_a_well_run_store_gives_no_concern(state: State) -> None:
    assert await state.concerns() == ()
