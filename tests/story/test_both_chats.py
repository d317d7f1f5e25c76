"""One bot in Slack and in Teams: both tell the same, and somebody who is in both is one person."""

from __future__ import annotations

from pathlib import Path

from tests.story.onlooker import Onlooker
from tests.story.rig import ALICE, BEN, StoryWorld, story_world

CHATS = ("slack", "teams")


async def test_who_asked_in_slack_is_no_second_person_in_teams_and_both_threads_tell_the_same(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path, chats=CHATS) as it:
        slack, teams = it, it.elsewhere(it.rooms[1])
        it.settings["approvals"]["people"] = [{room.name: room.id(ALICE) for room in it.rooms}]
        await it.start_bot()
        await slack.press(ALICE, "Fix: ", "offer")
        await teams.press(ALICE, "Approve", "request")
        await teams.told(ALICE, "a second person must")
        await slack.press(ALICE, "Approve", "request")
        await slack.told(ALICE, "a second person must")
        assert it.policy() == it.before

        await it.kill()
        await it.start_bot()
        await teams.press(BEN, "Approve", "request")
        await both(it, teams, "Fixed")
        await teams.until(lambda: teams.reply("verification"))
        assert it.writes == 1

        await slack.press(BEN, "Undo", "change")
        await both(it, teams, "Undone")
        assert it.policy() == it.before
        await it.until(lambda: texts(slack) == texts(teams))
        slack.nothing_twice()
        teams.nothing_twice()
        assert await it.audit() == [
            (slack.by(ALICE), "requested"),
            (teams.by(BEN), "approved"),
            ("pullbot", "execution begun"),
            ("pullbot", "step started"),
            ("pullbot", "step finished"),
            ("pullbot", "execution finished"),
            ("pullbot", "verified"),
            (slack.by(BEN), "undo asked"),
            ("pullbot", "undo started"),
            ("pullbot", "undo finished"),
        ]


async def both(it: StoryWorld, teams: Onlooker, words: str) -> None:
    await it.until(it.says(words), 25)
    await it.until(teams.says(words))


def texts(seen: Onlooker) -> dict[str, str]:
    """What each message of the thread says, by what the bot calls it."""
    return {one.key: one.text for one in (seen.root, *seen.root.replies)}
