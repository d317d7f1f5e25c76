"""Failing pulls in, incidents out: what is known already is joined, what is muted is left out.

The watch is level-triggered: after a restart it tells everything that fails again, so nothing
here needs to be remembered beyond the stored incidents.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.model import FailedPull
from handlers.incident import Incident, Stage, incident_id
from handlers.saving import change_stored, keep
from handlers.world import World

# The executor and the verification bring these to an end themselves.
_IN_HAND = frozenset({Stage.APPROVED, Stage.EXECUTING, Stage.EXECUTED, Stage.UNDOING})


async def failing(pulls: Iterable[FailedPull], world: World) -> tuple[Incident, ...]:
    """Open one incident per cluster for what is new in ``pulls``; diagnosis then tells causes apart.

    :returns: the incidents that were opened.
    """
    muted = await world.store.muted(world.now())
    heard = [pull for pull in pulls if not _is_muted(pull, muted)]
    fresh: dict[str, list[FailedPull]] = {}
    known = {pull.key: one.id for one in await world.store.unfinished() for pull in one.pulls}
    for pull in heard:
        if (where := known.get(pull.key)) is not None:
            await _seen_again(where, pull, world)
        else:
            fresh.setdefault(pull.cluster, []).append(pull)
    opened = []
    for cluster, new in fresh.items():
        at = world.now()
        incident = Incident(incident_id(cluster, new, at), cluster, at, tuple(new))
        opened.append(await keep(incident, world))
        world.drive(incident.id)
    return tuple(opened)


async def recovered(keys: Iterable[tuple[str, ...]], world: World) -> None:
    """These pulls fail no more: an incident whose pulls are all back closes its thread."""
    back = set(keys)
    for incident in await world.store.unfinished():
        mine = back & {pull.key for pull in incident.pulls}
        if mine and not mine <= set(incident.recovered):
            await change_stored(incident.id, lambda now, mine=mine: _back(now, mine), world)  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def _back(incident: Incident, keys: set[tuple[str, ...]]) -> Incident:
    if incident.stage in _IN_HAND:
        return incident
    incident = incident.back_again(keys)
    if {pull.key for pull in incident.pulls} <= set(incident.recovered):
        return incident.resolved("recovered by itself: the image is pulled now")
    return incident


async def _seen_again(incident: str, pull: FailedPull, world: World) -> None:
    def move(now: Incident) -> Incident:
        if now.stage in _IN_HAND or (any(p == pull for p in now.pulls) and pull.key not in now.recovered):
            return now
        return now.joined((pull,))

    await change_stored(incident, move, world)


def _is_muted(pull: FailedPull, muted: frozenset[str]) -> bool:
    return pull.cluster in muted or f"{pull.cluster}/{pull.namespace}/{pull.workload}" in muted
