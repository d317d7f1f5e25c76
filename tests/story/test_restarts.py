"""Killed at any moment and started again: nothing lost, nothing done twice, nothing said twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.store.conftest import RedisServer
from tests.fakes.aws_front import Hold
from tests.story.rig import ALICE, BEN, CHATS, DANA, WRITE, StoryWorld, story_world
from tests.story.test_story import the_alert, the_fix, the_story, the_undo

MOMENTS = ("cause found", "waiting for approval", "verifying", "fixed", "undone")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    server = RedisServer(tmp_path)
    server.start()
    yield server.url
    server.kill()


async def held(it: StoryWorld, hold: Hold) -> None:
    await it.until(hold.reached.is_set)


async def killed_and_started_again(it: StoryWorld) -> None:
    await it.kill()
    await it.start_bot()


async def asked_and_approved(it: StoryWorld) -> None:
    await it.press(DANA, "Fix: ", "offer")
    await it.press(ALICE, "Approve", "request")


@pytest.mark.parametrize("chat", CHATS)
async def test_killed_after_a_write_whose_answer_it_never_saw_it_does_not_write_again(
    moto_url: str, tmp_path: Path, redis_url: str, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], store=redis_url) as it:
        await it.start_bot()
        hold = it.front.hold_next(WRITE, carried_out=True)
        await asked_and_approved(it)
        await held(it, hold)
        await it.kill()
        hold.let_go()
        assert it.policy() != it.before
        await it.start_bot()
        await it.until(it.says("Fixed"), 25)
        assert it.writes == 1
        assert it.front.asked.count(WRITE) == 1
        it.nothing_twice()
        assert await it.audit() == [
            (it.by(DANA), "requested"),
            (it.by(ALICE), "approved"),
            ("pullbot", "execution begun"),
            ("pullbot", "step started"),
            ("pullbot", "execution finished"),
            ("pullbot", "verified"),
        ]
        await the_undo(it)


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_before_the_chat_took_the_last_state_it_is_told_after_all(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        await it.press(DANA, "Fix: ", "offer")
        await it.shows("Approve", "request")
        it.room.rate_limit_next(60, "edit")
        await it.press(ALICE, "Approve", "request")

        async def is_fixed() -> bool:
            return 'pullbot_incidents_total{stage="fixed"} 1.0' in (await it.asked("/metrics"))[1]

        await it.until(is_fixed, 25)  # saved, and about to be shown
        assert "Fixed" not in it.root.text
        await killed_and_started_again(it)
        await it.until(it.says("Fixed"))
        await the_undo(it)
        it.nothing_twice()


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_the_story_on_redis(moto_url: str, tmp_path: Path, chat: str, redis_url: str) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], store=redis_url) as it:
        await the_story(it)


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_before_its_write_was_carried_out_it_writes_once(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        hold = it.front.hold_next(WRITE, carried_out=False)
        await asked_and_approved(it)
        await held(it, hold)
        await it.kill()
        hold.let_go()
        assert it.policy() == it.before
        await it.start_bot()
        await it.until(it.says("Fixed"), 25)
        assert it.writes == 1
        it.nothing_twice()
        whats = [what for _, what in await it.audit()]
        assert whats.count("execution begun") == whats.count("execution finished") == 1


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_while_undoing_it_puts_everything_back_once(
    moto_url: str, tmp_path: Path, carried_out: bool, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        await the_fix(it)
        hold = it.front.hold_next(WRITE, carried_out=carried_out)
        await it.press(BEN, "Undo", "change")
        await held(it, hold)
        await it.kill()
        hold.let_go()
        assert (it.policy() == it.before) is carried_out
        await it.start_bot()
        await it.until(it.says("Undone"))
        assert it.policy() == it.before
        assert it.writes == 2
        it.nothing_twice()
        assert (await it.audit())[-1][0] == "pullbot"


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_between_approval_and_execution_it_executes(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        await it.press(DANA, "Fix: ", "offer")
        await it.shows("Approve", "request")
        hold = it.front.hold_next("ecr:GetRepositoryPolicy", carried_out=False)
        await it.press(ALICE, "Approve", "request")
        await held(it, hold)
        await it.kill()
        hold.let_go()
        assert it.front.asked.count(WRITE) == 0
        await it.start_bot()
        await it.until(it.says("Fixed"), 25)
        assert it.writes == 1
        it.nothing_twice()


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_while_it_looks_it_looks_again(moto_url: str, tmp_path: Path, chat: str) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        hold = it.front.hold_next("ecr:GetRepositoryPolicy", carried_out=False)
        await it.start_bot()
        await held(it, hold)
        await it.until(lambda: it.roots)  # it says that it looks
        await killed_and_started_again(it)
        hold.let_go()
        await the_alert(it)
        await the_fix(it)
        it.nothing_twice()


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("chat", CHATS)
async def test_killed_while_it_waits_it_goes_on_to_the_end(
    moto_url: str, tmp_path: Path, moment: str, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        await the_alert(it)
        if moment == "cause found":
            await killed_and_started_again(it)
        await it.press(DANA, "Fix: ", "offer")
        await it.shows("Approve", "request")
        if moment == "waiting for approval":
            await killed_and_started_again(it)
        await it.press(ALICE, "Approve", "request")
        await it.until(lambda: it.reply("change"))
        if moment == "verifying":
            await killed_and_started_again(it)
        await it.until(it.says("Fixed"), 25)
        if moment == "fixed":
            await killed_and_started_again(it)
        await the_undo(it)
        if moment == "undone":
            await killed_and_started_again(it)
            # The cause is back, and so is the failure: that is news, in a thread of its own.
        it.nothing_twice()
        assert json.loads(it.policy()) == json.loads(it.before)
        whats = [what for _, what in await it.audit()]
        assert len(whats) == len(set(whats)) == 10
