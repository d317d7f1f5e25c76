"""What people see of an incident in one chat, and what they do there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.story.room import PEOPLE, Room, Said


@dataclass
class Onlooker:
    """``room`` is where they look."""

    room: Room

    @abstractmethod
    async def until(self, true: Callable[[], Any], seconds: float = 15.0) -> Any:
        """Wait for something to be so, here or in any of the servers; gives the answer.

        :raises AssertionError: with what people see instead
        """

    def by(self, who: str) -> str:
        """How the audit trail calls them."""
        return f"{self.room.name}:{self.room.id(who)}"

    @property
    def roots(self) -> list[Said]:
        """The bot's own messages in the channel, without answers to what somebody said."""
        return [one for one in self.room.channel(self.room.alerts) if one.key.endswith(":root")]

    @property
    def root(self) -> Said:
        """The only one.

        :raises AssertionError: there is not exactly one
        """
        assert len(self.roots) == 1, self.seen()
        return self.roots[0]

    def reply(self, key: str, root: Said | None = None) -> Said | None:
        """The newest reply whose key begins so: ``diagnosis``, ``offer``, ``request``, ``change``."""
        root = root or next(iter(self.roots), None)
        mine = [one for one in (root.replies if root else ()) if one.key.partition(":")[2].startswith(key)]
        return mine[-1] if mine else None

    def said(self, channel: str = "") -> list[Said]:
        """Everything that everybody sees in a channel."""
        roots = self.room.channel(channel or self.room.alerts)
        return [one for root in roots for one in (root, *root.replies)]

    def is_answer(self, said: Said) -> bool:
        return said.key.startswith("answer:")

    def says(self, text: str) -> Callable[[], bool]:
        """Whether the present state of the only thread has these words."""
        return lambda: bool(self.roots) and text in self.roots[0].text

    async def shows(
        self, button: str, reply: str = "", root: Said | None = None, seconds: float = 15.0
    ) -> Said:
        """Wait for a message with that button."""

        def found() -> Said | None:
            one = self.reply(reply, root)
            return one if one is not None and any(b.startswith(button) for b in one.buttons) else None

        said: Said = await self.until(found, seconds)
        return said

    async def press(self, who: str, button: str, reply: str, root: Said | None = None) -> Said:
        """Wait for the button and press it; gives the message it was on."""
        said = await self.shows(button, reply, root)
        await self.room.press(who, said, button)
        return said

    async def told(self, who: str, text: str) -> Said:
        """Wait for words to their eyes only."""

        def found() -> Said | None:
            return next((one for one in reversed(self.room.private(who)) if text in one.text), None)

        said: Said = await self.until(found)
        return said

    def nothing_twice(self) -> None:
        """Every message that the bot wanted to post is there once."""
        keys = [one.key for one in self.said() if one.key]
        assert len(keys) == len(set(keys)), f"{keys}\n{self.seen()}"
        assert not self.room.failures

    def seen(self) -> str:
        """What there is, for who reads a failed test."""
        shown = [f"{one.user}: {one.text}" for one in self.said()]
        private = [f"only {who}: {one.text}" for who in PEOPLE for one in self.room.private(who)]
        return "\n".join([f"---- {self.room.name}", *shown, *private, *self.room.refusals])
