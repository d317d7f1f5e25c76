"""Did it help? The cured check must pass with fresh facts AND the image must really have been pulled.

One failing look right after the change proves nothing: cloud permissions take up to a minute to
spread, and kubelet's back-off reaches five minutes. So the look is repeated until the plan's
``settles_in`` is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from checks.diagnose import judge
from checks.graph import Check
from checks.model import FailedPull, Finding, Since, Status
from checks.resolve import Memo, Resolver
from handlers.decision import Change
from handlers.incident import Incident
from handlers.proposal import follow_ups
from handlers.world import Entry, World

EVERY_SECONDS = 5.0


async def verify(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of EXECUTED: look until every pull works or the time is up."""
    change = next(c for c in reversed(incident.changes) if c.finished and not c.error and not c.undone_by)
    assert change.finished is not None  # noqa: S101  narrows the type; the line above chose it so
    deadline = change.finished + change.settles_in
    proofs = frozenset(check.id for check in world.catalog.checks if check.proof)
    exchanged = any(_instead_of(pull, incident) for pull in incident.pulls)
    while True:
        findings = await _look(incident, change, world)
        if not await _is_still(incident, world):
            return  # somebody pressed a button, or more fails: it goes on from there
        if _cured(findings, change) and incident.fails_otherwise(incident.pulls):
            yield incident.uncovered(f"{change.title}: that is cured, and now it fails for another reason")
            return
        if _pulled(findings, proofs) and all(f.verdict.status is Status.PASS for f in findings):
            await _note(incident, "verified", world, findings)
            yield incident.verification(findings).resolved(_how(findings, proofs, exchanged=exchanged))
            return
        if world.now() >= deadline:
            await _note(incident, "not verified", world, findings)
            moved = incident.verification(findings)
            yield moved.handed_over(_why_not(findings, proofs))
            return
        if _verdicts(findings) != _verdicts(incident.verified):
            yield (incident := incident.verification(findings))
        # Where pods ask for something else, new ones are made anyway.
        if _cured(findings, change) and not incident.offers_follow_up and not exchanged:
            offers = await follow_ups(
                incident.pulls,
                catalog=world.catalog,
                remedies=world.remedies,
                roots=world.roots(incident.cluster),
                memo=Memo(),
                enabled=world.rules.enabled,
            )
            yield (incident := incident.followed_up(offers))
        await world.pause(EVERY_SECONDS)


async def _is_still(incident: Incident, world: World) -> bool:
    now = await world.store.load(incident.id)
    return now.stage is incident.stage and now.pulls == incident.pulls and now.changes == incident.changes


async def _look(incident: Incident, change: Change, world: World) -> tuple[Finding, ...]:
    roots = {**world.roots(incident.cluster), Since: Since(_first_fix(incident).isoformat())}
    memo: Memo = {}
    wanted = [check for check in world.catalog.checks if check.proof or check.id == change.cures]
    asked = [{**roots, FailedPull: pull, **_instead_of(pull, incident)} for pull in incident.pulls]
    found = [await _judge(check, one, memo, world) for one in asked for check in wanted]
    return tuple(finding for finding in found if finding is not None)


async def _judge(check: Check, roots: Mapping[Any, object], memo: Memo, world: World) -> Finding | None:
    pull = roots[FailedPull]
    assert isinstance(pull, FailedPull)  # noqa: S101  narrows the type
    return await judge(check, pull, Resolver(world.catalog, roots, memo))


def _instead_of(pull: FailedPull, incident: Incident) -> Mapping[Any, object]:
    """What to look at instead of ``pull`` since the changes; nothing where it is still asked for."""
    instead: dict[Any, object] = {}
    for change in incident.changes[incident.changes_before :]:
        if change.finished and not change.error and not change.undone_by:
            for step in change.steps:
                now = instead.get(FailedPull, pull)
                assert isinstance(now, FailedPull)  # noqa: S101  narrows the type
                instead.update(step.instead_of(now))
    return instead


def _how(findings: tuple[Finding, ...], proofs: frozenset[str], *, exchanged: bool) -> str:
    if not exchanged:
        return "verified: the image was pulled after the fix"
    return "verified: " + next(f.verdict.summary for f in findings if f.check in proofs)


def _first_fix(incident: Incident) -> datetime:
    """A restart after a fix must not hide a pull that succeeded between the two; an earlier look may."""
    changes = incident.changes[incident.changes_before :]
    return min(c.finished for c in changes if c.finished and not c.error and not c.undone_by)


def _pulled(findings: tuple[Finding, ...], proofs: frozenset[str]) -> bool:
    """A cured check alone proves nothing."""
    return any(f.check in proofs and f.verdict.status is Status.PASS for f in findings)


def _why_not(findings: tuple[Finding, ...], proofs: frozenset[str]) -> str:
    pulls = [f.verdict for f in findings if f.check in proofs]
    unread = next((one.summary for one in pulls if one.status is Status.UNKNOWN), "")
    if unread:
        return f"the fix was applied, but whether the image was pulled since is not known: {unread}"
    return "the fix was applied, but no pull has succeeded since"


def _cured(findings: tuple[Finding, ...], change: Change) -> bool:
    return all(f.verdict.status is Status.PASS for f in findings if f.check == change.cures)


def _verdicts(findings: tuple[Finding, ...]) -> set[tuple[str, str, Status]]:
    return {(f.check, "/".join(f.subject.key), f.verdict.status) for f in findings}


async def _note(incident: Incident, what: str, world: World, findings: tuple[Finding, ...]) -> None:
    details = tuple((f.check, f"{f.verdict.status.value}: {f.verdict.summary}") for f in findings)
    await world.journal.append(Entry(world.now(), incident.id, "pullbot", what, details))
