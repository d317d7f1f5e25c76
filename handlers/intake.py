"""Failing pulls in, incidents out: what is known already is joined, what is muted is left out.

The watch is level-triggered: after a restart it tells everything that fails again, so nothing
here needs to be remembered beyond the stored incidents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from checks.model import FailedPull
from handlers.incident import CLOSED, Incident, Stage
from handlers.saving import change_stored, keep
from handlers.world import World

# The executor, the verification and the hearing bring these to an end themselves.
_IN_HAND = frozenset({Stage.APPROVED, Stage.EXECUTING, Stage.EXECUTED, Stage.HEARING, Stage.UNDOING})
# A diagnosis that is under way would start over, and what is closed stays so; the next sighting tells.
# A verification takes note of what is seen meanwhile.
_NOT_JOINED = (_IN_HAND - {Stage.EXECUTED}) | CLOSED | {Stage.LOOKING}
_SETTLED = frozenset({Stage.FOUND, Stage.NEEDS_PERSON})


async def failing(
    pulls: Iterable[FailedPull], world: World, *, asked_for: bool = False
) -> tuple[Incident, ...]:
    """Open one incident per cluster for what is new in ``pulls``; diagnosis then tells causes apart.

    :param asked_for: somebody wants to know, so what is muted is looked at as well
    :returns: the incidents that were opened.
    """
    muted = frozenset[str]() if asked_for else await world.store.muted(world.now())
    heard = [pull for pull in pulls if not _is_muted(pull, muted)]
    async with world.opening:
        return await _join_or_open(heard, world)


async def _join_or_open(pulls: Iterable[FailedPull], world: World) -> tuple[Incident, ...]:
    known = {pull.key: one for one in await world.store.unfinished() for pull in one.pulls}
    fresh: dict[str, list[FailedPull]] = {}
    newer: dict[str, list[FailedPull]] = {}
    for pull in pulls:
        where = known.get(pull.key)
        if where is None:
            fresh.setdefault(pull.cluster, []).append(pull)
        else:
            newer.setdefault(where.id, []).append(pull)
    stored = {one.id: one for one in known.values()}
    for incident_key, seen in newer.items():
        if _news(stored[incident_key], seen):
            await _seen_again(incident_key, seen, world)
    opened = []
    for cluster, new in fresh.items():
        at = world.now()
        incident = Incident(incident_id(cluster, new, at), cluster, at, tuple(new))
        opened.append(await keep(incident, world))
        world.drive(incident.id)
    return tuple(opened)


async def recovered(keys: Iterable[tuple[str, ...]], world: World) -> None:
    """These images are pulled now: an incident whose pulls are all back closes its thread."""
    await _fail_no_more(keys, "recovered by itself: the image is pulled now", world)


async def gone(keys: Iterable[tuple[str, ...]], world: World) -> None:
    """Nothing asks for these images any more: deleted, scaled to zero, or rolled out with another image."""
    await _fail_no_more(keys, "nothing asks for the image any more", world)


async def _fail_no_more(keys: Iterable[tuple[str, ...]], note: str, world: World) -> None:
    over = set(keys)
    for incident in await world.store.unfinished():
        mine = over & {pull.key for pull in incident.pulls}
        if mine and not mine <= set(incident.recovered):
            await change_stored(incident.id, lambda now, mine=mine: _back(now, mine, note), world)  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def _back(incident: Incident, keys: set[tuple[str, ...]], note: str) -> Incident:
    if incident.stage in _IN_HAND:
        return incident
    incident = incident.back_again(keys)
    if {pull.key for pull in incident.pulls} <= set(incident.recovered):
        return incident.resolved(note)
    return incident


async def _seen_again(incident: str, seen: Iterable[FailedPull], world: World) -> None:
    """Take newer sightings down; another fault than the one that was looked at is looked at anew."""

    def move(now: Incident) -> Incident:
        news = _news(now, seen)
        if not news:
            return now
        joined = now.joined(news)
        return joined.look_again() if now.stage in _SETTLED and now.fails_otherwise(news) else joined

    after = await change_stored(incident, move, world)
    if after.stage is Stage.LOOKING:
        world.drive(incident)


def _news(incident: Incident, seen: Iterable[FailedPull]) -> list[FailedPull]:
    if incident.stage in _NOT_JOINED:
        return []
    told = {pull.key: pull for pull in incident.pulls if pull.key not in incident.recovered}
    return [pull for pull in seen if told.get(pull.key) != pull]


def incident_id(cluster: str, pulls: Iterable[FailedPull], opened: datetime) -> str:
    """Eight hex digits, the same for the same pulls at the same time: a retry opens no second one."""
    named = "\n".join(sorted("/".join(pull.key) for pull in pulls))
    return hashlib.sha256(f"{cluster}\n{opened.isoformat()}\n{named}".encode()).hexdigest()[:8]


def _is_muted(pull: FailedPull, muted: frozenset[str]) -> bool:
    return pull.cluster in muted or f"{pull.cluster}/{pull.namespace}/{pull.workload}" in muted
