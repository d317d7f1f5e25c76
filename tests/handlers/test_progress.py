"""A step that takes long says how far it is, while it runs and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.chat.present import present
from handlers import commands
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.remedy import Plan, Risk, remedy
from handlers.world import NoSuchIncident, World
from tests.fakes.doors import ANA, BEN, Door, DoorKey, House, Turn, Wall, door_is_open, pull

HALFWAY = "Azure says Updating, 50 % done"


@dataclass(eq=False)
class HeavyKey(DoorKey):
    """Turns slowly: it says so, and waits until that was noticed."""

    tell: Callable[[str], None] = lambda _: None
    noticed: asyncio.Event = field(default_factory=asyncio.Event)

    def telling(self, tell: Callable[[str], None]) -> HeavyKey:
        self.tell = tell
        return self


@dataclass(frozen=True, slots=True)
class HeavyTurn(Turn):
    async def write(self, key: DoorKey) -> Turn:
        assert isinstance(key, HeavyKey)
        key.noticed.clear()
        key.tell("Azure says Updating")
        key.tell(HALFWAY)
        await asyncio.wait_for(key.noticed.wait(), 10)
        return await Turn.write(self, key)


@remedy("Open the heavy door", cures=door_is_open, risk=Risk.MEDIUM)
def open_slowly(it: Door) -> Plan:
    return Plan((HeavyTurn(it.name, before=True, after=False),))


class Watched(Wall):
    """Notices progress when it is shown."""

    def __init__(self, key: HeavyKey) -> None:
        super().__init__()
        self.key = key

    async def show(self, incident: Incident) -> None:
        await super().show(incident)
        if any(change.progress == HALFWAY for change in incident.changes):
            self.key.noticed.set()


def world_of(house: House) -> World:
    rules = replace(house.rules, enabled=frozenset({open_slowly.id}))
    return replace(house.world(), remedies=(open_slowly,), rules=rules)


def texts(incident: Incident) -> str:
    return " ".join(one.fallback for one in present(incident).replies)


async def test_how_far_a_step_is_stands_in_the_thread_and_not_in_the_store() -> None:
    key = HeavyKey()
    wall = Watched(key)
    house = House(doors=key)
    world = replace(world_of(house), screen=wall)
    key.shut.add(pull().image)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    incident = await advance("1a2b3c4d", world)
    await commands.request(incident.id, incident.offers[0].digest, ANA, world)
    await commands.approve(incident.id, incident.offers[0].digest, BEN, world)
    done = await advance(incident.id, world)
    assert done.stage is Stage.RESOLVED
    assert [one.stage for one in wall.shown if HALFWAY in texts(one)] == [Stage.EXECUTING]
    assert HALFWAY not in texts(done)
    assert HALFWAY not in repr(await house.shelf.load(incident.id))

    await commands.undo(incident.id, done.changes[-1].digest, BEN, world)
    undone = await advance(incident.id, world)
    assert undone.stage is Stage.UNDONE
    assert [one.stage for one in wall.shown if HALFWAY in texts(one)] == [Stage.EXECUTING, Stage.UNDOING]


async def test_a_screen_that_fails_does_not_stop_the_step() -> None:
    key = HeavyKey()
    house = House(doors=key)
    world = world_of(house)
    key.shut.add(pull().image)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    incident = await advance("1a2b3c4d", world)
    await commands.request(incident.id, incident.offers[0].digest, ANA, world)
    await commands.approve(incident.id, incident.offers[0].digest, BEN, world)

    class Torn(Wall):
        async def show(self, incident: Incident) -> None:
            if any(change.progress for change in incident.changes):
                key.noticed.set()
                raise NoSuchIncident("the chat is gone")

    done = await advance(incident.id, replace(world, screen=Torn()))
    assert done.stage is Stage.RESOLVED
    assert key.turns == [f"{pull().image} open"]
