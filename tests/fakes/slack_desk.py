"""A desk that notes what it is told, and a ``SlackSide`` that brings it there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.chat.message import Message, Paragraph
from bot.chat.platform import Answer, Mention, Sender
from bot.chat.slack.side import SlackSide
from bot.web import Listener
from tests.fakes.doors import Clock
from tests.fakes.slack import FakeSlack


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
    looks: list[tuple[str, str, str]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0

    async def mention(self, mention: Mention) -> Answer:
        self.mentions.append(mention)
        return await self._answer()

    async def click(self, sender: Sender, value: str, event: str) -> Answer:
        self.clicks.append((sender, value, event))
        return await self._answer()

    async def shown(self, chat: str, channel: str, key: str) -> Answer:
        self.looks.append((chat, channel, key))
        found = self.messages.get(key)
        return Answer(found) if found else private("this is not on record any more")

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
    slack: FakeSlack, desk: Desk, mode: str, clock: Clock | None = None, **paced: Any
) -> AsyncIterator[SlackSide]:
    """A side, ready, with the service's web server where it needs one.

    :param paced: how; in no time, unless it is said
    """
    listener: Listener | None = None
    if mode == "http":
        slack.events_url = "http://127.0.0.1/slack/events"  # so that the settings say so
    if clock:
        paced |= {"clock": clock.seconds, "pause": clock.pause}
    side = SlackSide(slack.settings(), slack.secrets(), **{"every": 0.0, **paced})
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
        await side.close()
        if listener is not None:
            await listener.stop()
