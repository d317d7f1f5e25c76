"""Plans of several steps: what was made is taken back when one fails, and nothing else is claimed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from checks.model import Unavailable
from handlers import commands
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.remedy import Conflict, Plan, Remedy, Risk, Standing, remedy
from handlers.world import Entry, Rules, World
from tests.fakes.doors import ANA, BEN, Door, DoorKey, House, Shelf, Turn, door_is_open, pull

OAK, IRON = "r.example/oak:1", "iron"


@dataclass(eq=False)
class IronKey(DoorKey):
    """Says how turning it goes in the iron door: ``error`` once, and whether it ``turns`` all the same."""

    error: Exception | None = None
    turns_all_the_same: bool = False
    dark_afterwards: bool = False


@dataclass(frozen=True, slots=True)
class IronTurn(Turn):
    async def look(self, key: DoorKey) -> Standing:
        assert isinstance(key, IronKey)
        if key.dark_afterwards and key.error is None:
            raise Unavailable("it is dark")
        return Standing.BEFORE if (self.door in key.shut) is self.before else Standing.AFTER

    async def write(self, key: DoorKey) -> Turn:
        assert isinstance(key, IronKey)
        error, key.error = key.error, None
        if error is None or key.turns_all_the_same:
            key.turns.append(f"{self.door} {'shut' if self.after else 'open'}")
            (key.shut.add if self.after else key.shut.discard)(self.door)
        if error is not None:
            raise error
        return self


@remedy("Open both doors", cures=door_is_open, risk=Risk.MEDIUM)
def open_both(it: Door) -> Plan:
    return Plan((Turn(it.name, before=True, after=False), IronTurn(IRON, before=True, after=False)))


def world_of(house: House) -> World:
    remedies: tuple[Remedy, ...] = (open_both,)
    return replace(
        house.world(), remedies=remedies, rules=replace(house.rules, enabled=frozenset({open_both.id}))
    )


async def approved(house: House) -> str:
    """An approved plan of two steps: the oak door, then the iron one."""
    house.doors.shut |= {OAK, IRON}
    world = world_of(house)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    incident = await advance("1a2b3c4d", world)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, ANA, world)
    return (await commands.approve(incident.id, digest, BEN, world)).id


async def test_both_steps_are_done_in_order() -> None:
    house = House(doors=IronKey())
    done = await advance(await approved(house), world_of(house))
    assert done.stage is Stage.RESOLVED
    assert house.doors.turns == [f"{OAK} open", "iron open"]


@pytest.mark.parametrize(
    "error", [Unavailable("stuck"), Conflict("somebody was here"), RuntimeError("password1")]
)
async def test_where_the_second_step_fails_the_first_is_put_back(error: Exception) -> None:
    house = House(doors=IronKey(error=error))
    done = await advance(await approved(house), world_of(house))
    assert done.stage is Stage.NEEDS_PERSON
    assert house.doors.shut == {OAK, IRON}
    assert house.doors.turns == [f"{OAK} open", f"{OAK} shut"]
    assert done.changes[-1].whole
    assert done.changes[-1].walked_back == 1
    assert "password1" not in repr((done.changes, house.shelf.log))


async def test_a_step_that_was_made_though_it_crashed_is_put_back_too() -> None:
    house = House(doors=IronKey(error=RuntimeError("no JSON"), turns_all_the_same=True))
    done = await advance(await approved(house), world_of(house))
    assert house.doors.shut == {OAK, IRON}
    assert house.doors.turns == [f"{OAK} open", "iron open", "iron shut", f"{OAK} shut"]
    assert (done.changes[-1].whole, done.changes[-1].walked_back) == (True, 2)


async def test_where_nobody_can_tell_whether_a_step_was_made_it_is_not_claimed_to_be_back() -> None:
    key = IronKey(error=Unavailable("reset"), turns_all_the_same=True, dark_afterwards=True)
    house = House(doors=key)
    done = await advance(await approved(house), world_of(house))
    assert done.stage is Stage.NEEDS_PERSON
    assert not done.changes[-1].whole
    assert done.changes[-1].walked_back == 0


class Killed(BaseException):
    """The process dies here."""


def dies(house: House, when: Callable[[Incident], bool]) -> None:
    def before_save(incident: Incident) -> None:
        if when(incident):
            house.shelf.before_save = lambda _: None
            raise Killed

    house.shelf.before_save = before_save


async def test_killed_after_walking_back_it_does_not_go_on_with_what_was_left() -> None:
    house = House(doors=IronKey(error=Unavailable("stuck")))
    incident = await approved(house)
    dies(house, lambda i: i.stage is Stage.NEEDS_PERSON)
    with pytest.raises(Killed):
        await advance(incident, world_of(house))
    assert house.shelf.incidents[incident].stage is Stage.EXECUTING
    done = await advance(incident, world_of(house))  # the iron door would open now
    assert done.stage is Stage.NEEDS_PERSON
    assert done.changes[-1].error == "stuck"
    assert (done.changes[-1].whole, done.changes[-1].walked_back) == (True, 1)
    assert house.doors.shut == {OAK, IRON}
    assert house.doors.turns == [f"{OAK} open", f"{OAK} shut"]


class Trail:
    """The house's journal, in which so many lines are written and then the process dies."""

    def __init__(self, house: House, lines: int) -> None:
        self._house = house
        self._left = lines
        self.entries = house.shelf.entries

    async def append(self, entry: Entry) -> None:
        if not self._left:
            raise Killed
        self._left -= 1
        await self._house.shelf.append(entry)


