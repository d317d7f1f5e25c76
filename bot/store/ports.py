"""What a state store must do, apart from the incidents and the journal that handlers ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from handlers.world import Journal, Store

# A closed incident can be asked about, or undone, for this long.
KEPT_AFTER_CLOSING = timedelta(days=30)


class StoreDown(Exception):
    """The store does not answer now; the same call may work later. Nothing is known to be written."""


class StoreUnusable(Exception):
    """This store can never work as configured; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A chat message of an incident. ``ref`` is the chat's own reference, "" for one about to be posted.

    ``digest`` tells whether what is shown is still what should be shown.
    """

    ref: str
    digest: str
    channel: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far the audit trail goes: the number of entries and the last one's hash ("" if none)."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry of the audit trail that is not as it was written. ``position`` counts from one."""

    position: int
    why: str


class Threads(Protocol):
    """Which messages of an incident were posted, so that they are edited and never doubled."""

    async def refs(self, incident_id: str, chat: str) -> Mapping[str, Posted]:
        """By message key; one with an empty ``ref`` was about to be posted when we last knew."""

    async def intend(self, incident_id: str, chat: str, key: str, channel: str = "") -> None:
        """Note that this message is about to be posted. A message that was posted stays as it is."""

    async def remember(self, incident_id: str, chat: str, key: str, posted: Posted) -> None: ...

    async def find_thread(self, chat: str, channel: str, root_ref: str) -> str | None:
        """The incident that a message with this reference belongs to."""


class Addresses(Protocol):
    """Where a chat is reached that tells so only while it talks to us.

    Kept until it is forgotten, for an alert may come months after the last word from there.
    """

    async def address(self, chat: str, place: str) -> str | None:
        """As it was last learnt; ``None`` for a place that nothing was learnt of."""

    async def learn(self, chat: str, place: str, address: str) -> None:
        """Takes the place of what was known, as a whole. The text is the chat's own and never read here."""

    async def forget(self, chat: str, place: str) -> None:
        """Does nothing to a place that is not known."""


class Leases(Protocol):
    """Who does a thing that only one replica should do. A lease ends by itself when its owner is gone."""

    async def hold(self, name: str, owner: str, ttl: timedelta) -> bool:
        """Take the lease, or prolong one's own. False: somebody else has it."""

    async def release(self, name: str, owner: str) -> None:
        """Give it back; does nothing to somebody else's."""


class AuditTrail(Journal, Protocol):
    async def head(self) -> Head: ...

    async def verify(self) -> Broken | None:
        """Walk the whole chain; see ``bot.store.chain`` for what this proves and what it cannot."""


class State(Store, AuditTrail, Threads, Addresses, Leases, Protocol):
    """Every call is durable when it returns, and raises ``StoreDown`` when the store does not answer."""

    async def first_time(self, event: str, ttl: timedelta) -> bool:
        """True once per ``event`` within ``ttl``: chat services deliver again what they think was lost."""

    async def concerns(self) -> tuple[str, ...]:
        """What an operator should know about the way this store is run, one sentence each."""

    async def close(self) -> None: ...
