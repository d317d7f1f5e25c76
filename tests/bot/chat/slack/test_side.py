"""What people do in Slack reaches the desk once, and its answers reach the right eyes; by both doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.chat.message import Button, Buttons, Message
from bot.chat.platform import Answer, Place, Sender, Side
from bot.chat.slack.side import SlackSide
from tests.fakes.doors import Clock
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_desk import Desk, connected, private, until
from tests.fakes.slack_workspace import BOT_USER

ALERTS = Place("C0ALERTS")
QUESTION = Message(
    "request", "Ana asks", (Buttons((Button("Approve", "approve 1a2b3c4d"), Button("Reject", "no"))),)
)


@pytest.fixture(params=["socket", "http"])
async def side(request: pytest.FixtureRequest, slack: FakeSlack, desk: Desk) -> AsyncIterator[SlackSide]:
    async with connected(slack, desk, request.param) as side:
        yield side


def test_slack_is_a_side_as_the_application_knows_it(slack: FakeSlack) -> None:
    side: Side = SlackSide(slack.settings(), slack.secrets())
    assert side.chat.name == "slack"
    assert side.why_not_ready() == "Slack: not started"


async def test_a_mention_reaches_the_desk_and_its_answer_the_thread(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    ts = await slack.mention("U0BEN", "C0ALERTS", "why deploy/web -n shop")
    await slack.until(lambda: slack.channel("C0ALERTS")[0].replies)
    [mention] = desk.mentions
    assert mention.sender == Sender("slack", "U0BEN", "Ben Ω")
    assert (mention.channel, mention.thread, mention.ref) == ("C0ALERTS", "", ts)
    assert mention.text == "why deploy/web -n shop"
    assert mention.event.startswith("slack:Ev")
    [reply] = slack.channel("C0ALERTS")[0].replies
    assert (reply.text, reply.thread, reply.user) == ("hello", ts, BOT_USER)


async def test_a_press_reaches_the_desk_with_the_buttons_value(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    root = await side.chat.post(ALERTS, QUESTION, "i:root")
    desk.answer = private("you may not")
    await slack.press("U0ALICE", "C0ALERTS", root, "Approve")
    [told] = await slack.until(lambda: slack.ephemeral("U0ALICE"))
    assert told.text == "you may not"
    assert slack.ephemeral("U0BEN") == []
    [(sender, value, event)] = desk.clicks
    assert (sender.id, value) == ("slack:U0ALICE", "approve 1a2b3c4d")
    assert event.startswith("slack:U0ALICE:")


async def test_an_answer_in_a_thread_stays_in_the_thread(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    root = await side.chat.post(ALERTS, QUESTION, "i:root")
    await slack.mention("U0ALICE", "C0ALERTS", "why", thread=root)
    await slack.until(lambda: len(slack.channel("C0ALERTS")[0].replies) == 2)
    assert desk.mentions[0].thread == root
    assert [one.text for one in slack.channel("C0ALERTS")] == ["[Approve] [Reject]"]


async def test_a_private_answer_to_a_mention_is_for_its_writer(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    desk.answer = private("I don't know <b>")
    await slack.mention("U0ALICE", "C0ALERTS", "wyh")
    [told] = await slack.until(lambda: slack.ephemeral("U0ALICE"))
    assert (told.text, told.thread) == ("I don't know <b>", "")
    assert slack.channel("C0ALERTS")[0].replies == []


async def test_a_public_answer_to_a_press_goes_into_the_messages_thread(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    root = await side.chat.post(ALERTS, QUESTION, "i:root")
    await slack.press("U0ALICE", "C0ALERTS", root, "Reject")
    await slack.until(lambda: slack.channel("C0ALERTS")[0].replies)
    assert slack.channel("C0ALERTS")[0].replies[0].text == "hello"


async def test_no_answer_is_no_message(slack: FakeSlack, desk: Desk, side: SlackSide) -> None:
    desk.answer = Answer(None)
    await slack.mention("U0ALICE", "C0ALERTS", "why")
    await until(lambda: desk.answered)
    await side.stop()
    assert slack.channel("C0ALERTS")[0].replies == []


async def test_a_direct_message_needs_no_mention(slack: FakeSlack, desk: Desk, side: SlackSide) -> None:
    await slack.mention("U0ALICE", "D0ALICE", "status &amp; co")
    await slack.until(lambda: slack.channel("D0ALICE")[0].replies)
    assert [one.text for one in desk.mentions] == ["status & co"]


async def test_what_bots_say_and_what_is_edited_or_not_for_us_is_left_alone(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    await slack.mention("U0OTHER", "C0ALERTS", "why", bot_id="B0OTHER")
    await slack.mention(BOT_USER, "C0ALERTS", "why")
    await slack.mention("U0ALICE", "C0ALERTS", "why", edited={"user": "U0ALICE", "ts": "1"})
    await slack.mention("U0ALICE", "D0ALICE", "why", subtype="message_changed")
    message = {"type": "message", "channel": "C0ALERTS", "user": "U0ALICE", "ts": "1.1", "text": "lunch?"}
    await slack.send_event({**message, "channel_type": "channel", "event_ts": "1.1"})
    await slack.send_event({"type": "reaction_added", "user": "U0ALICE", "event_ts": "1.2"})
    await slack.mention("U0ALICE", "C0ALERTS", "this one")
    await until(lambda: desk.mentions)
    assert [one.text for one in desk.mentions] == ["this one"]


async def test_slack_is_answered_at_once_though_the_desk_takes_its_time(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    desk.open.clear()
    root = await side.chat.post(ALERTS, QUESTION, "i:root")
    async with asyncio.timeout(2):  # or Slack would say that pullbot did not respond
        await slack.mention("U0ALICE", "C0ALERTS", "why")
        await slack.press("U0ALICE", "C0ALERTS", root, "Approve")
    await until(lambda: desk.mentions and desk.clicks)
    assert desk.answered == 0


async def test_the_same_delivery_twice_has_the_same_event_and_another_press_does_not(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    root = await side.chat.post(ALERTS, QUESTION, "i:root")
    await slack.mention("U0ALICE", "C0ALERTS", "why")
    await slack.redeliver_last()
    await slack.press("U0ALICE", "C0ALERTS", root, "Approve")
    await slack.redeliver_last()
    await slack.press("U0ALICE", "C0ALERTS", root, "Approve")
    await until(lambda: desk.answered == 5)
    assert len({one.event for one in desk.mentions}) == 1
    assert len({event for _, _, event in desk.clicks}) == 2


async def test_what_was_taken_is_finished_before_the_end(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    desk.open.clear()
    ts = await slack.mention("U0ALICE", "C0ALERTS", "why")
    await until(lambda: desk.mentions)
    stopping = asyncio.create_task(side.stop())
    await asyncio.sleep(0)
    desk.open.set()
    await stopping
    assert [one.thread for one in slack.channel("C0ALERTS")[0].replies] == [ts]
    assert side.why_not_ready() != ""


async def test_an_answer_that_slack_asks_to_wait_with_does_not_hold_up_the_end(
    slack: FakeSlack, desk: Desk, side: SlackSide, caplog: pytest.LogCaptureFixture
) -> None:
    slack.rate_limit_next(300)
    await slack.mention("U0ALICE", "C0ALERTS", "why")
    await until(lambda: desk.answered)
    async with asyncio.timeout(10):
        await side.stop()
    assert "given up, for we are told to end: what U0ALICE said" in caplog.text


async def test_an_answer_whose_delivery_failed_comes_later_and_once(slack: FakeSlack, desk: Desk) -> None:
    clock = Clock()
    async with connected(slack, desk, "socket", clock):
        slack.lose_next_answer()
        await slack.mention("U0ALICE", "C0ALERTS", "why")
        await until(lambda: slack.calls.count("conversations.replies") == 1)
        slack.fail_next(503)
        slack.rate_limit_next(3)
        await slack.mention("U0ALICE", "C0ALERTS", "status")
        await slack.until(lambda: slack.channel("C0ALERTS")[1].replies)
    assert [[one.text for one in root.replies] for root in slack.channel("C0ALERTS")] == [
        ["hello"],
        ["hello"],
    ]


async def test_a_person_without_a_name_is_called_by_their_id(
    slack: FakeSlack, desk: Desk, side: SlackSide
) -> None:
    slack.fail_next(503, "users.info")
    await slack.mention("U0ALICE", "C0ALERTS", "why")
    await until(lambda: desk.mentions)
    assert desk.mentions[0].sender.name == "U0ALICE"


async def test_in_a_storm_the_thread_in_which_somebody_does_something_goes_first(
    slack: FakeSlack, desk: Desk
) -> None:
    """Time stands still, so who has to wait waits for ever."""

    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    async with connected(slack, desk, "http", every=1.0, pause=forever) as side:
        root = await side.chat.post(ALERTS, QUESTION, "1a2b3c4d:root")
        storm = [
            asyncio.create_task(side.chat.edit(ALERTS, root, QUESTION, f"{number:08x}:root"))
            for number in range(20)
        ]
        await until(lambda: slack.calls.count("chat.update") == 10)
        mine = asyncio.create_task(side.chat.edit(ALERTS, root, QUESTION, "1a2b3c4d:root"))
        desk.answer = Answer(None)
        await slack.press("U0BEN", "C0ALERTS", root, "Approve")
        async with asyncio.timeout(5):
            await mine
        assert slack.calls.count("chat.update") == 11
        for one in storm:
            one.cancel()
        await asyncio.gather(*storm, return_exceptions=True)
