from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from bot.store import State
from bot.store.codec import standard_codec
from bot.store.sqlite import SqliteState
from handlers.decision import NotAllowed, Offer, Person
from handlers.incident import Incident, Stage
from handlers.remedies.aws.runbook_steps import StartRunbook
from handlers.remedy import Plan, Risk
from handlers.world import NoSuchIncident, Stale
from tests.bot.store.versions import counted

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
Make = Callable[..., Incident]


async def test_what_was_saved_is_loaded(state: State, another: State, incident: Make) -> None:
    saved = incident()
    await state.save(saved)
    assert await another.load(saved.id) == saved


async def test_a_second_person_is_one_whoever_loads_the_request(
    state: State, another: State, incident: Make
) -> None:
    plan = Plan((StartRunbook("us-west-2", "shop", "0f2c", "arn:aws:iam::123456789012:role/runbook"),))
    offer = Offer("aws/troubleshoot_task", "Ask", Risk.LOW, "", plan, enabled=True, digest=plan.digest)
    ben, there = Person("slack:U0BEN", "Ben", True, ("teams:ben",)), Person("teams:ben", "Ben", True)
    found = incident().proposed([offer])
    await state.save(found.requested(plan.digest, ben, NOON, NOON + timedelta(hours=1)))
    loaded = await another.load(found.id)
    with pytest.raises(NotAllowed, match="a second person must"):
        loaded.approved(plan.digest, there, NOON, second_person=True, quorum=1)
    cleo = Person("teams:cleo", "Cleo", True)
    assert loaded.approved(plan.digest, cleo, NOON, second_person=True, quorum=1).stage is Stage.APPROVED


async def test_an_unknown_incident_is_said_to_be_unknown(state: State) -> None:
    with pytest.raises(NoSuchIncident):
        await state.load("nothing")


async def test_the_next_version_replaces_the_one_before(state: State, incident: Make) -> None:
    first = incident()
    await state.save(first)
    second = counted(first.folded("b2"))
    await state.save(second)
    assert await state.load(first.id) == second


async def test_nothing_stored_takes_any_version(state: State, incident: Make) -> None:
    late = replace(incident(), version=7)
    await state.save(late)
    assert (await state.load(late.id)).version == 7


@pytest.mark.parametrize("version", [0, 1, 3, 9])
async def test_a_save_that_missed_a_version_is_refused(state: State, incident: Make, version: int) -> None:
    stored = replace(incident(), version=1)
    await state.save(stored)
    with pytest.raises(Stale, match="a1 is at version 1"):
        await state.save(replace(stored, version=version, note="lost"))
    assert await state.load(stored.id) == stored


async def test_of_saves_at_once_exactly_one_wins(state: State, another: State, incident: Make) -> None:
    first = incident()
    await state.save(first)
    # Two pairs say exactly the same: even then only one caller may believe that it was its save.
    notes = ["fixed", "fixed", "muted", "muted"]
    rivals = [replace(first, version=1, note=note) for note in notes]
    stores = [state, another, state, another]
    answers = await asyncio.gather(
        *(store.save(rival) for store, rival in zip(stores, rivals, strict=True)), return_exceptions=True
    )
    won = [note for note, answer in zip(notes, answers, strict=True) if answer is None]
    assert len(won) == 1
    assert all(isinstance(answer, Stale) for answer in answers if answer is not None)
    assert (await state.load(first.id)).note == won[0]


async def test_unfinished_are_the_open_ones_oldest_first(state: State, incident: Make) -> None:
    late, early, done = incident("late", minute=9), incident("early", minute=1), incident("done", minute=5)
    for one in (late, early, done):
        await state.save(one)
    await state.save(counted(done.folded("early")))
    assert await state.unfinished() == (early, late)


async def test_an_incident_that_is_looked_at_again_is_unfinished_again(state: State, incident: Make) -> None:
    first = incident()
    resolved = counted(first.resolved("it recovered"))
    again = counted(resolved.look_again())
    for one in (first, resolved, again):
        await state.save(one)
    assert await state.unfinished() == (again,)


async def test_recent_are_the_newest_of_any_stage(state: State, incident: Make) -> None:
    made = [incident(f"i{minute}", minute=minute) for minute in range(5)]
    for one in made:
        await state.save(one)
    closed = counted(made[4].resolved())
    await state.save(closed)
    assert await state.recent(3) == (closed, made[3], made[2])


async def test_mutes_last_until_their_time(state: State, another: State) -> None:
    await state.mute("prod", NOON + timedelta(hours=2))
    await state.mute("prod/shop/Deployment/ui", NOON + timedelta(hours=1))
    assert await another.muted(NOON) == {"prod", "prod/shop/Deployment/ui"}
    assert await another.muted(NOON + timedelta(hours=1)) == {"prod"}
    assert await another.muted(NOON + timedelta(hours=2)) == frozenset()


async def test_a_mute_can_be_prolonged_and_lifted(state: State) -> None:
    await state.mute("prod", NOON + timedelta(hours=1))
    await state.mute("prod", NOON + timedelta(hours=3))
    assert await state.muted(NOON + timedelta(hours=2)) == {"prod"}
    await state.unmute("prod")
    await state.unmute("never muted")
    assert await state.muted(NOON) == frozenset()


async def test_sqlite_keeps_a_closed_incident_for_thirty_days(tmp_path: Path, incident: Make) -> None:
    now = NOON
    state = SqliteState(tmp_path / "pullbot.db", standard_codec(), clock=lambda: now)
    await state.save(incident("old").resolved())
    await state.save(incident("open"))
    now = NOON + timedelta(days=29)
    await state.save(incident("newer").resolved())
    assert (await state.load("old")).stage is Stage.RESOLVED
    now = NOON + timedelta(days=31)
    await state.save(incident("newest").resolved())
    with pytest.raises(NoSuchIncident):
        await state.load("old")
    assert {one.id for one in await state.recent(9)} == {"open", "newer", "newest"}
    await state.close()


@pytest.mark.parametrize("where", ["redis"], indirect=True)
async def test_redis_keeps_a_closed_incident_for_thirty_days(
    state: State, where: str, incident: Make
) -> None:
    first = incident()
    with redis.Redis.from_url(where) as client:
        await state.save(first)
        assert client.ttl("pullbot:incident:a1") == -1
        closed = counted(first.resolved())
        await state.save(closed)
        assert 29 * 86400 < int(client.ttl("pullbot:incident:a1")) <= 30 * 86400
        await state.save(counted(closed.look_again()))
        assert client.ttl("pullbot:incident:a1") == -1
        client.delete("pullbot:incident:a1")  # as if the thirty days were over
        assert await state.recent(9) == ()
        assert client.zcard("pullbot:incidents") == 0


@pytest.mark.parametrize("where", ["redis"], indirect=True)
async def test_one_unreadable_incident_hides_no_other(
    state: State, where: str, incident: Make, caplog: pytest.LogCaptureFixture
) -> None:
    await state.save(incident("fine", minute=1))
    await state.save(incident("odd", minute=2))
    with redis.Redis.from_url(where) as client:
        client.hset("pullbot:incident:odd", "body", '{"schema": 999}')
    assert [one.id for one in await state.unfinished()] == ["fine"]
    assert "incident odd cannot be read" in caplog.text
    assert "newer version" in caplog.text
