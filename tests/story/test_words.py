"""What people write to the bot, and what it answers in the thread of their words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.story.rig import CHATS, DANA, NEVER, StoryWorld, story_world
from tests.story.room import Said

ROOMS = 12  # Slack takes a message a second in each channel, so everybody asks in a channel of their own


async def ask(it: StoryWorld, text: str, thread: str = "", room: str = "") -> Said:
    """Write ``text``; gives the answer that everybody sees."""
    before = {one.ref for one in it.said(room)}
    ref = await it.room.mention(DANA, room or it.room.alerts, text, thread)

    def answer() -> Said | None:
        fresh = (one for one in it.said(room) if one.ref not in before and one.thread == (thread or ref))
        return next((one for one in fresh if it.is_answer(one)), None)

    said: Said = await it.until(answer)
    return said


@pytest.mark.parametrize("chat", CHATS)
async def test_what_people_ask_is_answered(moto_url: str, tmp_path: Path, chat: str) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], rooms=ROOMS, back_off=NEVER) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        await questions(it)
        await a_mute(it)
        await questions_in_the_thread(it)
        it.nothing_twice()
        assert not it.room.private(DANA)


async def questions(it: StoryWorld) -> None:
    expected = {
        "why": "Deployment/ui-private on demo · cause found",
        "why deploy/ui-private -n default": "Deployment/ui-private on demo · cause found",
        "status": "Open incidents\n",
        "history": "Latest incidents\n",
        "help": "mute 2h",
        "wyh": "I don't know “wyh”: did you mean why?",
        "why deploy/nowhere": "nowhere",
        "why deploy/ui-private -n nowhere": "nowhere",
        "why -c moon": "There is no cluster 'moon'; there is demo",
        "mute 1h one two": "help lists what I understand",
    }
    answers = await asyncio.gather(
        *(ask(it, words, room=room) for words, room in zip(expected, it.room.others, strict=False))
    )
    for (words, hint), said in zip(expected.items(), answers, strict=True):
        assert hint in said.text, words
        is_list = words in ("help", "status", "history") or "cause found" in hint
        assert ("\n" in said.text) is is_list, words
    assert len(it.roots) == 1


async def questions_in_the_thread(it: StoryWorld) -> None:
    hint = await ask(it, "wyh", thread=it.root.ref)
    assert hint in it.root.replies
    looking = await ask(it, "why", thread=it.root.ref)
    assert "Looking again" in looking.text
    await it.shows("Fix: ", "offer")
    assert it.policy() == it.before


async def a_mute(it: StoryWorld) -> None:
    quiet, loud = (f"{it.aws.repository_uri}:{tag}" for tag in ("1.2.2", "1.2.3"))
    muted = await ask(it, "mute 1h demo/default/Deployment/quiet", room=it.room.others[0])
    assert muted.text == "No new alerts for demo/default/Deployment/quiet for 1 h; unmute ends that."
    it.cluster.deploy("quiet", quiet)
    await it.until(lambda: it.fails("quiet"))
    it.cluster.deploy("loud", loud)
    await it.until(it.says("Deployment/loud"))  # it fails for the same cause
    assert "Deployment/quiet" not in it.root.text
    assert "quiet" not in (await ask(it, "status", room=it.room.others[1])).text
    unmuted = await ask(it, "unmute demo/default/Deployment/quiet", room=it.room.others[2])
    assert "Alerts again" in unmuted.text
    it.cluster.deploy("quiet", f"{it.aws.repository_uri}:1.2.4")
    await it.until(it.says("Deployment/quiet"))
