"""A tenant with Teams: its people, a team with channels, chats, and what bots and people write there.

Without any network; ``tests.fakes.teams`` puts it behind the Bot Connector, Graph and signed activities.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-basics
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes import cards
from tests.fakes.cards import Json, NotTaken, check_activity
from tests.fakes.entra import APP

BOT = f"28:{APP}"
BOT_NAME = "pullbot"
TEAM = "19:tEaMplatformgeneral0000000000000000@thread.tacv2"
TEAM_GROUP = "3f7c5c5e-8a76-4d0c-9a51-2c3f3a1d9b77"  # the team's group in Entra
_NAMES = uuid.UUID("6f0d0c6e-95a4-4a6e-8f3e-0d6f2a4b7c11")

Kind = Literal["channel", "groupChat", "personal"]

# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit; the longer ones are no test's
WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0))


@dataclass(frozen=True)
class Person:
    """``id`` is theirs towards this bot, ``object_id`` Entra's."""

    name: str
    object_id: str = ""
    upn: str = ""

    @property
    def id(self) -> str:
        return f"29:1{self.object_id.replace('-', '')}xZq-_{self.name}"


def person(name: str) -> Person:
    return Person(name.capitalize(), str(uuid.uuid5(_NAMES, name)), f"{name.lower()}@contoso.example")


@dataclass
class Conversation:
    """``id`` is without any thread. ``joined``: the app is there."""

    id: str
    kind: Kind
    members: list[Person] = field(default_factory=list)
    joined: bool = True
    count: int = 0
    sent: list[float] = field(default_factory=list)


@dataclass
class Said:
    """A message. ``text`` is what people see; ``replies`` are those of its thread, oldest first."""

    ref: str
    channel: str
    user: str
    text: str
    thread: str = ""
    card: Json = field(default_factory=dict)
    edits: int = 0
    only_for: str = ""
    replies: list[Said] = field(default_factory=list)

    @property
    def key(self) -> str:
        first = self.card.get("body", [{}])[0]
        return str(first.get("id", "")).removeprefix("pullbot:")

    @property
    def buttons(self) -> list[str]:
        return [str(one["title"]) for one in cards.buttons(self.card)] if self.card else []

    def show(self, activity: Json) -> None:
        self.card = activity["attachments"][0]["content"]
        self.text = cards.flattened(self.card)


class Tenant:
    """``grace``: by how much the clock of who counts messages may differ from the sender's."""

    def __init__(
        self,
        people: Iterable[str],
        channels: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        grace: float = 0.1,
    ) -> None:
        self.people = {one: person(one) for one in people}
        everybody = list(self.people.values())
        self.conversations = {one: Conversation(one, "channel", everybody) for one in channels}
        self.conversations[TEAM] = Conversation(TEAM, "channel", everybody)
        self.groups: dict[str, list[str]] = {}  # Entra's, by id: object ids
        self.refusals: list[str] = []
        self.windows = WINDOWS
        self._said: list[Said] = []
        self._clock, self._grace = clock, grace
        self._numbers = itertools.count(1)
        self.news = asyncio.Event()

    # ---- what people see

    def channel(self, channel: str) -> list[Said]:
        """Its messages, oldest first, each with its thread."""
        return [one for one in self._said if one.channel == channel and not one.thread and not one.only_for]

    def private(self, who: Person) -> list[Said]:
        """Answers to their presses, and what they were written alone."""
        chats = {
            one.id for one in self.conversations.values() if one.kind == "personal" and who in one.members
        }
        return [
            one
            for one in self._said
            if one.only_for == who.id or (one.channel in chats and one.user == BOT_NAME)
        ]

    def whisper(self, who: Person, text: str) -> None:
        """What a client shows to whoever pressed."""
        self._said.append(Said(f"w{next(self._numbers)}", "", BOT_NAME, text, only_for=who.id))
        self.news.set()

    def find(self, channel: str, ref: str) -> Said:
        for one in self._said:
            if (one.channel, one.ref) == (channel, ref) and not one.only_for:
                return one
        raise NotTaken(404, "ActivityNotFoundInConversation", f"there is no message {ref} in {channel}")

    # ---- what is written

    def say(self, who: str, channel: str, text: str, thread: str = "") -> Said:
        return self._add(self.conversations[channel], who, text, thread)

    def post(self, channel: str, thread: str, activity: Any) -> Said:
        """:raises NotTaken: with what Teams would answer"""
        there = self._there(channel)
        self._in_time(there)
        check_activity(activity)
        if thread and self.find(channel, thread).thread:
            raise NotTaken(400, "BadArgument", "a reply is no root")
        said = self._add(there, BOT_NAME, "", thread if there.kind == "channel" else "")
        said.show(activity)
        return said

    def edit(self, channel: str, thread: str, ref: str, activity: Any) -> Said:
        there = self._there(channel)
        self._in_time(there)
        check_activity(activity)
        said = self.find(channel, ref)
        if said.user != BOT_NAME:
            raise NotTaken(403, "Forbidden", "the message is another's")
        if there.kind == "channel" and thread != (said.thread or said.ref):
            raise NotTaken(404, "ActivityNotFoundInConversation", f"{ref} is not in the thread {thread}")
        said.show(activity)
        said.edits += 1
        self.news.set()
        return said

    def chat_with(self, member: str) -> Conversation:
        """The chat of a person with the bot alone, made if need be."""
        who = next((one for one in self.people.values() if member in (one.id, one.object_id)), None)
        if who is None:
            raise NotTaken(
                403, "ForbiddenOperationException", f"{member} is nobody that the bot may write to"
            )
        id = f"a:1{uuid.uuid5(_NAMES, who.id).hex}"
        return self.conversations.setdefault(id, Conversation(id, "personal", [who]))

    def group_chat(self, id: str) -> str:
        """A chat of everybody, to which the bot was added."""
        self.conversations[id] = Conversation(id, "groupChat", list(self.people.values()))
        return id

    def roster(self, channel: str) -> list[Person]:
        return self._there(channel).members

    def _add(self, there: Conversation, user: str, text: str, thread: str) -> Said:
        """Ids are times, and unique in their conversation only."""
        there.count += 1
        said = Said(str(1_790_000_000_000 + there.count), there.id, user, text, thread)
        self._said.append(said)
        if thread:
            self.find(there.id, thread).replies.append(said)
        self.news.set()
        return said

    def _there(self, channel: str) -> Conversation:
        there = self.conversations.get(channel)
        if there is None:
            raise NotTaken(404, "ConversationNotFound", "Conversation not found.")
        if not there.joined:
            raise NotTaken(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )
        return there

    def _in_time(self, there: Conversation) -> None:
        now = self._clock()
        for most, seconds in self.windows:
            if sum(1 for at in there.sent if now - at < seconds - self._grace) >= most:
                raise NotTaken(429, "Throttled", f"more than {most} in {seconds:g} s in {there.id}")
        there.sent = [*there.sent[-WINDOWS[-1][0] :], now]
