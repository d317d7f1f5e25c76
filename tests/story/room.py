"""What the story needs of a chat, whichever it is: people who read, write and press, and bad days.

``tests.story.slack_room`` and ``tests.story.teams_room`` have it. People go by their names here; who they are
in a chat is the chat's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

DANA, ALICE, BEN, CARL = "dana", "alice", "ben", "carl"  # a developer, and three who may approve
PEOPLE = (DANA, ALICE, BEN, CARL)

# What the bot asks of a chat: the last two are whether a message was posted after all.
Call = Literal["post", "edit", "find root", "find reply"]


class Said(Protocol):
    """A message as people see it; ``replies`` are those of its thread, oldest first."""

    @property
    def ref(self) -> str: ...

    @property
    def channel(self) -> str: ...

    @property
    def thread(self) -> str: ...

    @property
    def user(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def buttons(self) -> Sequence[str]: ...

    @property
    def key(self) -> str:
        """What the bot calls it, unseen by people."""

    @property
    def replies(self) -> Sequence[Said]: ...


class Room(Protocol):
    """``failures``: what the bot did not take in time. ``refusals``: what it asked for and is not allowed."""

    @property
    def name(self) -> str:
        """As in a cluster's ``channels``."""

    @property
    def alerts(self) -> str:
        """The channel for alerts."""

    @property
    def others(self) -> Sequence[str]:
        """Channels without alerts, where the bot is too."""

    @property
    def failures(self) -> Sequence[str]: ...

    @property
    def refusals(self) -> Sequence[str]: ...

    def id(self, who: str) -> str: ...

    @property
    def on_call(self) -> str:
        """The group of those on call, as ``approvals.approvers`` names it."""

    # ---- what a bot is configured with

    def settings(self) -> dict[str, Any]:
        """Blocks of its configuration."""

    def environment(self) -> dict[str, str]: ...

    async def bot_is_at(self, url: str) -> None:
        """``url``: of its web server, "" for nowhere any more."""

    @property
    def connected(self) -> bool: ...

    # ---- what people see and do

    def channel(self, channel: str) -> Sequence[Said]:
        """Its messages, oldest first, each with its thread."""

    def private(self, who: str) -> Sequence[Said]:
        """What only they were told."""

    async def mention(self, who: str, channel: str, text: str, thread: str = "") -> str:
        """Write to the bot; gives the message's reference."""

    async def press(self, who: str, said: Said, label: str) -> None:
        """Press the button whose label begins so."""

    async def press_forged(self, who: str, said: Said, value: str) -> None:
        """Press a button on that message that carries ``value``, whatever the message has."""

    def value_of(self, said: Said, label: str) -> str:
        """What a button carries."""

    async def redeliver_last(self) -> None:
        """The chat did not hear that it was taken, and sends the same again."""

    # ---- bad days

    def count(self, call: Call) -> int:
        """How often it was asked for that."""

    def lose_next_answer(self, call: Call = "post") -> None:
        """The next such call is carried out, and the connection breaks before its answer."""

    def fail_next(self, status: int = 503, call: Call = "post") -> None: ...

    def garble_next(self, call: Call = "post") -> None:
        """The next such call ends in an error of the chat's own, in its own words."""

    def rate_limit_next(self, seconds: int = 1, call: Call = "post") -> None: ...

    async def drop_connections(self) -> None: ...
