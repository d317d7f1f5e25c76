"""What a cluster tells becomes incidents: the newest word wins, however slowly an older one is taken down."""

from __future__ import annotations

import asyncio

from bot.sightings import Sightings
from bot.watch.kubernetes import Fate
from checks.model import FailedPull
from handlers.flow import advance
from handlers.incident import CLOSED, Incident
from tests.fakes.doors import House, pull

OAK, PINE = "r.example/oak:1", "r.example/pine:1"


class Cluster:
    """Answers what became of pulls. ``slow``: about pine only once ``answers`` is set."""

    def __init__(self) -> None:
        self.slow = False
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def fate(self, one: FailedPull) -> Fate:
        if one.image == OAK:
            return Fate.PULLED
        if self.slow:
            self.asked.set()
            await self.answers.wait()
        return Fate.WAITING


async def test_a_look_that_takes_long_does_not_undo_what_was_told_meanwhile() -> None:
    house, cluster = House(), Cluster()
    house.doors.shut |= {OAK, PINE}
    world = house.world()
    sightings = Sightings("prod", cluster.fate, world)
    oak, pine = pull(), pull("other", PINE)
    await sightings.tell([oak, pine])
    for incident in await world.store.unfinished():
        await advance(incident.id, world)
    await sightings.tell([oak])  # a pod of pine is between two attempts
    cluster.slow = True
    again = asyncio.create_task(sightings.again())
    async with asyncio.timeout(5):
        await cluster.asked.wait()
    cluster.slow = False
    newest = asyncio.create_task(sightings.tell([]))
    for _ in range(50):  # as far as it gets
        await asyncio.sleep(0)
    cluster.answers.set()
    await asyncio.gather(again, newest)
    before = set(house.shelf.incidents)
    house.clock.time = house.clock.time.replace(hour=4)
    await sightings.again()
    assert set(house.shelf.incidents) == before, "an incident was opened for what does not fail"
    assert not [one for one in house.shelf.incidents.values() if _tells_of(one, OAK)]


async def test_a_watch_that_told_nothing_yet_is_not_asked_again() -> None:
    house = House()
    await Sightings("prod", Cluster().fate, house.world()).again()
    assert house.shelf.incidents == {}


def _tells_of(incident: Incident, image: str) -> bool:
    failing = [one for one in incident.pulls if one.key not in incident.recovered]
    return incident.stage not in CLOSED and any(one.image == image for one in failing)
