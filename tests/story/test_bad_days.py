"""Chats on their bad days: the story is told to its end, and nothing of it twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story.rig import ALICE, CHATS, DANA, StoryWorld, story_world
from tests.story.test_story import the_undo


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_lost_answers_limits_errors_and_broken_connections_double_nothing_and_lose_nothing(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await it.start_bot()
        it.room.lose_next_answer()  # of the root
        await it.until(lambda: it.roots)
        it.room.fail_next(502)
        await it.shows("Fix: ", "offer", seconds=40)
        await it.room.drop_connections()
        it.room.rate_limit_next(1)
        it.room.lose_next_answer("edit")
        await it.press(DANA, "Fix: ", "offer")
        await it.room.redeliver_last()
        await it.shows("Approve", "request")
        it.room.fail_next(503, "edit")
        it.room.lose_next_answer()  # of the change
        await it.press(ALICE, "Approve", "request")
        await it.room.redeliver_last()
        await it.until(it.says("Fixed"), 40)
        assert it.room.count("find root") == 1  # was the root posted?
        await it.until(lambda: it.room.count("find reply") >= 2)  # were the replies?
        await everything_is_said(it)


@pytest.mark.slow
@pytest.mark.parametrize("chat", CHATS)
async def test_a_day_without_the_chat_is_made_up_for(moto_url: str, tmp_path: Path, chat: str) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        for _ in range(4):
            it.room.fail_next(503)
            it.room.garble_next()
        await it.start_bot()
        await it.until(lambda: it.room.count("post") >= 3, 60)
        await it.kill()
        await it.start_bot()
        await it.shows("Fix: ", "offer", seconds=90)
        await it.press(DANA, "Fix: ", "offer")
        await it.press(ALICE, "Approve", "request")
        await it.until(it.says("Fixed"), 40)
        await everything_is_said(it)


async def everything_is_said(it: StoryWorld) -> None:
    await it.until(lambda: it.reply("verification"))
    assert it.runs()
    assert it.writes == 1
    await the_undo(it)
    it.nothing_twice()
    whats = [what for _, what in await it.audit()]
    assert len(whats) == len(set(whats)) == 10
