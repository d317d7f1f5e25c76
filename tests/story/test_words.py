"""What people write to the bot, and what it answers in the thread of their words."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.slack_workspace import Said
from tests.story.rig import CHANNEL, DANA, NEVER, StoryWorld, story_world


async def ask(it: StoryWorld, text: str, thread: str = "") -> Said:
    """Write ``text``; gives the answer that everybody sees."""
    before = {one.ts for one in it.said()}
    ts = await it.slack.mention(DANA, CHANNEL, text, thread)

    def answer() -> Said | None:
        fresh = (one for one in it.said() if one.ts not in before and one.thread == (thread or ts))
        return next((one for one in fresh if it.is_answer(one)), None)

    said: Said = await it.until(answer)
    return said


async def test_what_people_ask_is_answered(moto_url: str, tmp_path: Path) -> None:
    async with story_world(moto_url, tmp_path, back_off=NEVER) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        await questions_about_what_is_known(it)
        await wrong_words(it)
        await a_mute(it)
        it.nothing_twice()


async def questions_about_what_is_known(it: StoryWorld) -> None:
    assert "Deployment/ui-private on demo · cause found" in (await ask(it, "why")).text
    assert "Deployment/ui-private" in (await ask(it, "why deploy/ui-private -n default")).text
    assert "Deployment/ui-private" in (await ask(it, "status")).text
    assert "Deployment/ui-private" in (await ask(it, "history")).text
    assert "mute 2h" in (await ask(it, "help")).text
    looking = await ask(it, "why", thread=it.root.ts)
    assert "Looking again" in looking.text
    await it.shows("Fix: ", "offer")
    assert len(it.roots) == 1
    assert it.policy() == it.before


async def wrong_words(it: StoryWorld) -> None:
    for words, hint in (
        ("wyh", "I don't know “wyh”: did you mean `why`?"),
        ("why deploy/nowhere", "nowhere"),
        ("why deploy/ui-private -n nowhere", "nowhere"),
        ("why -c moon", "There is no cluster 'moon'; there is demo"),
        ("mute 1h one two", "`help` lists what I understand"),
    ):
        said = (await ask(it, words)).text
        assert hint in said
        assert "\n" not in said
    in_thread = await ask(it, "wyh", thread=it.root.ts)
    assert in_thread in it.root.replies
    assert it.slack.ephemeral(DANA) == []


async def a_mute(it: StoryWorld) -> None:
    quiet, loud = (f"{it.aws.repository_uri}:{tag}" for tag in ("1.2.2", "1.2.3"))
    muted = await ask(it, "mute 1h demo/default/Deployment/quiet")
    assert muted.text == "No new alerts for demo/default/Deployment/quiet for 1 h; `unmute` ends that."
    it.cluster.deploy("quiet", quiet)
    await it.until(lambda: it.fails("quiet"))
    it.cluster.deploy("loud", loud)
    await it.until(lambda: any("Deployment/loud" in one.text for one in it.roots))
    assert not any("Deployment/quiet" in one.text for one in it.roots)
    assert "quiet" not in (await ask(it, "status")).text
    assert "Alerts again" in (await ask(it, "unmute demo/default/Deployment/quiet")).text
    it.cluster.deploy("quiet", f"{it.aws.repository_uri}:1.2.4")
    await it.until(lambda: any("Deployment/quiet" in one.text for one in it.roots))
