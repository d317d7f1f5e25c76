"""Who may press what, when, and how often: what people see, and that nothing happens that should not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.story.rig import ALICE, BEN, CARL, CHATS, DANA, NEVER, StoryWorld, story_world
from tests.story.room import Said


@pytest.mark.parametrize("chat", CHATS)
async def test_whatever_is_pressed_twice_late_or_by_the_wrong_person_is_done_once_or_not_at_all(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], on_call=[CARL]) as it:
        await it.start_bot()
        await a_request_is_rejected(it)
        await only_a_second_person_may_approve(it)
        await forged_buttons_do_nothing(it)
        await two_presses_at_once_are_one_execution(it)
        it.nothing_twice()
        assert await it.audit() == [
            (it.by(DANA), "requested"),
            (it.by(BEN), "rejected"),
            (it.by(ALICE), "requested"),
            (it.by(CARL), "approved"),
            ("pullbot", "execution begun"),
            ("pullbot", "step started"),
            ("pullbot", "step finished"),
            ("pullbot", "execution finished"),
            ("pullbot", "verified"),
        ]


async def a_request_is_rejected(it: StoryWorld) -> None:
    offer = await it.shows("Fix: ", "offer")
    await asyncio.gather(*(it.room.press(DANA, offer, "Fix: ") for _ in range(2)))
    await it.told(DANA, "This incident is past that: waiting for approval")
    asked = await it.shows("Reject", "request")
    approve = it.room.value_of(asked, "Approve")
    await it.press(BEN, "Reject", "request")
    await it.room.redeliver_last()
    await it.until(it.says("rejected by Ben"))
    await it.until(lambda: not asked.buttons)
    await it.room.press_forged(ALICE, asked, approve)
    await it.told(ALICE, "This incident is past that: cause found")
    assert it.policy() == it.before


async def only_a_second_person_may_approve(it: StoryWorld) -> None:
    await it.press(ALICE, "Fix: ", "offer")
    await it.press(ALICE, "Approve", "request")
    await it.told(ALICE, "a second person must")
    await it.press(DANA, "Approve", "request")
    await it.told(DANA, "Dana is not an approver")
    await it.press(DANA, "Reject", "request")
    await it.told(DANA, "Dana is not an approver and did not ask for this")
    await it.until(it.says("Waiting for approval"))
    assert it.policy() == it.before


async def forged_buttons_do_nothing(it: StoryWorld) -> None:
    asked = await it.shows("Approve", "request")
    verb, incident, digest = it.room.value_of(asked, "Approve").split()
    other = f"{int(digest, 16) ^ 1:016x}"
    await it.room.press_forged(BEN, asked, f"{verb} {incident} {other}")
    await it.told(BEN, "That plan is not the current one any more")
    await it.room.press_forged(BEN, asked, f"{verb} 00000000 {digest}")
    await it.told(BEN, "This incident is not on record any more")
    await it.room.press_forged(BEN, asked, f"execute {incident} {digest}; rm -rf /")
    await it.told(BEN, "This button is not one that pullbot made")
    await it.room.press_forged(BEN, asked, f"undo {incident} {digest}")
    await it.told(BEN, "There is nothing to undo here any more")
    assert it.policy() == it.before


async def two_presses_at_once_are_one_execution(it: StoryWorld) -> None:
    asked = await it.shows("Approve", "request")
    approve = it.room.value_of(asked, "Approve")
    await asyncio.gather(*(it.room.press(CARL, asked, "Approve") for _ in range(2)))
    await it.room.redeliver_last()
    await it.until(it.says("Fixed"), 25)
    await it.told(CARL, "This incident is past that: ")
    await it.room.press_forged(ALICE, asked, approve)
    await it.told(ALICE, "This incident is past that: fixed")
    assert it.runs()
    assert it.writes == 1


@pytest.mark.parametrize("chat", CHATS)
async def test_a_request_expires_and_a_policy_that_somebody_changed_since_the_proposal_is_left_alone(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], back_off=NEVER) as it:
        it.settings["approvals"] = {"approvers": [it.room.id(ALICE)], "expires": "2s"}
        await it.start_bot()
        offer = await it.shows("Fix: ", "offer")
        await a_request_expires(it)
        await the_policy_moves(it, offer)
        it.nothing_twice()
        assert (await it.audit())[:7] == [
            (it.by(DANA), "requested"),
            ("pullbot", "request expired"),
            (it.by(ALICE), "requested"),
            (it.by(ALICE), "approved"),
            ("pullbot", "plan refused"),
            (it.by(ALICE), "requested"),
            (it.by(ALICE), "approved"),
        ]


async def a_request_expires(it: StoryWorld) -> None:
    asked = await it.press(DANA, "Fix: ", "offer") and await it.shows("Approve", "request")
    approve = it.room.value_of(asked, "Approve")
    await it.until(it.says("the request expired before it was approved"))
    await it.until(lambda: not asked.buttons)
    await it.room.press_forged(ALICE, asked, approve)
    await it.told(ALICE, "This incident is past that: cause found")
    assert it.policy() == it.before


async def the_policy_moves(it: StoryWorld, offer: Said) -> None:
    statement = {"Sid": "audit", "Effect": "Allow", "Principal": {"AWS": it.aws.role_arn}}
    theirs = json.loads(it.before)
    theirs["Statement"].append({**statement, "Action": ["ecr:DescribeImages"]})
    it.aws.client("ecr").set_repository_policy(
        repositoryName=it.aws.repository, policyText=json.dumps(theirs)
    )
    await it.press(ALICE, "Fix: ", "offer")  # nobody asks for a second person here
    asked = await it.press(ALICE, "Approve", "request")
    await it.until(lambda: (newest := it.reply("offer")) and newest.ref != offer.ref and newest.buttons)
    await it.until(it.says("nothing was changed: the plan is not the same any more"))
    await it.until(lambda: not offer.buttons)
    assert json.loads(it.policy()) == theirs
    assert it.writes == 0
    await it.press(ALICE, "Fix: ", "offer")
    await it.until(lambda: (newest := it.reply("request")) and newest.ref != asked.ref)
    await it.press(ALICE, "Approve", "request")
    await it.until(lambda: it.writes == 1 and it.reply("change"))
    [lifted, kept] = json.loads(it.policy())["Statement"]
    assert kept == theirs["Statement"][1]
    assert lifted != theirs["Statement"][0]
