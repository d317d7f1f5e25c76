"""From a failing pull to a verified fix, and every way in which it may go otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from checks.model import Status, Symptom
from handlers import commands, intake
from handlers.decision import NotAllowed, NotNow
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.remedy import Risk
from handlers.world import Rules
from tests.fakes.doors import ANA, BEN, CLEO, House, open_door, pull

OAK = "r.example/oak:1"


async def found(house: House) -> Incident:
    """An incident whose cause is found: the oak door is shut."""
    house.doors.shut.add(OAK)
    [incident] = await intake.failing([pull()], house.world())
    return await advance(incident.id, house.world())


async def approved(house: House) -> Incident:
    incident = await found(house)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, ANA, house.world())
    return await commands.approve(incident.id, digest, BEN, house.world())


async def test_from_failing_pull_to_verified_fix() -> None:
    house = House()
    incident = await approved(house)
    done = await advance(incident.id, house.world())
    assert done.stage is Stage.RESOLVED
    assert house.doors.turns == [f"{OAK} open"]
    assert done.changes[0].approved_by == ("Ben",)
    assert {f.verdict.status for f in done.verified} == {Status.PASS}
    assert house.shelf.said(incident.id) == [
        "requested", "approved", "execution begun", "step started", "step finished",
        "execution finished", "verified",
    ]  # fmt: skip


async def test_asking_does_not_act_and_rejecting_goes_back() -> None:
    house = House()
    incident = await found(house)
    digest = incident.offers[0].digest
    asked = await commands.request(incident.id, digest, ANA, house.world())
    assert (await advance(asked.id, house.world())).stage is Stage.REQUESTED
    rejected = await commands.reject(incident.id, digest, BEN, house.world())
    assert rejected.stage is Stage.FOUND
    assert rejected.note == "rejected by Ben"
    assert house.doors.turns == []


async def test_who_may_not_approve_changes_nothing() -> None:
    house = House()
    incident = await found(house)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, ANA, house.world())
    with pytest.raises(NotAllowed, match="Ana is not an approver"):
        await commands.approve(incident.id, digest, ANA, house.world())
    assert (await house.shelf.load(incident.id)).stage is Stage.REQUESTED
    assert "approved" not in house.shelf.said(incident.id)


async def test_a_second_person_must_approve_where_the_rules_say_so() -> None:
    house = House(rules=Rules(second_person=True, enabled=frozenset({open_door.id})))
    incident = await found(house)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, BEN, house.world())
    with pytest.raises(NotAllowed, match="second person"):
        await commands.approve(incident.id, digest, BEN, house.world())
    assert (await commands.approve(incident.id, digest, CLEO, house.world())).stage is Stage.APPROVED


async def test_a_quorum_wants_different_people() -> None:
    house = House(rules=Rules(quorum={Risk.MEDIUM: 2}, enabled=frozenset({open_door.id})))
    incident = await found(house)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, ANA, house.world())
    assert (await commands.approve(incident.id, digest, BEN, house.world())).stage is Stage.REQUESTED
    with pytest.raises(NotNow, match="approved this already"):
        await commands.approve(incident.id, digest, BEN, house.world())
    assert (await commands.approve(incident.id, digest, CLEO, house.world())).stage is Stage.APPROVED


async def test_a_remedy_that_is_not_enabled_cannot_be_asked_for() -> None:
    house = House(rules=Rules())
    incident = await found(house)
    assert incident.stage is Stage.NEEDS_PERSON
    with pytest.raises((NotAllowed, NotNow)):
        await commands.request(incident.id, incident.offers[0].digest, ANA, house.world())


async def test_a_request_expires() -> None:
    house = House()
    incident = await found(house)
    digest = incident.offers[0].digest
    await commands.request(incident.id, digest, ANA, house.world())
    [(alarm, when)] = house.alarms
    assert (alarm, when) == (incident.id, house.clock.now() + timedelta(minutes=30))
    await commands.expire(incident.id, house.world())
    assert (await house.shelf.load(incident.id)).stage is Stage.REQUESTED  # not yet
    house.clock.time = when
    with pytest.raises(NotNow, match="expired"):
        await commands.approve(incident.id, digest, BEN, house.world())
    await commands.expire(incident.id, house.world())
    assert (await house.shelf.load(incident.id)).stage is Stage.FOUND


async def test_a_double_click_approves_once() -> None:
    house = House()
    incident = await approved(house)
    with pytest.raises(NotNow):
        await commands.approve(incident.id, incident.offers[0].digest, BEN, house.world())
    await advance(incident.id, house.world())
    assert house.doors.turns == [f"{OAK} open"]


async def test_a_world_that_moved_is_looked_at_again() -> None:
    house = House()
    incident = await approved(house)
    house.doors.shut.clear()  # somebody opened the door between the proposal and the click
    again = await advance(incident.id, house.world())
    assert house.doors.turns == []
    assert again.stage is Stage.NEEDS_PERSON  # nothing is left to offer
    assert "plan refused" in house.shelf.said(incident.id)


async def test_a_failing_step_is_handed_over() -> None:
    house = House()
    incident = await approved(house)
    house.doors.jammed = True
    done = await advance(incident.id, house.world())
    assert done.stage is Stage.NEEDS_PERSON
    assert done.changes[0].error == "the key is stuck"
    assert house.doors.shut == {OAK}


async def test_a_lost_answer_is_looked_up_and_not_repeated() -> None:
    house = House()
    incident = await approved(house)
    house.doors.deaf = True
    done = await advance(incident.id, house.world())
    assert done.stage is Stage.RESOLVED
    assert house.doors.turns == [f"{OAK} open"]


async def test_no_pull_since_the_fix_is_not_fixed() -> None:
    house = House()
    incident = await approved(house)
    house.doors.pods_wait = True
    done = await advance(incident.id, house.world())
    assert done.stage is Stage.NEEDS_PERSON
    assert house.clock.now() >= incident.opened + timedelta(minutes=6)
    assert done.undoable is not None


async def test_undo_puts_back_what_was_there() -> None:
    house = House()
    done = await advance((await approved(house)).id, house.world())
    with pytest.raises(NotAllowed):
        await commands.undo(done.id, done.changes[0].digest, ANA, house.world())
    await commands.undo(done.id, done.changes[0].digest, BEN, house.world())
    back = await advance(done.id, house.world())
    assert back.stage is Stage.UNDONE
    assert house.doors.shut == {OAK}
    with pytest.raises(NotNow):
        await commands.undo(done.id, done.changes[0].digest, BEN, house.world())
    assert house.doors.turns == [f"{OAK} open", f"{OAK} shut"]


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_killed_at_any_save_it_goes_on_and_does_nothing_twice(dies_at: int) -> None:
    house = House()
    incident = await approved(house)
    saves = 0

    def dying(_: Incident) -> None:
        nonlocal saves
        saves += 1
        if saves == dies_at:
            raise Killed

    house.shelf.before_save = dying
    try:
        await advance(incident.id, house.world())
    except Killed:
        house.shelf.before_save = lambda _: None
    done = await advance(incident.id, house.world())
    assert done.stage is Stage.RESOLVED
    assert house.doors.turns == [f"{OAK} open"]


async def test_a_read_that_fails_offers_nothing() -> None:
    house = House()
    house.doors.blind = True
    incident = await found(house)
    assert incident.stage is Stage.NEEDS_PERSON
    assert [f.verdict.status for f in incident.findings] == [Status.UNKNOWN]
    assert all(offer.plan is None for offer in incident.offers)


async def test_one_cause_is_one_incident_however_many_workloads() -> None:
    house = House()
    house.doors.shut.add(OAK)
    pulls = [pull(f"web{n}", pods=tuple(f"web{n}-{i}" for i in range(100))) for n in range(10)]
    [incident] = await intake.failing(pulls, house.world())
    await advance(incident.id, house.world())
    assert [i.stage for i in await house.shelf.recent(99)] == [Stage.FOUND]
    assert len(house.shelf.incidents[incident.id].offers) == 1


async def test_different_causes_part_and_later_ones_join() -> None:
    house = House()
    house.doors.shut |= {OAK, "r.example/pine:1"}
    [first] = await intake.failing([pull(), pull("api", "r.example/pine:1")], house.world())
    await advance(first.id, house.world())
    assert sorted(i.causes[0].verdict.about for i in await house.shelf.unfinished()) == [
        OAK,
        "r.example/pine:1",
    ]
    [late] = await intake.failing([pull("jobs")], house.world())
    folded = await advance(late.id, house.world())
    assert folded.stage is Stage.FOLDED
    elder = await house.shelf.load(folded.folded_into)
    assert {p.workload for p in elder.pulls} >= {"Deployment/jobs"}
    assert len(await house.shelf.unfinished()) == 2


async def test_seen_again_opens_nothing_and_recovery_closes_the_thread() -> None:
    house = House()
    incident = await found(house)
    assert await intake.failing([replace(pull(), pods=("web-1", "web-2"))], house.world()) == ()
    assert (await house.shelf.load(incident.id)).pulls[0].pods == ("web-1", "web-2")
    await intake.recovered([pull().key], house.world())
    assert (await house.shelf.load(incident.id)).stage is Stage.RESOLVED


async def test_another_fault_of_a_known_pull_is_looked_at_anew() -> None:
    house = House()
    incident = await found(house)
    house.driven.clear()
    await intake.failing([pull(symptom=Symptom.BACKOFF_ONLY, message="Back-off")], house.world())
    assert (await house.shelf.load(incident.id)).stage is Stage.FOUND  # a text that says nothing is no news
    await intake.failing([pull(symptom=Symptom.TAG_NOT_FOUND, message="not found")], house.world())
    anew = await house.shelf.load(incident.id)
    assert (anew.stage, anew.offers, anew.findings) == (Stage.LOOKING, (), ())
    assert anew.pulls[0].symptom is Symptom.TAG_NOT_FOUND
    assert incident.id in house.driven


async def test_a_muted_workload_is_left_out() -> None:
    house = House()
    incident = await found(house)
    await commands.mute(incident.id, ANA, timedelta(hours=2), house.world())
    await intake.recovered([pull().key], house.world())
    assert await intake.failing([pull()], house.world()) == ()
    house.clock.time += timedelta(hours=3)
    assert len(await intake.failing([pull()], house.world())) == 1
