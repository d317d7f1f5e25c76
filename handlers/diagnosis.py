"""Look at an open incident: judge, tell causes apart, fold what is told already, and offer remedies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast

from checks.diagnose import diagnose
from checks.model import FailedPull, Finding
from checks.resolve import Memo
from handlers.incident import CLOSED, Incident, Stage
from handlers.intake import incident_id
from handlers.proposal import offers_for
from handlers.saving import change_stored, keep
from handlers.world import World

# Findings within one burst are saved and shown together.
_BURST_SECONDS = 0.25


async def look(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of LOOKING: yields the incident as findings land, then as proposed or folded."""
    roots, memo = world.roots(incident.cluster), Memo()
    fresh: list[Finding] = []
    shown = world.clock()
    findings = cast(AsyncGenerator[Finding, None], diagnose(world.catalog, incident.pulls, roots, memo))
    async with aclosing(findings):
        async for finding in findings:
            fresh.append(finding)
            if world.clock() - shown >= _BURST_SECONDS:
                yield (incident := incident.found(fresh))
                fresh, shown = [], world.clock()
    incident = incident.found(fresh) if fresh else incident
    # Two incidents that find the same cause at once must not both become its thread.
    async with world.folding[incident.cluster]:
        first, *others = _by_cause(incident)
        for pulls in others:
            await _settle(_sibling(incident, pulls, world), incident, roots, memo, world)
        if len(first) < len(incident.pulls):
            yield (incident := incident.narrowed(first))
        elder = await _same_cause(incident, incident, world)
        if elder is not None and await _join(elder, incident, world):
            yield incident.folded(elder.id)
            return
        yield await _with_offers(incident, roots, memo, world)


def reasons(incident: Incident) -> dict[tuple[str, ...], str]:
    """By the pulls' keys: a name for why each one fails, equal for all that fail for the same reason.

    Unexplained pulls are told apart by image and symptom: ignorance lumps nothing together.
    """
    # By key: a newer sighting names other pods, and fails for the same reason.
    found: dict[tuple[str, ...], list[Finding]] = {pull.key: [] for pull in incident.pulls}
    for finding in incident.causes:
        found.get(finding.subject.key, []).append(finding)
    return {pull.key: _reason(pull, found[pull.key]) for pull in incident.pulls}


def _reason(pull: FailedPull, found: list[Finding]) -> str:
    told = " + ".join(f"{f.check} {f.verdict.about or pull.image}" for f in found)
    return told or f"{pull.symptom.value} {pull.image} {pull.host_kind}"


def _by_cause(incident: Incident) -> list[tuple[FailedPull, ...]]:
    """What recovered while it was looked at needs no incident any more."""
    parts: dict[str, list[FailedPull]] = {}
    why = reasons(incident)
    for pull in incident.pulls:
        if pull.key not in incident.recovered:
            parts.setdefault(why[pull.key], []).append(pull)
    return [tuple(pulls) for pulls in parts.values()] or [incident.pulls]


def _sibling(incident: Incident, pulls: tuple[FailedPull, ...], world: World) -> Incident:
    keys = {pull.key for pull in pulls}
    return Incident(
        # By the present time: the one of an earlier attempt may have been closed since.
        id=incident_id(incident.cluster, pulls, world.now()),
        cluster=incident.cluster,
        opened=incident.opened,
        pulls=pulls,
        findings=tuple(f for f in incident.findings if f.subject.key in keys),
        changed=world.now(),
    )


async def _settle(
    part: Incident, parent: Incident, roots: Mapping[Any, object], memo: Memo, world: World
) -> None:
    """Give pulls with another cause their own incident, or the one that tells it already.

    That is also the one which an earlier attempt, killed before it had narrowed ``parent``, gave them.
    """
    elder = await _same_cause(part, parent, world)
    if elder is None or not await _join(elder, part, world):
        await keep(await _with_offers(part, roots, memo, world), world)


async def _with_offers(incident: Incident, roots: Mapping[Any, object], memo: Memo, world: World) -> Incident:
    offers = await offers_for(
        incident.pulls,
        incident.findings,
        catalog=world.catalog,
        remedies=world.remedies,
        advice=world.advice,
        roots=roots,
        memo=memo,
        enabled=world.rules.enabled,
    )
    return incident.proposed(offers)


async def _same_cause(incident: Incident, apart_from: Incident, world: World) -> Incident | None:
    """An open incident of the cluster that tells the same cause and has looked already."""
    mine = set(reasons(incident).values())
    for other in await world.store.unfinished():
        if other.id == apart_from.id or other.cluster != incident.cluster or other.stage is Stage.LOOKING:
            continue
        if mine == set(reasons(other).values()):
            return other
    return None


async def _join(elder: Incident, younger: Incident, world: World) -> bool:
    """False if ``elder`` was closed meanwhile: nobody would look after what joins it."""

    def move(now: Incident) -> Incident:
        return now if now.stage in CLOSED else now.joined(younger.pulls, younger.findings)

    return (await change_stored(elder.id, move, world)).stage not in CLOSED
