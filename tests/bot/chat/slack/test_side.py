"""What people do in Slack reaches the desk once, and its answers reach the right eyes; over both doors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.chat.message import Button, Buttons, Message, Paragraph
from bot.chat.platform import Answer, Mention, Place, Sender
from bot.chat.slack.api import Api, client
from bot.chat.slack.side import SlackSide
from bot.chat.slack.socket import Socket
from bot.web import Listener
from checks.secret import Secret
from tests.fakes.doors import Clock
from tests.fakes.slack import BOT_USER, FakeSlack, User, serve_slack

ALERTS = Place("C0ALERTS")
QUESTION = Message(
    "request", "Ana asks", (Buttons((Button("Approve", "approve 1a2b3c4d"), Button("Reject", "no"))),)
)


def public(text: str) -> Answer:
    return Answer(Message("answer", text, (Paragraph((text,)),)))


def private(text: str) -> Answer:
    return Answer(Message("answer", text, (Paragraph((text,)),)), private=True)


@dataclass
class Desk:
    """Notes what it is told; ``open`` lets it answer."""

    answer: Answer = field(default_factory=lambda: public("hello"))
    mentions: list[Mention] = field(default_factory=list)
    clicks: list[tuple[Sender, str, str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0

    async def mention(self, mention: Mention) -> Answer:
        self.mentions.append(mention)
        return await self._answer()

    async def click(self, sender: Sender, value: str, event: str) -> Answer:
        self.clicks.append((sender, value, event))
        return await self._answer()

    async def _answer(self) -> Answer:
        await self.open.wait()
        self.answered += 1
        return self.answer


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  what is waited for rings no bell
            await asyncio.sleep(0.001)


@asynccontextmanager
async def connected(
    slack: FakeSlack, desk: Desk, mode: str, clock: Clock | None = None
) -> AsyncIterator[SlackSide]:
    """A side, ready, with the service's web server where it needs one."""
    listener: Listener | None = None
    if mode == "http":
        slack.events_url = "http://127.0.0.1/slack/events"  # so that the settings say so
    paced: dict[str, Any] = {"clock": clock.seconds, "pause": clock.pause} if clock else {}
    side = SlackSide(slack.settings(), slack.secrets(), every=0.0, **paced)
    app = web.Application()
    app.add_routes(list(side.routes(desk)))
    if mode == "http":
        listener = Listener(app, "127.0.0.1", 0)
        [(host, port)] = await listener.start()
        slack.events_url = f"http://{host}:{port}/slack/events"
    await side.start(desk)
    try:
        await until(lambda: not side.why_not_ready())
        yield side
    finally:
        desk.open.set()
        await side.stop()
        if listener is not None:
            await listener.stop()


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with serve_slack(users=["U0ALICE", User("U0BEN", "Ben Ω")]) as slack:
        yield slack
        assert slack.failures == []
        assert slack.refusals == []


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.open.set()
    return desk


@pytest.fixture(params=["socket", "http"])
async def side(request: pytest.FixtureRequest, slack: FakeSlack, desk: Desk) -> AsyncIterator[SlackSide]:
    async with connected(slack, desk, request.param) as side:
        yield side


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


# ---- the socket


async def test_a_broken_connection_is_made_again(slack: FakeSlack, desk: Desk) -> None:
    async with connected(slack, desk, "socket"):
        for number, breaking in enumerate((slack.drop_sockets, slack.refresh_sockets, slack.drop_sockets), 2):
            await breaking()
            await slack.until(lambda wanted=number: slack.hellos == wanted)
        await slack.mention("U0ALICE", "C0ALERTS", "why")
        await until(lambda: desk.mentions)


async def test_a_connection_that_the_library_cannot_mend_is_replaced(slack: FakeSlack, desk: Desk) -> None:
    api = Api(client(slack.url, Secret(slack.bot_token)))
    app = AsyncApp(client=api.web, request_verification_enabled=False)
    socket = Socket(api, app, Secret(slack.app_token), Clock().pause, patience=0.3)
    socket.start()
    await slack.until(lambda: slack.hellos == 1)
    slack.refuse_next_socket()  # the library tries this address for ever
    await slack.drop_sockets()
    await until(lambda: socket.why_not == "Slack's socket is down")
    await slack.until(lambda: slack.hellos == 2)
    await until(lambda: socket.why_not == "")
    await socket.stop()


async def test_a_cut_cable_is_noticed(slack: FakeSlack, desk: Desk) -> None:
    api = Api(client(slack.url, Secret(slack.bot_token)))
    app = AsyncApp(client=api.web, request_verification_enabled=False)
    socket = Socket(api, app, Secret(slack.app_token), Clock().pause, patience=0.3)
    socket.start()
    await slack.until(lambda: slack.hellos == 1)
    await slack.drop_sockets(abruptly=True)
    await slack.until(lambda: slack.hellos == 2)
    await socket.stop()