@pytest.mark.parametrize("lines", range(9))
async def test_killed_at_any_line_of_the_trail_it_ends_whole(lines: int) -> None:
    house = House(doors=IronKey(error=Unavailable("stuck")))
    incident = await approved(house)
    with suppress(Killed):
        await advance(incident, replace(world_of(house), journal=Trail(house, lines)))
    done = await advance(incident, world_of(house))
    assert done.stage in (Stage.NEEDS_PERSON, Stage.RESOLVED)
    assert house.doors.shut == (set() if done.stage is Stage.RESOLVED else {OAK, IRON})
    assert done.changes[-1].whole


async def test_an_undo_whose_answer_was_lost_is_done() -> None:
    house = House()
    world = house.world()
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    digest = (await advance("1a2b3c4d", world)).offers[0].digest
    await commands.request("1a2b3c4d", digest, ANA, world)
    await commands.approve("1a2b3c4d", digest, BEN, world)
    await advance("1a2b3c4d", world)
    house.doors.deaf = True
    await commands.undo("1a2b3c4d", digest, BEN, world)
    assert (await advance("1a2b3c4d", world)).stage is Stage.UNDONE
    assert house.doors.turns == [f"{OAK} open", f"{OAK} shut"]


async def test_a_remedy_that_crashes_offers_nothing_and_stops_nobody() -> None:
    @remedy("Crash", cures=door_is_open, risk=Risk.LOW)
    def crash(it: Door) -> Plan:
        raise ZeroDivisionError("password1")

    house = House()
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    world = world_of(house)
    done = await advance("1a2b3c4d", replace(world, remedies=(crash, *world.remedies)))
    assert done.stage is Stage.FOUND
    assert [one.refused for one in done.offers if one.plan is None] == [
        "it crashed while planning (ZeroDivisionError); the log has more"
    ]


@remedy("Oil the door", cures=door_is_open, risk=Risk.LOW)
def oil_door(it: Door) -> Plan:
    """Plans the same whatever the door is like."""
    return Plan((Turn(it.name, before=True, after=False),))


async def test_what_does_not_fail_any_more_is_not_cured_though_the_plan_is_the_same() -> None:
    house = House(rules=Rules(enabled=frozenset({oil_door.id})))
    world = replace(house.world(), remedies=(oil_door,))
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    digest = (await advance("1a2b3c4d", world)).offers[0].digest
    await commands.request("1a2b3c4d", digest, ANA, world)
    await commands.approve("1a2b3c4d", digest, BEN, world)
    house.doors.shut.clear()
    done = await advance("1a2b3c4d", world)
    assert house.doors.turns == []
    assert "what it would cure does not fail now: the door r.example/oak:1 is open" in done.note


async def test_an_approval_from_long_ago_is_asked_for_again() -> None:
    house = House()
    world = house.world()
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    digest = (await advance("1a2b3c4d", world)).offers[0].digest
    await commands.request("1a2b3c4d", digest, ANA, world)
    await commands.approve("1a2b3c4d", digest, BEN, world)
    house.clock.time += world.rules.expires + timedelta(seconds=1)  # we were away
    done = await advance("1a2b3c4d", world)
    assert (done.stage, house.doors.turns) == (Stage.FOUND, [])
    assert "came too long ago" in done.note


async def test_a_plan_of_another_version_is_not_executed() -> None:
    house = House()
    world = house.world()
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    found = await advance("1a2b3c4d", world)
    old = replace(found, version=found.version + 1, offers=(replace(found.offers[0], digest="0" * 16),))
    await house.shelf.save(old)
    await commands.request("1a2b3c4d", "0" * 16, ANA, world)
    await commands.approve("1a2b3c4d", "0" * 16, BEN, world)
    done = await advance("1a2b3c4d", world)
    assert (done.stage, house.doors.turns) == (Stage.FOUND, [])
    assert "not the same any more" in done.note


async def test_a_decision_whose_save_got_no_answer_is_gone_on_with() -> None:
    house = House()
    house.doors.shut.add(OAK)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    digest = (await advance("1a2b3c4d", house.world())).offers[0].digest
    shelf = Deaf()
    shelf.incidents, shelf.log = house.shelf.incidents, house.shelf.log
    with pytest.raises(ConnectionError):
        await commands.request("1a2b3c4d", digest, ANA, replace(house.world(), store=shelf))
    assert shelf.incidents["1a2b3c4d"].stage is Stage.REQUESTED
    assert house.driven == ["1a2b3c4d"]
    assert house.alarms


class Deaf(Shelf):
    """Saves, and its answer is lost."""

    async def save(self, incident: Incident) -> None:
        await super().save(incident)
        raise ConnectionError
