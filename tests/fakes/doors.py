"""A world small enough to see whole: doors that pods must pass, and a remedy that opens them.

A pull fails because its door is shut; ``door_is_open`` says so, ``open_door`` plans the turn of the
key, and a pod walks through (the image is pulled) once its door is open. Everything above the
clouds can be tested on it: flow, approval, execution, undo, restarts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.graph import Catalog, check, fact
from checks.model import FailedPull, Leg, Since, Symptom, Unavailable, Verdict, failed, passed
from handlers.decision import Person
from handlers.incident import CLOSED, Incident
from handlers.remedy import Diff, Plan, Refused, Remedy, Risk, Standing, Step, remedy
from handlers.world import Entry, NoSuchIncident, Rules, Stale, World

ANA = Person("test:ana", "Ana")
BEN = Person("test:ben", "Ben", may_approve=True)
CLEO = Person("test:cleo", "Cleo", may_approve=True)


@dataclass(eq=False)  # a client is itself, whatever it holds: facts are remembered by it
class Doors:
    """The world: which doors are shut, who walked through, and every turn of a key."""

    shut: set[str] = field(default_factory=set)
    jammed: bool = False  # a write fails
    blind: bool = False  # a read fails
    deaf: bool = False  # a write is made, but its answer is lost
    pods_wait: bool = False  # pods do not try again yet
    turns: list[str] = field(default_factory=list)
    looks: int = 0
    asked_since: datetime | None = None  # since when a pull was last asked for


class DoorKey(Doors):
    """The write client's type; only the executor gets it."""


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    shut: bool


@fact()
async def door(pull: FailedPull, doors: Doors) -> Door:
    doors.looks += 1
    if doors.blind:
        raise Unavailable("the door cannot be seen: grant door:Look")
    return Door(pull.image, pull.image in doors.shut)


@check("The door is open", leg=Leg.RIGHTS, explains={Symptom.FORBIDDEN})
def door_is_open(it: Door) -> Verdict:
    if it.shut:
        return failed(f"the door {it.name} is shut", ("Door", it.name), about=it.name)
    return passed(f"the door {it.name} is open")


def image_was_pulled(since: Since, pull: FailedPull, doors: Doors) -> Verdict:
    doors.asked_since = datetime.fromisoformat(since.time)
    if pull.image in doors.shut or doors.pods_wait:
        return failed("no pull since the fix")
    return passed("pulled")


# A check's id is the path of its file; in here two would have the same.
image_was_pulled.__module__ = "tests.fakes.doors.image_was_pulled"
pulled = check("The image has been pulled since the fix", leg=Leg.LAYERS, explains=set(), proof=True)(
    image_was_pulled
)


@dataclass(frozen=True, slots=True)
class Turn(Step):
    door: str
    before: bool
    after: bool

    def diff(self) -> Diff:
        return Diff(self.door, _word(self.before), _word(self.after))

    def commands(self) -> tuple[str, ...]:
        return (f"turn {self.door}",)

    def inverse(self) -> Turn:
        return replace(self, before=self.after, after=self.before)

    async def look(self, key: DoorKey) -> Standing:
        return Standing.BEFORE if (self.door in key.shut) is self.before else Standing.AFTER

    async def write(self, key: DoorKey) -> Turn:
        if key.jammed:
            raise Unavailable("the key is stuck")
        key.turns.append(f"{self.door} {_word(self.after)}")
        (key.shut.add if self.after else key.shut.discard)(self.door)
        if key.deaf:
            raise Unavailable("the answer was lost")
        return self


def _word(shut: bool) -> str:
    return "shut" if shut else "open"


@remedy("Open the door", cures=door_is_open, risk=Risk.MEDIUM)
def open_door(it: Door) -> Plan:
    if not it.shut:
        raise Refused("the door is open already")
    return Plan((Turn(it.name, before=True, after=False),), caution="it may be shut on purpose")


class Shelf:
    """A store and a journal in memory, with the promise of the real ones: compare-and-set on the version."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.log: list[Entry] = []
        self.mutes: dict[str, datetime] = {}
        self.before_save: Callable[[Incident], None] = lambda incident: None

    async def load(self, incident_id: str) -> Incident:
        if incident_id not in self.incidents:
            raise NoSuchIncident(incident_id)
        return self.incidents[incident_id]

    async def save(self, incident: Incident) -> None:
        self.before_save(incident)
        old = self.incidents.get(incident.id)
        if old is not None and old.version != incident.version - 1:
            raise Stale(incident.id)
        self.incidents[incident.id] = incident

    async def unfinished(self) -> tuple[Incident, ...]:
        return tuple(i for i in self.incidents.values() if i.stage not in CLOSED)

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        return tuple(reversed(self.incidents.values()))[:limit]

    async def mute(self, target: str, until: datetime) -> None:
        self.mutes[target] = until

    async def unmute(self, target: str) -> None:
        self.mutes.pop(target, None)

    async def muted(self, now: datetime) -> frozenset[str]:
        return frozenset(target for target, until in self.mutes.items() if until > now)

    async def append(self, entry: Entry) -> None:
        self.log.append(entry)

    async def entries(self, incident_id: str = "") -> AsyncIterator[Entry]:
        for entry in list(self.log):
            if incident_id in ("", entry.incident):
                yield entry

    def said(self, incident_id: str) -> list[str]:
        return [entry.what for entry in self.log if entry.incident == incident_id]


class Wall:
    """A screen that remembers every state it was shown."""

    def __init__(self) -> None:
        self.shown: list[Incident] = []

    async def show(self, incident: Incident) -> None:
        self.shown.append(incident)

    def stages(self) -> list[str]:
        return [one.stage.name for one in self.shown]


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    async def pause(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)  # let others run; nobody waits for real


@dataclass(slots=True)
class House:
    """All of it wired together. ``driven`` collects the incidents that asked to be moved on."""

    doors: DoorKey = field(default_factory=DoorKey)
    shelf: Shelf = field(default_factory=Shelf)
    wall: Wall = field(default_factory=Wall)
    clock: Clock = field(default_factory=Clock)
    rules: Rules = field(default_factory=lambda: Rules(enabled=frozenset({open_door.id})))
    driven: list[str] = field(default_factory=list)
    alarms: list[tuple[str, datetime]] = field(default_factory=list)

    def world(self) -> World:
        remedies: tuple[Remedy, ...] = (open_door,)
        roots: dict[Any, object] = {Doors: self.doors}
        return World(
            catalog=Catalog.of([door], [door_is_open, pulled]),
            remedies=remedies,
            rules=self.rules,
            roots=lambda cluster: roots,
            hands=lambda cluster: {DoorKey: self.doors},
            store=self.shelf,
            journal=self.shelf,
            screen=self.wall,
            now=self.clock.now,
            clock=self.clock.seconds,
            pause=self.clock.pause,
            wake_at=lambda incident, when: self.alarms.append((incident, when)),
            drive=self.driven.append,
        )


def pull(workload: str = "web", image: str = "r.example/oak:1", **changes: Any) -> FailedPull:
    """One failing deployment."""
    one = FailedPull(
        cluster="prod",
        namespace="shop",
        workload=f"Deployment/{workload}",
        container="app",
        pods=(f"{workload}-1",),
        nodes=("node-1",),
        host_kind="nodegroup/default",
        image=image,
        symptom=Symptom.FORBIDDEN,
        message="403 Forbidden",
    )
    return replace(one, **changes)
