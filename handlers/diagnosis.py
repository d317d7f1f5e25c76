"""Look at an open incident: judge, tell causes apart, fold what is told already, and offer remedies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from checks.diagnose import diagnose
from checks.model import FailedPull, Finding
from checks.resolve import Memo
from handlers.incident import Incident, Stage, incident_id
from handlers.proposal import offers_for
from handlers.saving import change_stored
from handlers.world import World

# Findings within one burst are saved and shown together.
_BURST_SECONDS = 0.25


async def look(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of LOOKING: yields the incident as findings land, then as proposed or folded."""
    roots, memo = world.roots(incident.cluster), Memo()
    fresh: list[Finding] = []
    shown = world.clock()
    async for finding in diagnose(world.catalog, incident.pulls, roots, memo):
        fresh.append(finding)
        if world.clock() - shown >= _BURST_SECONDS:
            yield (incident := incident.found(fresh))
            fresh, shown = [], world.clock()
    incident = incident.found(fresh) if fresh else incident
    # Two incidents that find the same cause at once must not both become its thread.
    async with world.folding:
        parts = _by_cause(incident)
        first, *others = parts
        for pulls in others:
            await _settle(_sibling(incident, pulls, world), roots, memo, world)
        if others:
            yield (incident := incident.narrowed(first))
        if (elder := await _same_cause(incident, world)) is not None:
            await _join(elder, incident, world)
            yield incident.folded(elder.id)
            return
        yield await _with_offers(incident, roots, memo, world)


def _by_cause(incident: Incident) -> list[tuple[FailedPull, ...]]:
    parts: dict[str, list[FailedPull]] = {}
    for pull in incident.pulls:
        parts.setdefault(incident.cause_of(pull), []).append(pull)
    return [tuple(pulls) for pulls in parts.values()]


def _sibling(incident: Incident, pulls: tuple[FailedPull, ...], world: World) -> Incident:
    keys = {pull.key for pull in pulls}
    return Incident(
        id=incident_id(incident.cluster, pulls, incident.opened),
        cluster=incident.cluster,
        opened=incident.opened,
        pulls=pulls,
        findings=tuple(f for f in incident.findings if f.subject.key in keys),
        changed=world.now(),
    )


async def _settle(part: Incident, roots: Mapping[Any, object], memo: Memo, world: World) -> None:
    """Give pulls with another cause their own incident, or the one that tells it already."""
    if (elder := await _same_cause(part, world)) is not None:
        await _join(elder, part, world)
        return
    proposed = await _with_offers(part, roots, memo, world)
    await world.store.save(proposed)
    await world.screen.show(proposed)


async def _with_offers(incident: Incident, roots: Mapping[Any, object], memo: Memo, world: World) -> Incident:
    offers = await offers_for(
        incident.pulls,
        incident.findings,
        catalog=world.catalog,
        remedies=world.remedies,
        roots=roots,
        memo=memo,
        enabled=world.rules.enabled,
    )
    return incident.proposed(offers)


async def _same_cause(incident: Incident, world: World) -> Incident | None:
    """An open incident of the cluster that tells the same cause and has looked already."""
    mine = {incident.cause_of(pull) for pull in incident.pulls}
    for other in await world.store.unfinished():
        if other.id == incident.id or other.cluster != incident.cluster or other.stage is Stage.LOOKING:
            continue
        if mine == {other.cause_of(pull) for pull in other.pulls}:
            return other
    return None


async def _join(elder: Incident, younger: Incident, world: World) -> None:
    await change_stored(elder.id, lambda now: now.joined(younger.pulls, younger.findings), world)
