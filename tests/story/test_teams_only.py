"""What only Teams has: requests signed by Microsoft, cards that approvers see anew, chats of other kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes import cards, teams_activities
from tests.fakes.cards import Json
from tests.fakes.entra import APP, TENANT
from tests.fakes.graph import READ_CHANNEL
from tests.fakes.teams import FakeTeams
from tests.story.rig import ALICE, BEN, DANA, NEVER, StoryWorld, story_world
from tests.story.room import Said
from tests.story.teams_room import ALERTS, TeamsRoom

GROUP_CHAT = "19:9r0up9r0up9r0up9r0up@thread.v2"


@asynccontextmanager
async def in_teams(moto_url: str, folder: Path, **more: Any) -> AsyncIterator[tuple[StoryWorld, FakeTeams]]:
    async with story_world(moto_url, folder, chats=["teams"], back_off=NEVER, **more) as it:
        assert isinstance(it.room, TeamsRoom)
        yield it, it.room.teams


async def posted(teams: FakeTeams, activity: Json, authorization: str) -> int:
    headers = {"Authorization": authorization} if authorization else {}
    url = f"{teams.bot_url}/api/messages"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=activity, headers=headers) as answer,
    ):
        return answer.status


async def test_only_what_microsoft_signed_for_us_from_our_tenant_is_heard(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        await it.start_bot()
        offer = await it.shows("Fix: ", "offer")
        there, alice = teams.conversations[ALERTS], teams.people[ALICE]
        button = cards.buttons(teams.find(ALERTS, offer.ref).card)[0]
        press = teams_activities.press(teams.service_url, there, alice, teams.find(ALERTS, offer.ref), button)
        ours = teams.entra.bearer(service_url=teams.service_url)
        elsewhere = "https://attacker.example/"
        other = {**press["conversation"], "tenantId": APP}

        assert await posted(teams, press, "") == 401
        assert await posted(teams, press, "Bearer e30.e30.e30") == 401
        assert (
            await posted(teams, press, teams.entra.bearer(app=TENANT, service_url=teams.service_url)) == 401
        )
        assert await posted(teams, press | {"serviceUrl": elsewhere}, ours) in (401, 403)
        theirs = teams.entra.bearer(service_url=elsewhere)
        assert await posted(teams, press | {"serviceUrl": elsewhere}, theirs) == 403
        assert await posted(teams, press | {"conversation": other}, ours) == 403
        assert await posted(teams, press | {"channelId": "emulator"}, ours) in (401, 403)
        assert await it.asked("/healthz") == (200, "ok\n")
        assert await it.asked("/readyz") == (200, "ready\n")
        assert await posted(teams, press, ours) == 200
        await it.shows("Approve", "request")
        it.nothing_twice()
        assert await it.audit() == [(it.by(ALICE), "requested")]


async def test_keys_that_microsoft_changed_are_learned_at_once(moto_url: str, tmp_path: Path) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        await it.start_bot()
        teams.entra.rotate()
        await it.press(DANA, "Fix: ", "offer")
        await it.shows("Approve", "request")
        assert it.room.failures == []


async def test_who_may_approve_sees_a_card_as_it_is_now_before_it_is_edited(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        await it.start_bot()
        offer = teams.find(ALERTS, (await it.press(DANA, "Fix: ", "offer")).ref)
        shown = teams.find(ALERTS, (await it.shows("Reject", "request")).ref)
        assert set(shown.card["refresh"]["userIds"]) == {teams.people[who].id for who in (ALICE, BEN)}
        teams.throttle_next(60, "edit")
        await teams.press(BEN, shown, "Reject")
        await it.until(lambda: teams.calls["edit"])
        assert "Reject" in shown.buttons, "nobody has edited it"

        async def is_told() -> bool:
            return not cards.buttons(await teams.look(ALICE, shown))

        await it.until(is_told)
        assert cards.buttons(await teams.look(DANA, shown)), "it is not refreshed for others"
        assert offer.card["version"] == "1.5"
        it.nothing_twice()


async def test_words_are_answered_where_they_were_written_and_alone_with_it_without_a_mention(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        alone = teams.chat_with(teams.people[DANA].id)
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        for chat in (alone.id, teams.group_chat(GROUP_CHAT)):
            await teams.mention(DANA, chat, "status")
            answer = await it.until(partial(answered, it, chat))
            assert answer.text.startswith("Open incidents")
        it.nothing_twice()


def answered(it: StoryWorld, chat: str) -> Said | None:
    return next((one for one in it.said(chat) if it.is_answer(one)), None)


async def test_an_alert_goes_to_a_channel_from_which_nothing_was_ever_heard(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        teams.installed = True  # long ago, while the bot kept its state elsewhere
        await it.start_bot()
        await it.press(DANA, "Fix: ", "offer")
        await it.shows("Approve", "request")
        it.nothing_twice()


async def test_in_a_group_chat_which_has_no_threads_all_is_told_in_a_row(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        chat = teams.group_chat(GROUP_CHAT)
        it.settings["clusters"][0]["channels"]["teams"] = chat
        await it.start_bot()
        teams.lose_next_answer()  # of the root
        for who, label, key in ((DANA, "Fix: ", "offer"), (ALICE, "Approve", "request")):
            said = await it.until(partial(with_button, teams, label, key))
            await teams.press(who, said, label)
        await it.until(lambda: it.writes == 1)
        await it.until(lambda: with_button(teams, "Undo", "change"))
        assert teams.channel(ALERTS) == []
        keys = [one.key for one in teams.channel(chat)]
        assert len(keys) == len(set(keys))
        it.nothing_twice()


def with_button(teams: FakeTeams, label: str, key: str) -> Any:
    """The newest message in the group chat with that button."""
    mine = [one for one in teams.channel(GROUP_CHAT) if one.key.partition(":")[2].startswith(key)]
    return next((one for one in reversed(mine) if any(b.startswith(label) for b in one.buttons)), None)


async def test_without_the_right_to_read_the_channel_a_lost_answer_doubles_a_message_and_it_is_said(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        teams.graph.granted.discard(READ_CHANNEL)
        await it.start_bot()
        teams.lose_next_answer()  # of the root
        await it.until(lambda: len(it.roots) == 2, 20)
        said = await it.shows("Fix: ", "offer", it.roots[1])
        await teams.press(DANA, teams.find(ALERTS, said.ref), "Fix: ")
        await it.shows("Approve", "request", it.roots[1])
        told = [str(one["message"]) for one in it.log() if "may be posted twice" in str(one["message"])]
        assert len(told) == 1
        assert READ_CHANNEL in told[0]
        assert it.room.failures == []


async def test_where_the_app_may_not_write_it_is_said_once_and_made_up_for_when_it_may(
    moto_url: str, tmp_path: Path
) -> None:
    async with in_teams(moto_url, tmp_path) as (it, teams):
        teams.conversations[ALERTS].joined = False
        teams.installed = True
        await it.start_bot()
        refused = "teams refuses messages to"
        await it.until(lambda: any(refused in str(one["message"]) for one in it.log()), 20)
        [told] = [str(one["message"]) for one in it.log() if refused in str(one["message"])]
        assert "install the app there" in told
        teams.conversations[ALERTS].joined = True
        await it.kill()
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        it.nothing_twice()
        await teams.remove(DANA, ALERTS)
        await it.until(lambda: any("the app was removed from" in str(one["message"]) for one in it.log()))
