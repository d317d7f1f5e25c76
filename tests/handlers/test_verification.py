"""Fixed means pulled: a cured check alone, or a look that failed, is never told as more than it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from checks.graph import Catalog, check
from checks.model import FailedPull, Leg, Status, Symptom, Unavailable, Verdict
from handlers import commands, intake
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.world import World
from tests.fakes.doors import ANA, BEN, House, door, door_is_open, pull


def image_was_pulled(pull: FailedPull) -> Verdict:
    raise Unavailable("pods of shop may not be listed: grant get, list on pods")


unreadable = check("The image has been pulled since the fix", leg=Leg.LAYERS, explains=set(), proof=True)(
    image_was_pulled
)


async def fixed(world: World, house: House) -> Incident:
    house.doors.shut.add(pull().image)
    await house.shelf.save(Incident("1a2b3c4d", "prod", house.clock.now(), (pull(),)))
    digest = (await advance("1a2b3c4d", world)).offers[0].digest
    await commands.request("1a2b3c4d", digest, ANA, world)
    await commands.approve("1a2b3c4d", digest, BEN, world)
    return await advance("1a2b3c4d", world)


async def test_where_pods_cannot_be_read_nobody_says_that_no_pull_succeeded() -> None:
    house = House()
    world = replace(house.world(), catalog=Catalog.of([door], [door_is_open, unreadable]))
    done = await fixed(world, house)
    assert done.stage is Stage.NEEDS_PERSON
    assert done.note == (
        "the fix was applied, but whether the image was pulled since is not known: "
        "pods of shop may not be listed: grant get, list on pods"
    )
    assert {f.verdict.status for f in done.verified} == {Status.PASS, Status.UNKNOWN}
    assert done.undoable is not None


async def test_a_cured_check_alone_is_not_fixed() -> None:
    house = House()
    world = replace(house.world(), catalog=Catalog.of([door], [door_is_open]))
    done = await fixed(world, house)
    assert done.stage is Stage.NEEDS_PERSON
    assert {f.verdict.status for f in done.verified} == {Status.PASS}


async def test_a_change_that_was_rejected_afterwards_is_not_verified_again_as_the_old_one() -> None:
    house = House()
    world = house.world()
    done = await fixed(world, house)
    assert done.stage is Stage.RESOLVED
    house.doors.shut.add(pull().image)  # somebody shuts it again, long after
    await commands.check_again(done.id, ANA, world)
    anew = await advance(done.id, world)
    await commands.request(anew.id, anew.offers[0].digest, ANA, world)
    rejected = await commands.reject(anew.id, anew.offers[0].digest, BEN, world)
    assert (await advance(anew.id, world)).stage is Stage.FOUND
    assert rejected.note == "rejected by Ben"


class Presses:
    """Somebody who presses a button while the verification waits for its next look."""

    def __init__(self, house: House, press: Callable[[], Awaitable[object]]) -> None:
        self._house = house
        self._press = press
        self._done = False

    async def pause(self, seconds: float) -> None:
        await self._house.clock.pause(seconds)
        if not self._done:
            self._done = True
            await self._press()


async def test_undo_while_it_is_verified_is_heard_at_the_next_look() -> None:
    house = House()
    house.doors.pods_wait = True
    world = house.world()

    async def undo() -> None:
        [change] = (await house.shelf.load("1a2b3c4d")).changes
        await commands.undo("1a2b3c4d", change.digest, BEN, world)

    done = await fixed(replace(world, pause=Presses(house, undo).pause), house)
    assert done.stage is Stage.UNDONE
    assert house.clock.now() < done.opened + timedelta(minutes=1)
    assert "not verified" not in house.shelf.said(done.id)


async def test_a_fault_behind_the_one_that_was_cured_is_looked_for_at_once() -> None:
    house = House()
    house.doors.pods_wait = True
    world = house.world()

    async def fail_otherwise() -> None:
        await intake.failing([pull(symptom=Symptom.TAG_NOT_FOUND, message="not found")], world)

    done = await fixed(replace(world, pause=Presses(house, fail_otherwise).pause), house)
    assert done.stage is Stage.NEEDS_PERSON  # no check knows of tags in this world
    assert done.findings[0].subject.symptom is Symptom.TAG_NOT_FOUND
    assert done.pulls[0].symptom is Symptom.TAG_NOT_FOUND
    assert house.clock.now() < done.opened + timedelta(minutes=1)


async def test_a_pull_long_before_the_present_look_proves_nothing_of_its_fix() -> None:
    house = House()
    world = house.world()
    first = await fixed(world, house)
    house.clock.time += timedelta(days=3)
    house.doors.shut.add(pull().image)
    await commands.check_again(first.id, ANA, world)
    anew = await advance(first.id, world)
    await commands.request(anew.id, anew.offers[0].digest, ANA, world)
    await commands.approve(anew.id, anew.offers[0].digest, BEN, world)
    second = await advance(anew.id, world)
    assert second.stage is Stage.RESOLVED
    assert second.changes_before == 1
    assert house.doors.asked_since == second.changes[1].finished
