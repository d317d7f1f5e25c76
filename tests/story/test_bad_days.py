"""Slack on its bad days: the story is told to its end, and nothing of it twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story.rig import ALICE, DANA, StoryWorld, story_world
from tests.story.test_story import the_undo


@pytest.mark.slow
async def test_lost_answers_limits_errors_and_broken_sockets_double_nothing_and_lose_nothing(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path) as it:
        await it.start_bot()
        it.slack.lose_next_answer()  # of the root
        await it.until(lambda: it.roots)
        it.slack.fail_next(500)
        await it.shows("Fix: ", "offer")
        await it.slack.drop_sockets()
        it.slack.rate_limit_next(1)
        it.slack.lose_next_answer("chat.update")
        await it.press(DANA, "Fix: ", "offer")
        await it.slack.redeliver_last()
        await it.shows("Approve", "request")
        it.slack.fail_next(503, "chat.update")
        it.slack.lose_next_answer()  # of the change
        await it.press(ALICE, "Approve", "request")
        await it.slack.redeliver_last()
        await it.until(it.says("Fixed"), 40)
        assert it.slack.calls.count("conversations.history") == 1  # was the root posted?
        assert it.slack.calls.count("conversations.replies") >= 2  # were the replies?
        await everything_is_said(it)


@pytest.mark.slow
async def test_a_day_without_slack_is_made_up_for(moto_url: str, tmp_path: Path) -> None:
    async with story_world(moto_url, tmp_path) as it:
        for _ in range(4):
            it.slack.fail_next(503)
            it.slack.fail_next(error="internal_error")
        await it.start_bot()
        await it.until(lambda: it.slack.calls.count("chat.postMessage") >= 3, 60)
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
