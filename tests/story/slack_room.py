"""Slack as the story's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.slack import FakeSlack, serve_slack
from tests.fakes.slack_rules import buttons
from tests.fakes.slack_workspace import Said
from tests.story import room
from tests.story.room import PEOPLE, Call

ALERTS = "C0ALERTS"
ON_CALL = "@oncall"
# Seconds between two messages in a channel, below which Slack refuses; some grace for a busy machine.
_EVERY = 0.9
_METHODS: dict[Call, str] = {
    "post": "chat.postMessage",
    "edit": "chat.update",
    "find root": "conversations.history",
    "find reply": "conversations.replies",
}


class SlackRoom:
    """The ``Room`` of ``tests.story.room``."""

    name = "slack"
    alerts = ALERTS
    on_call = ON_CALL

    def __init__(self, slack: FakeSlack, others: Sequence[str]) -> None:
        self.slack = slack
        self.others = others
        self._at = ""

    @property
    def failures(self) -> Sequence[str]:
        return self.slack.failures

    @property
    def refusals(self) -> Sequence[str]:
        return self.slack.refusals

    def id(self, who: str) -> str:
        return user(who)

    def settings(self) -> dict[str, Any]:
        return {}

    def environment(self) -> dict[str, str]:
        return self.slack.environment()

    async def bot_is_at(self, url: str) -> None:
        self._at = url
        if self.slack.events_url and url:
            self.slack.events_url = f"{url}/slack/events"

    @property
    def connected(self) -> bool:
        return bool(self._at if self.slack.events_url else self.slack.connections)

    # ---- what people see and do

    def channel(self, channel: str) -> Sequence[Said]:
        return self.slack.channel(channel)

    def private(self, who: str) -> Sequence[Said]:
        return self.slack.ephemeral(user(who))

    async def mention(self, who: str, channel: str, text: str, thread: str = "") -> str:
        return await self.slack.mention(user(who), channel, text, thread)

    async def press(self, who: str, said: room.Said, label: str) -> None:
        await self.slack.press(user(who), said.channel, said.ref, label)

    async def press_forged(self, who: str, said: room.Said, value: str) -> None:
        mine = self._of(said)
        text = {"type": "plain_text", "text": "Forged"}
        button = {"type": "button", "action_id": "forged", "text": text, "value": value}
        kept, mine.blocks = mine.blocks, [forged := {"type": "actions", "elements": [button]}]
        await self.slack.press(user(who), said.channel, said.ref, "Forged")
        if mine.blocks == [forged]:  # not edited meanwhile
            mine.blocks = kept

    def value_of(self, said: room.Said, label: str) -> str:
        found = buttons(self._of(said).blocks)
        return next(str(one["value"]) for one in found if one["text"]["text"].startswith(label))

    def _of(self, said: room.Said) -> Said:
        known = (one for root in self.slack.channel(said.channel) for one in (root, *root.replies))
        return next(one for one in known if one.ref == said.ref)

    async def redeliver_last(self) -> None:
        await self.slack.redeliver_last()

    # ---- bad days

    def count(self, call: Call) -> int:
        return self.slack.calls.count(_METHODS[call])

    def lose_next_answer(self, call: Call = "post") -> None:
        self.slack.lose_next_answer(_METHODS[call])

    def fail_next(self, status: int = 503, call: Call = "post") -> None:
        self.slack.fail_next(status, _METHODS[call])

    def garble_next(self, call: Call = "post") -> None:
        self.slack.fail_next(method=_METHODS[call], error="internal_error")

    def rate_limit_next(self, seconds: int = 1, call: Call = "post") -> None:
        self.slack.rate_limit_next(seconds, _METHODS[call])

    async def drop_connections(self) -> None:
        await self.slack.drop_sockets()


def user(who: str) -> str:
    return f"U0{who.upper()}"


@asynccontextmanager
async def slack_room(
    on_call: Sequence[str], others: int = 0, *, http: bool = False
) -> AsyncIterator[SlackRoom]:
    """:param http: events come as requests, not over a socket"""
    rooms = [f"C0ROOM{number}" for number in range(others)]
    groups = {ON_CALL: [user(who) for who in on_call]}
    users = [user(who) for who in PEOPLE]
    async with serve_slack(users, groups, (ALERTS, *rooms), every=_EVERY) as slack:
        if http:
            slack.events_url = "http://127.0.0.1:9/"
        yield SlackRoom(slack, rooms)