async def test_slack_being_down_holds_up_nothing_and_is_told(slack: FakeSlack, desk: Desk) -> None:
    for _ in range(3):
        slack.fail_next(503, "auth.test")
        slack.fail_next(503, "apps.connections.open")
    gate = asyncio.Event()

    async def pause(_: float) -> None:
        await gate.wait()

    side = SlackSide(slack.settings(), slack.secrets(), pause=pause)
    assert side.why_not_ready() == "Slack: not started"
    await side.start(desk)
    await until(lambda: "503" in side.why_not_ready())
    assert side.why_not_ready() == "Slack: Slack answered auth.test with status 503"
    gate.set()
    await until(lambda: not side.why_not_ready())
    await side.stop()


async def test_a_wrong_app_token_is_told(slack: FakeSlack, desk: Desk) -> None:
    slack.app_token = "xapp-test-other"
    side = SlackSide(slack.settings(), replace(slack.secrets(), slack_app_token=Secret("xapp-test-wrong")))
    await side.start(desk)
    await until(lambda: "apps.connections.open" in side.why_not_ready())
    assert "SLACK_APP_TOKEN" in side.why_not_ready()
    assert "xapp-test-wrong" not in side.why_not_ready()
    await side.stop()
    slack.refusals.clear()


async def test_nothing_is_left_behind_when_it_is_stopped_before_it_was_connected(
    slack: FakeSlack, desk: Desk
) -> None:
    side = SlackSide(slack.settings(), slack.secrets())
    await side.start(desk)
    await side.stop()
    assert slack.connections == 0


# ---- signed requests


@pytest.fixture
async def by_http(slack: FakeSlack, desk: Desk) -> AsyncIterator[SlackSide]:
    async with connected(slack, desk, "http") as side:
        yield side


async def sent(slack: FakeSlack, body: str, headers: dict[str, str]) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.events_url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


EVENT = (
    '{"type":"event_callback","team_id":"T0HOME","event_id":"Ev1","event":{"type":"app_mention",'
    '"user":"U0ALICE","text":"<@U0PULLBOT> why","ts":"1.1","channel":"C0ALERTS","event_ts":"1.1"}}'
)


async def test_slacks_question_about_the_address_is_answered(slack: FakeSlack, by_http: SlackSide) -> None:
    body = '{"type":"url_verification","challenge":"3eZbrw1a","token":"x"}'
    status, text = await sent(slack, body, slack.signed(body))
    assert status == 200
    assert "3eZbrw1a" in text


@pytest.mark.parametrize(
    "forge",
    [
        lambda slack: {},
        lambda slack: slack.signed(EVENT + " "),
        lambda slack: slack.signed(EVENT, at=time.time() - 301),
        lambda slack: slack.signed(EVENT, at=time.time() + 301),
        lambda slack: {**slack.signed(EVENT), "X-Slack-Request-Timestamp": "soon"},
        lambda slack: {**slack.signed(EVENT), "X-Slack-Signature": "v0=ünsigned"},
    ],
    ids=["unsigned", "of another body", "recorded", "from the future", "no time", "no hash"],
)
async def test_what_slack_did_not_sign_just_now_is_refused_with_one_line(
    slack: FakeSlack,
    desk: Desk,
    by_http: SlackSide,
    caplog: pytest.LogCaptureFixture,
    forge: Callable[[FakeSlack], dict[str, str]],
) -> None:
    with caplog.at_level(logging.INFO):
        status, _ = await sent(slack, EVENT, forge(slack))
    assert status == 401
    assert [one.message for one in caplog.records] == [
        "a request to /slack/events was not signed by Slack (from 127.0.0.1)"
    ]
    assert desk.mentions == []


async def test_a_body_that_is_no_text_is_refused(slack: FakeSlack, by_http: SlackSide) -> None:
    async with aiohttp.ClientSession() as session:
        headers = slack.signed("x")
        async with session.post(slack.events_url, data=b"\xff\xfe", headers=headers) as answer:
            assert answer.status == 401


async def test_an_oversized_body_is_not_even_read(slack: FakeSlack, by_http: SlackSide) -> None:
    body = " " * 600_000
    assert (await sent(slack, body, slack.signed(body)))[0] == 413


async def test_after_the_end_slack_is_told_to_come_back(
    slack: FakeSlack, desk: Desk, by_http: SlackSide
) -> None:
    await by_http.stop()
    assert (await sent(slack, EVENT, slack.signed(EVENT)))[0] == 503
    assert desk.mentions == []


async def test_without_a_signing_secret_nobody_is_believed(slack: FakeSlack, desk: Desk) -> None:
    slack.signing_secret = ""
    async with connected(slack, desk, "http"):
        assert (await sent(slack, EVENT, slack.signed(EVENT)))[0] == 401
