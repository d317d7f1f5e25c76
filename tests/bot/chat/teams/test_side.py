"""What people do in Teams arrives at the desk, and what the desk says arrives with who it is for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.chat.message import Button, Buttons, Heading, Message, Paragraph
from bot.chat.platform import Answer, CannotEdit, ChatDown, ChatRefused, Place
from bot.chat.teams.side import TeamsSide
from bot.people import Approvers
from tests.fakes.doors import Clock
from tests.fakes.entra import APP
from tests.fakes.slack_desk import Desk, private, public, until
from tests.fakes.teams import FakeTeams, serve_teams
from tests.fakes.teams_desk import Shelf, connected
from tests.fakes.teams_tenant import TEAM_GROUP, person

ALERTS = "19:alerts@thread.tacv2"
KEY = "1a2b3c4d:offer"


def message(text: str, *labels: str) -> Message:
    buttons = (Buttons(tuple(Button(one, f"{one.lower()} 1a2b3c4d") for one in labels)),) if labels else ()
    return Message("offer", text, (Heading(text), Paragraph((text,)), *buttons))


@pytest.fixture
async def teams() -> AsyncIterator[FakeTeams]:
    async with serve_teams() as teams:
        yield teams
        assert teams.refusals == []
        assert teams.failures == []


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.open.set()
    return desk


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def side(teams: FakeTeams, desk: Desk, shelf: Shelf) -> AsyncIterator[TeamsSide]:
    approvers = Approvers([person("alice").object_id])
    async with connected(teams, desk, shelf=shelf, approvers=approvers) as side:
        yield side


async def test_words_arrive_without_the_mention_and_are_answered_in_their_thread(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    ref = await teams.mention("alice", ALERTS, "why deploy/web -n shop")
    await until(lambda: teams.find(ALERTS, ref).replies)
    [mention] = desk.mentions
    assert (mention.text, mention.channel, mention.thread, mention.ref) == (
        "why deploy/web -n shop",
        ALERTS,
        "",
        ref,
    )
    assert mention.sender.id == f"teams:{person('alice').object_id}"
    assert not mention.direct
    [reply] = teams.find(ALERTS, ref).replies
    assert "hello" in reply.text


async def test_a_reply_is_answered_in_the_thread_that_it_is_in(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down"), "1a2b3c4d:root")
    await teams.mention("alice", ALERTS, "why", root)
    await until(lambda: len(teams.find(ALERTS, root).replies) == 2)
    assert desk.mentions[0].thread == root


async def test_what_is_said_to_us_alone_is_answered_there(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    chat = teams.chat_with(person("ben").id)
    await teams.mention("ben", chat.id, "status")
    await until(lambda: teams.private(person("ben")))
    assert (desk.mentions[0].text, desk.mentions[0].direct) == ("status", True)


async def test_the_same_delivered_again_has_the_same_name(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    await teams.mention("alice", ALERTS, "why")
    await teams.redeliver_last()
    await until(lambda: len(desk.mentions) == 2)
    assert desk.mentions[0].event == desk.mentions[1].event


async def test_a_press_is_answered_with_the_card_as_it_is_now(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Fix"), KEY)
    desk.answer = Answer(None)
    desk.messages[KEY] = message("waiting")
    said = teams.find(ALERTS, root)
    await teams.press("ben", said, "Fix")
    [(sender, value, _)] = desk.clicks
    assert (sender.user, sender.name, value) == (person("ben").object_id, "Ben", "fix 1a2b3c4d")
    assert desk.looks == [("teams", ALERTS, KEY)]
    assert "waiting" in str(teams.view("ben", said))
    assert "waiting" not in str(teams.view("alice", said))


@pytest.mark.parametrize("old", [False, True])
async def test_a_refusal_is_to_the_pressers_eyes_only(
    teams: FakeTeams, desk: Desk, side: TeamsSide, old: bool
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
    desk.answer = private("Ben is not an approver")
    teams.old = {"ben"} if old else set()
    await teams.press("ben", teams.find(ALERTS, root), "Approve")
    await until(lambda: teams.private(person("ben")))
    assert "Ben is not an approver" in teams.private(person("ben"))[0].text
    assert teams.find(ALERTS, root).replies == []
    assert teams.private(person("alice")) == []


async def test_a_press_that_takes_long_is_answered_afterwards(teams: FakeTeams, desk: Desk) -> None:
    async with connected(teams, desk, patience=0.1) as side:
        desk.open.clear()
        root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
        desk.answer = private("a second person must approve")
        await teams.press("ben", teams.find(ALERTS, root), "Approve")
        [told] = teams.private(person("ben"))
        assert "I am at it" in told.text
        desk.open.set()
        await until(lambda: len(teams.private(person("ben"))) == 2)
        assert "a second person must approve" in teams.private(person("ben"))[1].text


async def test_a_card_is_shown_anew_to_those_who_may_approve_when_they_look(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
    said = teams.find(ALERTS, root)
    assert said.card["refresh"]["userIds"] == [person("alice").id]
    desk.messages[KEY] = message("no longer waiting")
    assert "no longer waiting" in str(await teams.look("alice", said))
    assert "no longer waiting" not in str(await teams.look("ben", said))
    assert desk.clicks == []


async def test_a_card_that_is_not_on_record_is_said_to_be_so(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
    await teams.look("alice", teams.find(ALERTS, root))
    assert "not on record any more" in teams.private(person("alice"))[0].text


async def test_a_press_that_was_taken_is_not_denied_where_the_card_cannot_be_shown(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
    desk.answer = Answer(None)
    await teams.press("alice", teams.find(ALERTS, root), "Approve")
    assert len(desk.clicks) == 1
    [told] = teams.private(person("alice"))
    assert "Taken" in told.text
    assert "not on record" not in told.text


async def test_a_root_a_reply_and_an_edit_are_found_again_by_their_keys(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    await teams.install("alice", ALERTS)
    root = await side.chat.post(Place(ALERTS), message("down"), "1a2b3c4d:root")
    thread = Place(ALERTS, root)
    reply = await side.chat.post(thread, message("why"), "1a2b3c4d:diagnosis")
    await side.chat.edit(Place(ALERTS), root, message("up"), "1a2b3c4d:root")
    await side.chat.edit(thread, reply, message("because"), "1a2b3c4d:diagnosis")
    [said] = teams.channel(ALERTS)
    assert ("up" in said.text, "because" in said.replies[0].text) == (True, True)
    assert await side.chat.find(Place(ALERTS), "1a2b3c4d:root") == root
    assert await side.chat.find(thread, "1a2b3c4d:diagnosis") == reply
    assert await side.chat.find(Place(ALERTS), "1a2b3c4d:diagnosis") is None


async def test_in_a_storm_the_thread_in_which_somebody_does_something_goes_first(
    teams: FakeTeams, desk: Desk
) -> None:
    """Time stands still, so who has to wait waits for ever."""

    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    async with connected(teams, desk, pause=forever) as side:
        root = await side.chat.post(Place(ALERTS), message("down"), "1a2b3c4d:root")
        reply = await side.chat.post(Place(ALERTS, root), message("down", "Fix"), "1a2b3c4d:offer:1")
        storm = [
            asyncio.create_task(side.chat.post(Place(ALERTS), message("down"), f"{number:08x}:root"))
            for number in range(20)
        ]
        await until(lambda: len(teams.channel(ALERTS)) == 5)
        offer = asyncio.create_task(
            side.chat.edit(Place(ALERTS, root), reply, message("asked"), "1a2b3c4d:offer:1")
        )
        await teams.press("ben", teams.find(ALERTS, reply), "Fix")
        async with asyncio.timeout(5):
            await offer
        assert len(teams.channel(ALERTS)) == 5
        for one in storm:
            one.cancel()
        await asyncio.gather(*storm, return_exceptions=True)


async def test_in_a_storm_what_somebody_waits_for_goes_first(teams: FakeTeams, desk: Desk) -> None:
    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    async with connected(teams, desk, pause=forever) as side:
        storm = [
            asyncio.create_task(side.chat.post(Place(ALERTS), message("down"), f"{number:08x}:root"))
            for number in range(20)
        ]
        await until(lambda: len(teams.channel(ALERTS)) == 6)
        async with asyncio.timeout(5):
            await side.chat.post(Place(ALERTS, awaited=True), message("asked"), "1a2b3c4d:root")
        for one in storm:
            one.cancel()
        await asyncio.gather(*storm, return_exceptions=True)


async def test_where_a_channel_is_reached_outlives_us(teams: FakeTeams, desk: Desk, shelf: Shelf) -> None:
    async with connected(teams, desk, shelf=shelf):
        await teams.install("alice", ALERTS)
        await until(lambda: ("teams", ALERTS) in shelf.kept)
    assert TEAM_GROUP in shelf.kept["teams", ALERTS]
    async with connected(teams, desk, shelf=shelf) as again:
        root = await again.chat.post(Place(ALERTS), message("down"), "k:root")
        assert await again.chat.find(Place(ALERTS), "k:root") == root


async def test_a_channel_that_the_app_was_removed_from_is_refused_with_what_to_do(
    teams: FakeTeams, desk: Desk, side: TeamsSide, caplog: pytest.LogCaptureFixture
) -> None:
    await teams.install("alice", ALERTS)
    caplog.set_level(logging.INFO)
    await teams.remove("alice", ALERTS)
    assert "the app was removed" in caplog.text
    with pytest.raises(ChatRefused, match="install the app there"):
        await side.chat.post(Place(ALERTS), message("down"), "k:root")
    teams.refusals.clear()


async def test_a_message_that_somebody_deleted_concerns_that_message_alone(
    teams: FakeTeams, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down"), "1a2b3c4d:root")
    with pytest.raises(CannotEdit, match="somebody deleted the message"):
        await side.chat.edit(Place(ALERTS, root), "1790000000999", message("up"), KEY)
    teams.conversations[ALERTS].joined = False
    with pytest.raises(ChatRefused, match="install the app") as refused:
        await side.chat.edit(Place(ALERTS), root, message("up"), "1a2b3c4d:root")
    assert not isinstance(refused.value, CannotEdit)
    teams.refusals.clear()


async def test_somebody_who_cannot_be_written_to_is_told_in_the_thread(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down", "Approve"), KEY)
    desk.answer = private("Ben is not an approver")
    teams.old = {"ben"}
    teams.refuse_next(403, "ForbiddenOperationException")
    await teams.press("ben", teams.find(ALERTS, root), "Approve")
    await until(lambda: teams.find(ALERTS, root).replies)
    assert "Ben: Ben is not an approver" in teams.find(ALERTS, root).replies[0].text


async def test_an_answer_that_was_lost_is_not_said_twice(teams: FakeTeams, desk: Desk) -> None:
    async with connected(teams, desk, clock=Clock()):
        await teams.install("alice", ALERTS)
        desk.answer = public("hello")
        teams.lose_next_answer("post")
        ref = await teams.mention("alice", ALERTS, "why")
        await until(lambda: teams.calls["find reply"])
    assert len(teams.find(ALERTS, ref).replies) == 1


async def test_it_is_not_ready_while_microsoft_does_not_know_us(teams: FakeTeams, desk: Desk) -> None:
    secret, teams.entra.apps[APP] = teams.entra.apps[APP], "another"
    clock = Clock()
    async with connected(teams, desk, ready=False, secret=secret, clock=clock) as side:
        await until(lambda: "secret" in side.why_not_ready())
        assert secret not in side.why_not_ready()
        teams.entra.apps[APP] = secret
        await until(lambda: not side.why_not_ready())
    assert side.why_not_ready() == "Teams: stopped"


async def test_before_anything_was_heard_nothing_is_sent_anywhere(teams: FakeTeams, desk: Desk) -> None:
    async with connected(teams, desk, service_url="") as side:
        with pytest.raises(ChatDown, match="nothing was heard from Teams yet"):
            await side.chat.post(Place(ALERTS), message("down"), "k:root")
        await teams.mention("alice", ALERTS, "help")
        await until(lambda: desk.mentions)
        assert await side.chat.post(Place(ALERTS), message("down"), "k:root")


async def test_what_teams_counts_as_too_large_is_sent_shorter(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    long = Message("root", "down", (Paragraph(("x" * 15_000,)), Buttons((Button("Fix", "fix 1a2b3c4d"),))))
    teams.refuse_next(413, "MessageSizeTooBig")
    root = await side.chat.post(Place(ALERTS), long, "k:root")
    said = teams.find(ALERTS, root)
    assert said.text.count("x") in range(5_000, 10_000)
    assert said.buttons == ["Fix"]
    teams.refuse_next(413, "MessageSizeTooBig", "edit")
    await side.chat.edit(Place(ALERTS), root, long, "k:root")
    assert said.edits == 1
    for _ in range(3):
        teams.refuse_next(413, "MessageSizeTooBig", "edit")
    with pytest.raises(ChatRefused, match="larger than Teams takes"):
        await side.chat.edit(Place(ALERTS), root, long, "k:root")


async def test_when_nothing_is_taken_any_more_what_was_taken_is_still_shown(
    teams: FakeTeams, desk: Desk, side: TeamsSide
) -> None:
    root = await side.chat.post(Place(ALERTS), message("down"), "k:root")
    await side.stop()
    await side.chat.edit(Place(ALERTS), root, message("up"), "k:root")
    assert "up" in teams.find(ALERTS, root).text
    await side.close()
    with pytest.raises(ChatDown, match="about to end"):
        await side.chat.edit(Place(ALERTS), root, message("down"), "k:root")
