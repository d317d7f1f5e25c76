"""Save, then show: one save per change, nobody's is overwritten, no decision is missing from the trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from handlers.decision import NotNow
from handlers.incident import Incident, Stage
from handlers.saving import change_stored, keep
from handlers.world import Entry, NoSuchIncident, Stale
from tests.fakes.doors import ANA, BEN, House
from tests.fakes.stages import DIGEST, LATER, NOON, found, requested

ID = found().id


async def house_with(incident: Incident) -> House:
    house = House()
    await house.shelf.save(incident)
    return house


def audit(what: str = "rejected") -> Entry:
    return Entry(NOON, ID, BEN.id, what, (("plan", DIGEST),))


def faster(house: House, move: Callable[[Incident], Incident], times: int = 1) -> None:
    """Somebody else who saves just before us."""

    def before_save(_: Incident) -> None:
        nonlocal times
        if times:
            times -= 1
            now = house.shelf.incidents[ID]
            house.shelf.incidents[ID] = replace(move(now), version=now.version + 1)

    house.shelf.before_save = before_save


async def test_a_new_incident_is_saved_and_shown_with_its_time() -> None:
    house = House()
    kept = await keep(found(), house.world())
    assert (kept.version, kept.changed) == (0, house.clock.now())
    assert house.shelf.incidents[ID] == kept
    assert house.wall.shown == [kept]


async def test_a_version_counts_saves_however_many_transitions_lie_between_two() -> None:
    house = await house_with(found())
    seen = await house.shelf.load(ID)
    moved = seen.requested(DIGEST, ANA, NOON, LATER).rejected(DIGEST, ANA).requested(DIGEST, ANA, NOON, LATER)
    kept = await keep(moved, house.world(), seen=seen)
    assert kept.version == 1
    assert (await keep(kept.expired(LATER), house.world(), seen=kept)).version == 2


async def test_what_somebody_else_saved_first_is_not_overwritten_and_nothing_is_shown() -> None:
    house = await house_with(found())
    seen = await house.shelf.load(ID)
    theirs = await keep(seen.requested(DIGEST, ANA, NOON, LATER), house.world(), seen=seen)
    with pytest.raises(Stale):
        await keep(seen.back_again([]), house.world(), seen=seen)
    assert house.shelf.incidents[ID] == theirs
    assert house.wall.shown == [theirs]


async def test_a_change_is_made_on_what_is_stored_now() -> None:
    house = await house_with(requested())
    faster(house, lambda i: replace(i, note="joined by others"))
    after = await change_stored(ID, lambda i: replace(i, recovered=(("x",),)), house.world())
    assert (after.note, after.recovered, after.version) == ("joined by others", (("x",),), 2)


async def test_a_decision_is_in_the_trail_once_however_often_it_is_tried() -> None:
    house = await house_with(requested())
    faster(house, lambda i: replace(i, note="again"), times=3)
    after = await change_stored(ID, lambda i: i.rejected(DIGEST, BEN), house.world(), audit=audit())
    assert after.stage is Stage.FOUND
    assert house.shelf.said(ID) == ["rejected"]


async def test_a_refused_move_leaves_no_trace() -> None:
    house = await house_with(found())
    with pytest.raises(NotNow):
        await change_stored(ID, lambda i: i.rejected(DIGEST, BEN), house.world(), audit=audit())
    assert house.shelf.log == []
    assert house.wall.shown == []


async def test_a_decision_that_came_too_late_after_all_is_told_as_not_done() -> None:
    house = await house_with(requested())
    faster(house, lambda i: i.expired(LATER))
    with pytest.raises(NotNow):
        await change_stored(ID, lambda i: i.rejected(DIGEST, BEN), house.world(), audit=audit())
    assert house.shelf.said(ID) == ["rejected", "rejected: not done"]
    assert house.shelf.log[-1].actor == BEN.id
    assert "past that" in dict(house.shelf.log[-1].details)["why"]


async def test_who_is_always_overtaken_gives_up_and_says_so() -> None:
    house = await house_with(requested())
    faster(house, lambda i: replace(i, note="again"), times=99)
    with pytest.raises(Stale, match="keeps changing"):
        await change_stored(ID, lambda i: i.rejected(DIGEST, BEN), house.world(), audit=audit())
    assert house.shelf.said(ID) == ["rejected", "rejected: not done"]
    assert house.shelf.incidents[ID].stage is Stage.REQUESTED


async def test_a_move_that_changes_nothing_saves_nothing() -> None:
    house = await house_with(found())
    assert await change_stored(ID, lambda i: i, house.world(), audit=audit()) == found()
    assert house.shelf.log == []
    assert house.wall.shown == []


async def test_what_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(NoSuchIncident):
        await change_stored("00000000", lambda i: i, House().world())
