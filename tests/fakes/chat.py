"""A chat in memory, with every bad day a chat can have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.chat.message import Buttons, Message, Thread
from bot.chat.platform import CannotEdit, ChatDown, ChatRefused, Place


@dataclass(slots=True)
class Said:
    """A message as it stands. ``edits`` counts how often it was changed."""

    place: Place
    key: str
    message: Message
    edits: int = 0


@dataclass(slots=True)
class Room:
    """The ``Chat`` port. ``calls`` is everything that was asked of it: ``("post", "1a2b3c4d:root")``.

    ``down``: raised by the next calls, one each. ``loses``: so many posts are taken and their answers lost.
    ``stalls``: posts are taken and never answered, until whoever asked is gone. ``refuses``: channels that
    are not there, and messages that somebody deleted.
    """

    name: str = "room"
    said: dict[str, Said] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    down: list[ChatDown] = field(default_factory=list)
    loses: int = 0
    stalls: bool = False
    refuses: set[str] = field(default_factory=set)
    at_call: Callable[[], None] = lambda: None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, place: Place, message: Message, key: str) -> str:
        await self._called("post", key)
        if place.channel in self.refuses:
            raise ChatRefused(f"there is no channel {place.channel}")
        if place.thread and place.thread not in self.said:
            raise ChatRefused(f"there is no thread {place.thread}")
        ref = f"m{len(self.said) + 1}"
        self.said[ref] = Said(place, key, message)
        self._changed.set()
        if self.stalls:
            await asyncio.Event().wait()
        if self.loses:
            self.loses -= 1
            raise ChatDown("the connection was reset", retry_after=1.0)
        return ref

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None:
        said = self.said.get(ref)
        await self._called("edit", said.key if said else ref)
        if said is None or said.key in self.refuses:
            raise CannotEdit(f"there is no message {ref}")
        if place.channel in self.refuses:
            raise ChatRefused(f"there is no channel {place.channel}")
        assert said.place == place, "an edit names the place of its message"
        said.place, said.message = place, message
        said.edits += 1
        self._changed.set()

    async def find(self, place: Place, key: str) -> str | None:
        await self._called("find", key)
        return next((r for r, one in self.said.items() if one.key == key and one.place == place), None)

    async def _called(self, what: str, key: str) -> None:
        self.calls.append((what, key))
        self.at_call()
        self._changed.set()
        await asyncio.sleep(0)  # a chat is far away: others run meanwhile
        if self.down:
            raise self.down.pop(0)

    # ---- what tests look at

    def keys(self) -> list[str]:
        """The keys of all messages in the order in which they were posted."""
        return [one.key for one in self.said.values()]

    def threads(self) -> list[Thread]:
        """What people see: every root with its replies."""
        return [
            Thread(root.message, tuple(r.message for r in self.said.values() if r.place.thread == ref))
            for ref, root in self.said.items()
            if not root.place.thread
        ]

    def buttons(self) -> list[str]:
        """The labels of all buttons that can be pressed now."""
        return [
            button.label
            for one in self.said.values()
            for block in one.message.blocks
            if isinstance(block, Buttons)
            for button in block.buttons
        ]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait, five seconds at most, until ``holds()``: it is asked after everything that happens here."""
        async with asyncio.timeout(5):
            while not holds():
                self._changed.clear()
                await self._changed.wait()
