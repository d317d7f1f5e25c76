"""What a chat service must offer to show threads and take clicks; Slack, Teams and the demo page do.

Outbound, ``Chat``: post and edit. Inbound: listeners turn what people do into calls on ``Desk``
(``bot.chat.desk``) and show its answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from bot.chat.message import Message


class ChatDown(Exception):
    """The chat did not take a message now; ``retry_after`` seconds may pass before the next try.

    ``certain``: nothing was done, so that nobody needs to look whether it was.
    """

    def __init__(self, why: str, retry_after: float = 5.0, *, certain: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.certain = certain


class ChatRefused(Exception):
    """The chat will never take this message (no such channel, revoked token): a person must act."""


class CannotEdit(ChatRefused):
    """That one message stays as it is, or is gone: somebody deleted it, say. Nobody has to act."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes. ``thread`` is the root's reference, "" for a root itself.

    ``awaited``: somebody did something there and waits for what becomes of it, so that it should not have to
    wait for what nobody asked for.
    """

    channel: str
    thread: str = ""
    awaited: bool = field(default=False, compare=False)


class Chat(Protocol):
    """One chat service. ``name`` is its key in a cluster's ``channels``.

    ``post`` answers the chat's own reference. ``key`` (at most 64 of ``[a-z0-9:-]``) travels with the
    message unseen, however often it is edited; ``find`` asks the chat for a message with that key, so that
    a post whose answer was lost, or whose sender was killed, is found again instead of doubled.

    All three raise ``ChatDown`` for what may pass and ``ChatRefused`` for what will not; of these, ``edit``
    raises ``CannotEdit`` for what concerns that message alone.
    """

    @property
    def name(self) -> str: ...

    async def post(self, place: Place, message: Message, key: str) -> str: ...

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None: ...

    async def find(self, place: Place, key: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did something, as the chat vouches for it: ``chat`` and the chat's own user id."""

    chat: str
    user: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.chat}:{self.user}"


@dataclass(frozen=True, slots=True)
class Mention:
    """``@pullbot`` was addressed. ``text`` follows the mention; ``thread`` is the root's reference or ""."""

    sender: Sender
    channel: str
    thread: str
    ref: str  # the chat's reference of the message itself
    text: str
    event: str  # unique over retries of the same delivery
    direct: bool = False  # said to us alone


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk says back. ``private``: only the sender sees it. No message: the thread says it."""

    message: Message | None
    private: bool = False


class Desk(Protocol):
    """Takes what people do, from any chat. Never raises; whatever goes wrong becomes an answer."""

    async def mention(self, mention: Mention) -> Answer: ...

    async def click(self, sender: Sender, value: str, event: str) -> Answer: ...

    async def shown(self, chat: str, channel: str, key: str) -> Answer:
        """The message that was posted there under that key, as it is now; else, in private, why not."""


class Side(Protocol):
    """One chat service, as the application starts and stops it. ``chat`` is there before it is started."""

    @property
    def chat(self) -> Chat: ...

    def routes(self, desk: Desk) -> Iterable[web.RouteDef]:
        """What it needs of the service's web server, if anything."""

    async def start(self, desk: Desk) -> None:
        """Take what people do to ``desk`` from now on. Does not wait for a chat that is down."""

    async def stop(self) -> None:
        """Take nothing any more; what was taken is finished first. The chat still takes messages."""

    async def close(self) -> None:
        """After ``stop``; the chat takes nothing any more, either."""

    def why_not_ready(self) -> str:
        """ "" if it is connected."""
