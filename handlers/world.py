"""What handlers may reach: ports that ``bot`` fills in. Nothing here does anything by itself."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from checks.graph import Catalog
from handlers.incident import Incident
from handlers.remedy import Advice, Remedy, Risk

Hands = Mapping[Any, object]  # write clients by type; only handlers.execution and .hearing ask for them


class Stale(Exception):
    """Somebody else saved this incident first. Load it again and look whether it still matters."""


class NoSuchIncident(Exception):
    """The store has no incident of that id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail: who did what to which object, with the value before and after.

    ``what`` is a verb such as ``requested``, ``approved``, ``step started``, ``step finished``.
    """

    at: datetime
    incident: str
    actor: str
    what: str
    details: tuple[tuple[str, str], ...] = ()


class Store(Protocol):
    """Incidents, durable before the call returns."""

    async def load(self, incident_id: str) -> Incident:
        """:raises NoSuchIncident: there is none."""

    async def save(self, incident: Incident) -> None:
        """Write ``incident`` if what is stored has exactly the version before, or if nothing is stored.

        :raises Stale: it has not.
        """

    async def unfinished(self) -> tuple[Incident, ...]:
        """Every incident whose stage is not closed, oldest first."""

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        """The newest incidents of any stage, newest first."""

    async def mute(self, target: str, until: datetime) -> None:
        """``target``: a workload as ``cluster/namespace/Kind/name``, or a cluster's name."""

    async def unmute(self, target: str) -> None: ...

    async def muted(self, now: datetime) -> frozenset[str]: ...


class Journal(Protocol):
    """The audit trail: append-only, hash-chained."""

    async def append(self, entry: Entry) -> None: ...

    def entries(self, incident_id: str = "") -> AsyncIterator[Entry]:
        """All entries, or those of one incident, oldest first."""


class Screen(Protocol):
    async def show(self, incident: Incident) -> None:
        """Bring every chat in line with ``incident``; may skip states, never the last one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's word on approvals and remedies. ``quorum``: how many approvers each risk needs."""

    second_person: bool = False
    expires: timedelta = timedelta(minutes=30)
    quorum: Mapping[Risk, int] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()

    def approvers_needed(self, risk: Risk) -> int:
        return max(1, self.quorum.get(risk, 1))


@dataclass(frozen=True, slots=True)
class World:
    """``roots`` and ``hands`` give a cluster's read and write clients by type.

    ``now`` is the wall clock, ``clock`` a monotonic one in seconds; ``pause`` waits that many seconds.
    ``wake_at`` asks for ``handlers.commands.expire`` of an incident at that time; ``drive`` asks for
    ``handlers.flow.advance`` of it, soon and once at a time. ``opening`` and, for each cluster, ``folding``
    keep two that hear of the same failure at once from making two incidents of it.
    """

    catalog: Catalog
    remedies: tuple[Remedy, ...]
    rules: Rules
    roots: Callable[[str], Mapping[Any, object]]
    hands: Callable[[str], Hands]
    store: Store
    journal: Journal
    screen: Screen
    now: Callable[[], datetime]
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    wake_at: Callable[[str, datetime], None]
    drive: Callable[[str], None]
    advice: tuple[Advice, ...] = ()
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    folding: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
