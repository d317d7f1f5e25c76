"""What people do in Slack reaches the desk once, and its answers reach the right eyes; over both doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.chat.message import Button, Buttons, Message, Paragraph
from bot.chat.platform import Answer, Mention, Place, Sender
from bot.chat.slack.side import SlackSide
from bot.web import Listener
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
        while not true():
            await asyncio.sleep(0.001)  # noqa: ASYNC110  what is waited for rings no bell


@asynccontextmanager
async def connected(slack: FakeSlack, desk: Desk, mode: str) -> AsyncIterator[SlackSide]:
    """A side, ready, with the service's web server where it needs one."""
    listener: Listener | None = None
    if mode == "http":
        slack.events_url = "http://127.0.0.1/slack/events"  # so that the settings say so
    side = SlackSide(slack.settings(), slack.secrets(), every=0.0)
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
