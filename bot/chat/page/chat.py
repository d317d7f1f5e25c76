"""The page's side of the ``Chat`` port: a list of posts in memory, and whoever watches it.

It survives a reload of the browser, and is gone with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.chat.message import Message
from bot.chat.page.render import rendered
from bot.chat.platform import CannotEdit, ChatRefused, Place

BOT = "pullbot"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody that a visitor of the page can be. ``role`` is shown; rights come from the settings."""

    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Post:
    """``version`` counts over all posts, so that what changed since some version is easily told.

    ``only_for`` is the one person who sees it, "" for everybody.
    """

    ref: str
    place: Place
    author: str
    content: dict[str, Any]
    at: datetime
    version: int
    key: str = ""
    only_for: str = ""
    edited: bool = False

    def visible_to(self, person: str) -> bool:
        return self.only_for in ("", person)


class PageChat:
    """``channels`` are those that settings may name for clusters; others are refused, as in any chat."""

    name = "page"

    def __init__(
        self,
        people: Sequence[Persona],
        channels: Sequence[str] = ("alerts",),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.people = tuple(people)
        self.channels = tuple(channels)
        self._now = now
        self._posts: dict[str, Post] = {}
        self._version = 0
        self._news = asyncio.Event()
        self._closed = False

    # ---- the port

    async def post(self, place: Place, message: Message, key: str) -> str:
        return self._add(place, BOT, rendered(message), key=key)

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None:
        post = self._posts.get(ref)
        if post is None or post.place.channel != place.channel:
            raise CannotEdit(f"there is no message {ref} in #{place.channel}")
        content = rendered(message)
        if content != post.content:
            self._put(replace(post, content=content, edited=True, version=self._version + 1))

    async def find(self, place: Place, key: str) -> str | None:
        for post in self._posts.values():
            if post.key == key and post.place == place:
                return post.ref
        return None

    # ---- what people do

    def persona(self, person: str) -> Persona | None:
        return next((one for one in self.people if one.id == person), None)

    def said(self, persona: Persona, place: Place, text: str) -> str:
        """A person's own words, posted as they are. Gives the reference.

        :raises ChatRefused: there is no such channel or thread
        """
        content = {"fallback": text, "blocks": [{"type": "paragraph", "spans": [{"text": text}]}]}
        return self._add(place, persona.id, content)

    def answered(self, place: Place, message: Message, *, only_for: str = "") -> str:
        return self._add(place, BOT, rendered(message), only_for=only_for)

    def place_of(self, ref: str) -> Place | None:
        """Where a reply to that message goes: its thread, or the one that it becomes the root of."""
        post = self._posts.get(ref)
        return Place(post.place.channel, post.place.thread or ref) if post else None

    # ---- who watches

    def since(self, version: int, person: str) -> tuple[Post, ...]:
        """Posts made or edited after ``version`` that ``person`` may see, oldest first."""
        return tuple(p for p in self._posts.values() if p.version > version and p.visible_to(person))

    @property
    def version(self) -> int:
        return self._version

    async def changed(self, since: int) -> bool:
        """Wait for a version after ``since``; false once the page is closed."""
        while self._version <= since and not self._closed:
            await self._news.wait()
        return not self._closed

    def close(self) -> None:
        """Let go of everybody who watches."""
        self._closed = True
        self._news.set()

    def _add(
        self, place: Place, author: str, content: dict[str, Any], *, key: str = "", only_for: str = ""
    ) -> str:
        if place.channel not in self.channels:
            raise ChatRefused(f"there is no channel #{place.channel} on the page")
        if place.thread and place.thread not in self._posts:
            raise ChatRefused(f"there is no message {place.thread} to reply to")
        version = self._version + 1
        post = Post(f"m{version}", place, author, content, self._now(), version, key, only_for)
        self._put(post)
        return post.ref

    def _put(self, post: Post) -> None:
        self._posts[post.ref] = post
        self._version = post.version
        if not self._closed:
            self._news.set()
            self._news = asyncio.Event()
