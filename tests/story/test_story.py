"""From an alert that nobody asked for to a fix that is proven, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.demo.aws_world import ACCOUNT
from tests.story.rig import ALICE, BEN, CHATS, DANA, StoryWorld, story_world

PULL = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}


@pytest.mark.parametrize("chat", CHATS)
async def test_a_denied_pull_is_found_fixed_proven_and_put_back(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat]) as it:
        await the_story(it)


async def the_story(it: StoryWorld) -> None:
    await it.start_bot()
    await the_alert(it)
    await the_fix(it)
    await the_undo(it)
    it.nothing_twice()
    assert [one for one in it.room.refusals if "ratelimited" not in one and "Throttled" not in one] == []
    assert await it.stop() == 0
    assert [one for one in it.log() if one["level"] not in ("info", "warning")] == []
    assert await it.audit() == [
        (it.by(DANA), "requested"),
        (it.by(ALICE), "approved"),
        ("pullbot", "execution begun"),
        ("pullbot", "step started"),
        ("pullbot", "step finished"),
        ("pullbot", "execution finished"),
        ("pullbot", "verified"),
        (it.by(BEN), "undo asked"),
        ("pullbot", "undo started"),
        ("pullbot", "undo finished"),
    ]


async def the_alert(it: StoryWorld) -> None:
    offer = await it.shows("Fix: ", "offer")
    await it.until(it.says("Cause found"))
    assert "Deployment/ui-private" in it.root.text
    diagnosis = await it.until(lambda: (said := it.reply("diagnosis")) and "✗" in said.text and said)
    cause = next(line for line in diagnosis.text.splitlines() if line.startswith("✗"))
    assert "policy" in cause
    assert "new policy" in diagnosis.text
    assert it.aws.role_arn in diagnosis.text
    assert '-        "ecr:BatchGetImage",' in offer.text
    assert f"aws ecr set-repository-policy --region us-west-2 --registry-id {ACCOUNT}" in offer.text
    assert "may be intentional" in offer.text
    assert it.policy() == it.before


async def the_fix(it: StoryWorld) -> None:
    await it.press(DANA, "Fix: ", "offer")
    await it.shows("Approve", "request")
    await it.until(it.says("Waiting for approval"))
    await it.press(DANA, "Approve", "request")
    await it.told(DANA, "not an approver")
    assert it.writes == 0
    assert it.policy() == it.before
    await it.press(ALICE, "Approve", "request")
    await it.until(it.says("Fixed"), 25)
    assert it.writes == 1
    assert it.runs()
    assert it.pulled()
    was, now = json.loads(it.before), json.loads(it.policy())
    [denied] = was["Statement"]
    assert now == {**was, "Statement": [{**denied, "Action": [a for a in denied["Action"] if a not in PULL]}]}


async def the_undo(it: StoryWorld) -> None:
    await it.press(BEN, "Undo", "change")
    await it.until(it.says("Undone"))
    assert it.policy() == it.before
    assert it.writes == 2
