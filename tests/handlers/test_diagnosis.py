"""One incident per cause, however often a look is interrupted and whatever others do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from checks.model import FailedPull
from handlers import intake
from handlers.flow import advance
from handlers.incident import Incident, Stage
from tests.fakes.doors import House, Shelf, pull

OAK, PINE = "r.example/oak:1", "r.example/pine:1"


class Killed(BaseException):
    """The process dies here."""


async def looked_at(house: House, incident: str) -> Incident:
    """It may take long, never for ever."""
    async with asyncio.timeout(5):
        return await advance(incident, house.world())


async def opened(house: House, *pulls: FailedPull) -> str:
    house.doors.shut |= {one.image for one in pulls}
    [incident] = await intake.failing(pulls, house.world())
    return incident.id


def causes(house: House) -> list[str]:
    """What each open incident is about."""
    return sorted(i.causes[0].verdict.about for i in house.shelf.incidents.values() if i.stage is Stage.FOUND)


def dies(house: House, when: Callable[[Incident], bool]) -> None:
    def before_save(incident: Incident) -> None:
        if when(incident):
            house.shelf.before_save = lambda _: None
            raise Killed

    house.shelf.before_save = before_save


@pytest.mark.parametrize("close_the_other", [False, True])
async def test_killed_once_the_other_cause_had_its_incident_it_opens_no_second_one(
    close_the_other: bool,
) -> None:
    house = House()
    first = await opened(house, pull(), pull("api", PINE))
    dies(house, lambda i: i.id == first and len(i.pulls) == 1)
    with pytest.raises(Killed):
        await looked_at(house, first)
    assert len(house.shelf.incidents) == 2
    if close_the_other:
        await intake.recovered([pull("api", PINE).key], house.world())
        house.shelf.incidents[first] = replace(house.shelf.incidents[first], recovered=())
        house.clock.time += timedelta(seconds=1)
    await looked_at(house, first)
    assert causes(house) == [OAK, PINE]
    assert len(house.shelf.incidents) == (3 if close_the_other else 2)


async def test_overtaken_while_narrowing_it_looks_again_and_opens_no_second_one() -> None:
    house = House()
    first = await opened(house, pull(), pull("api", PINE))

    def overtake(incident: Incident) -> None:
        if incident.id == first and len(incident.pulls) == 1:
            house.shelf.before_save = lambda _: None
            now = house.shelf.incidents[first]
            house.shelf.incidents[first] = replace(now, version=now.version + 1)

    house.shelf.before_save = overtake
    await looked_at(house, first)
    assert causes(house) == [OAK, PINE]
    assert len(house.shelf.incidents) == 2


async def test_what_recovers_while_it_is_looked_at_is_left_out() -> None:
    house = House()
    first = await opened(house, pull(), pull("api", PINE))
    await intake.recovered([pull("api", PINE).key], house.world())
    done = await looked_at(house, first)
    assert (done.stage, done.pulls) == (Stage.FOUND, (pull(),))
    assert causes(house) == [OAK]
    await intake.recovered([pull().key], house.world())
    assert (await house.shelf.load(first)).stage is Stage.RESOLVED


async def test_a_cause_is_recognised_though_its_pods_have_changed() -> None:
    house = House()
    elder = await opened(house, pull())
    await looked_at(house, elder)
    await intake.failing([replace(pull(), pods=("web-7", "web-8"))], house.world())
    younger = await opened(house, pull("api"))
    assert (await looked_at(house, younger)).folded_into == elder


class ClosingShelf(Shelf):
    """Incidents that are found are closed by somebody else a moment later."""

    closing = ""

    async def unfinished(self) -> tuple[Incident, ...]:
        found = await super().unfinished()
        if self.closing:
            now = self.incidents[self.closing]
            self.incidents[self.closing] = replace(now.resolved("somebody fixed it"), version=now.version + 1)
            self.closing = ""
        return found


async def test_nothing_is_told_in_a_thread_that_was_closed_meanwhile() -> None:
    shelf = ClosingShelf()
    house = House(shelf=shelf)
    elder = await opened(house, pull())
    await looked_at(house, elder)
    younger = await opened(house, pull("api"))
    shelf.closing = elder
    assert (await looked_at(house, younger)).stage is Stage.FOUND
    assert (await shelf.load(elder)).pulls == (pull(),)
