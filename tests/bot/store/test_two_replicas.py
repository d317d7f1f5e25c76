"""Two replicas on one store: they show and do everything, and none of it twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat.present import present
from bot.chat.screen import ChatScreen
from bot.driver import Driver
from bot.store.codec import Codec
from bot.store.opening import is_redis
from bot.store.ports import State
from bot.store.redis import RedisState
from bot.store.sqlite import SqliteState
from bot.tenure import Tenure
from handlers import commands, intake
from handlers.flow import advance
from handlers.incident import Stage
from handlers.world import World
from tests.fakes.chat import Room
from tests.fakes.doors import ANA, BEN, House, Turn, pull
from tests.fakes.stages import found, requested

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
CODEC = Codec([Turn])


def opened(where: str) -> State:
    return RedisState.at(where, CODEC) if is_redis(where) else SqliteState(Path(where), CODEC)


@pytest.fixture
async def state(where: str) -> AsyncIterator[State]:
    it = opened(where)
    yield it
    await it.close()


@pytest.fixture
async def another(where: str) -> AsyncIterator[State]:
    it = opened(where)
    yield it
    await it.close()


async def pause(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


def screen(state: State, room: Room) -> ChatScreen:
    return ChatScreen(state, [room], lambda cluster, chat: "C1", patience=0.0, pause=pause)


async def settled(*screens: ChatScreen) -> None:
    async with asyncio.timeout(10):
        await asyncio.gather(*(one.settled() for one in screens))


async def test_two_screens_post_every_message_once(state: State, another: State) -> None:
    room = Room()
    mine, theirs = screen(state, room), screen(another, room)
    before, after = replace(found(), version=0), replace(requested(), version=1)
    await state.save(before)
    await state.save(after)
    await asyncio.gather(mine.show(before), theirs.show(after))
    await settled(mine, theirs)
    assert len(room.keys()) == len(set(room.keys()))
    assert room.threads()[0].root == present(after).root


async def test_a_replica_that_is_behind_does_not_take_back_what_is_said(state: State, another: State) -> None:
    room = Room()
    mine, theirs = screen(state, room), screen(another, room)
    before, after = replace(found(), version=0), replace(requested(), version=1)
    await state.save(before)
    await another.save(after)
    await theirs.show(after)
    await settled(theirs)
    await mine.show(before)
    await settled(mine)
    assert room.threads()[0].root == present(after).root
    assert "Approve" in room.buttons()


class Replica:
    """What drives and shows on one store; the house is everybody's."""

    def __init__(self, state: State, house: House, room: Room) -> None:
        self.screen = screen(state, room)
        self.tenure = Tenure(state)
        self.driver = Driver(
            lambda incident: advance(incident, self.world),
            lambda incident: self.tenure.hold(f"incident/{incident}"),
            lambda incident: self.tenure.release(f"incident/{incident}"),
            lambda seconds, call: asyncio.get_running_loop().call_later(0.01, call),
        )
        self.world: World = replace(
            house.world(), store=state, journal=state, screen=self.screen, drive=self.driver.drive
        )


async def test_two_services_take_every_step_once(state: State, another: State, until: Until) -> None:
    house, room = House(), Room()
    house.doors.shut.add("r.example/oak:1")
    replicas = [Replica(state, house, room), Replica(another, house, room)]
    one, two = (it.world for it in replicas)
    [incident] = await intake.failing([pull()], one)
    two.drive(incident.id)

    async def is_at(stage: Stage) -> bool:
        return (await state.load(incident.id)).stage is stage

    await until(lambda: is_at(Stage.FOUND))
    digest = (await state.load(incident.id)).offers[0].digest
    await commands.request(incident.id, digest, ANA, two)
    await commands.approve(incident.id, digest, BEN, one)
    two.drive(incident.id)
    await until(lambda: is_at(Stage.RESOLVED))
    for it in replicas:
        await it.driver.stop()
    await settled(*(it.screen for it in replicas))
    assert house.doors.turns == ["r.example/oak:1 open"]
    assert len(room.keys()) == len(set(room.keys()))
    assert room.threads()[0].root == present(await state.load(incident.id)).root
