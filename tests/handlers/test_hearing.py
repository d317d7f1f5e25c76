"""A question is approved like a change, asked once, and its answer moves nothing but what people know."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from checks.model import NotFound, Symptom, Unavailable
from handlers import commands, intake
from handlers.decision import NotAllowed, NotNow
from handlers.flow import advance
from handlers.hearing import bounded
from handlers.incident import Incident, Stage
from handlers.question import Heard
from handlers.world import Rules
from tests.fakes.doors import ANA, BEN, pull
from tests.fakes.porter import Lodge

ID = "1a2b3c4d"
OVER = Heard("Success", (("Why", "the bridge is up"),), over=True)


async def puzzled(lodge: Lodge) -> Incident:
    await lodge.shelf.save(Incident(ID, "prod", lodge.clock.now(), (pull(),)))
    return await advance(ID, lodge.world())


async def asked(lodge: Lodge) -> Incident:
    """Asked for and approved, not carried out yet."""
    digest = (await puzzled(lodge)).offers[0].digest
    await commands.request(ID, digest, ANA, lodge.world())
    return await commands.approve(ID, digest, BEN, lodge.world())


async def test_a_question_makes_no_cause_found_and_who_asks_is_heard() -> None:
    lodge = Lodge()
    incident = await puzzled(lodge)
    assert incident.stage is Stage.NEEDS_PERSON
    [offer] = incident.offers
    assert offer.enabled
    assert incident.may_ask_for(offer)
    waiting = await commands.request(ID, offer.digest, ANA, lodge.world())
    assert waiting.stage is Stage.REQUESTED
    with pytest.raises(NotAllowed):
        await commands.approve(ID, offer.digest, ANA, lodge.world())
    assert (await commands.reject(ID, offer.digest, BEN, lodge.world())).stage is Stage.NEEDS_PERSON
    assert lodge.porter.asked == {}


async def test_what_is_not_enabled_is_not_asked() -> None:
    lodge = Lodge(rules=Rules())
    [offer] = (await puzzled(lodge)).offers
    with pytest.raises(NotAllowed, match=r"remedies\.enabled"):
        await commands.request(ID, offer.digest, ANA, lodge.world())


async def test_a_plan_that_lacks_something_is_only_shown() -> None:
    lodge = Lodge()
    [offer] = (await puzzled(lodge)).offers
    assert offer.plan is not None
    lacking = replace(offer, plan=replace(offer.plan, lacks="nobody is at the lodge"))
    incident = Incident(ID, "prod", lodge.clock.now(), (pull(),)).proposed([lacking])
    with pytest.raises(NotAllowed, match="nobody is at the lodge"):
        incident.requested(offer.digest, ANA, lodge.clock.now(), lodge.clock.now())


async def test_the_answer_is_kept_and_the_incident_is_where_it_was() -> None:
    lodge = Lodge()
    lodge.porter.answers = [Heard("thinking"), Heard("thinking"), OVER]
    await asked(lodge)
    done = await advance(ID, lodge.world())
    assert done.stage is Stage.NEEDS_PERSON
    assert done.note == ""
    [change] = done.changes
    assert change.heard == OVER
    assert change.approved_by == ("Ben",)
    assert lodge.porter.asked == {"web-1": 1}
    assert done.undoable is None
    assert lodge.wall.stages()[-3:] == ["HEARING", "HEARING", "NEEDS_PERSON"]
    assert lodge.shelf.said(ID)[-2:] == ["execution finished", "question answered"]


async def test_the_same_is_not_asked_twice() -> None:
    lodge = Lodge()
    lodge.porter.answers = [OVER]
    await asked(lodge)
    done = await advance(ID, lodge.world())
    [offer] = done.offers
    assert not done.may_ask_for(offer)
    with pytest.raises(NotNow, match="done already"):
        await commands.request(ID, offer.digest, ANA, lodge.world())
    await commands.check_again(ID, ANA, lodge.world())
    anew = await advance(ID, lodge.world())
    assert anew.changes[0].heard == OVER
    assert not anew.may_ask_for(anew.offers[0])


async def test_a_failed_poll_is_said_and_is_no_end() -> None:
    lodge = Lodge()
    denied = Unavailable("denied: grant porter:Listen with password: 'hunter2hunter2'")
    lodge.porter.answers = [
        Heard("thinking"),
        denied,
        NotFound("NoSuch", "no such number"),
        KeyError("x"),
        OVER,
    ]
    await asked(lodge)
    done = await advance(ID, lodge.world())
    told = [
        change.heard
        for one in lodge.wall.shown
        if one.stage is Stage.HEARING
        for change in one.changes
        if change.heard
    ]
    assert [one.state for one in told] == ["thinking"] * 4
    assert not any(one.over for one in told)
    troubles = [one.trouble for one in told]
    assert troubles[0] == ""
    assert troubles[1].startswith("denied: grant porter:Listen")
    assert "hunter2" not in troubles[1]
    assert troubles[2] == "no such number"
    assert "KeyError" in troubles[3]
    assert done.changes[0].heard == OVER


async def test_after_its_time_it_is_not_waited_for_any_more() -> None:
    lodge = Lodge()
    await asked(lodge)
    before = lodge.clock.now()
    done = await advance(ID, lodge.world())
    assert done.stage is Stage.NEEDS_PERSON
    assert "no answer within 30 minutes" in done.note
    assert lodge.clock.now() - before == timedelta(minutes=30)
    assert done.changes[0].heard == Heard("listening")
    assert lodge.shelf.said(ID)[-1] == "question not answered"


async def test_who_could_not_be_asked_may_be_asked_again() -> None:
    lodge = Lodge()
    lodge.porter.deaf = True
    lodge.porter.answers = [OVER]
    await asked(lodge)
    failed = await advance(ID, lodge.world())
    assert failed.stage is Stage.NEEDS_PERSON
    assert failed.changes[0].error == "the porter does not hear: grant porter:Ask"
    lodge.porter.deaf = False
    await lodge.clock.pause(60)
    [offer] = failed.offers
    await commands.request(ID, offer.digest, ANA, lodge.world())
    await commands.approve(ID, offer.digest, BEN, lodge.world())
    assert (await advance(ID, lodge.world())).changes[1].heard == OVER


async def test_newer_failures_do_not_outdate_what_was_approved() -> None:
    lodge = Lodge()
    lodge.porter.answers = [OVER]
    incident = await puzzled(lodge)
    await intake.failing([pull(pods=("web-2",))], lodge.world())
    stored = await lodge.shelf.load(ID)
    assert stored.pulls[0].pods == ("web-2",)
    digest = incident.offers[0].digest
    await commands.request(ID, digest, ANA, lodge.world())
    await commands.approve(ID, digest, BEN, lodge.world())
    await advance(ID, lodge.world())
    assert lodge.porter.asked == {"web-1": 1}


async def test_a_recovery_meanwhile_waits_for_the_answer() -> None:
    lodge = Lodge()
    await asked(lodge)
    world = lodge.world()

    async def recover(seconds: float) -> None:
        await intake.recovered([pull().key], world)
        await intake.failing([pull(symptom=Symptom.TAG_NOT_FOUND)], world)
        lodge.porter.answers = [OVER]
        await lodge.clock.pause(seconds)

    done = await advance(ID, replace(world, pause=recover))
    assert done.changes[0].heard == OVER
    assert done.stage is Stage.NEEDS_PERSON
    await intake.recovered([pull().key], world)
    assert (await lodge.shelf.load(ID)).stage is Stage.RESOLVED


async def test_a_restart_goes_on_listening_and_asks_nobody_twice() -> None:
    lodge = Lodge()
    await asked(lodge)
    world = lodge.world()
    waits = asyncio.Event()

    async def killed(seconds: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(advance(ID, replace(world, pause=killed)))
    async with asyncio.timeout(5):
        await waits.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await lodge.shelf.load(ID)).stage is Stage.HEARING
    lodge.porter.answers = [OVER]
    assert (await advance(ID, world)).changes[0].heard == OVER
    assert lodge.porter.asked == {"web-1": 1}


def test_an_answer_is_redacted_and_no_longer_than_a_thread_bears() -> None:
    secret = "AKIAABCDEFGHIJKLMNOP"
    parts = tuple((f"part {n} {secret}", f"{secret} " + "x" * 5000) for n in range(40))
    kept = bounded(Heard("Success", parts, over=True))
    assert secret not in repr(kept)
    assert sum(len(text) for _, text in kept.parts) < 9000
    assert kept.parts[-1][0] == "More"
    assert "not shown" in kept.parts[-1][1]
    assert "(5002 characters)" in kept.parts[0][1]
    assert bounded(OVER) == OVER
