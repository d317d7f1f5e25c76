"""Carry out an approved plan, step by step; walk back if a step fails; put everything back on undo.

Only this module and ``handlers.hearing`` ask for write clients. Every step is journalled before and after, so
that whoever comes after a crash knows which steps may have been written. A step whose ``after``
already holds and that the journal shows as started is ours: it is counted, never repeated.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from checks.diagnose import ask
from checks.graph import needs_of
from checks.model import FailedPull, NotApplicable, Status, Unavailable
from checks.resolve import Memo, Resolver
from handlers.decision import Change, NotNow, Request
from handlers.incident import Incident
from handlers.progress import shown_while
from handlers.remedy import Conflict, Plan, Refused, Remedy, Standing, Step
from handlers.world import Entry, Hands, World

log = logging.getLogger(__name__)


async def begin(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of APPROVED: plan again from fresh facts; another plan means that the world moved."""
    assert incident.request is not None  # noqa: S101  narrows the type; the stage guarantees it
    digest = incident.request.digest
    why = _too_old(incident.request, world) or await _moved(incident, digest, world)
    if why:
        await _note(incident, "plan refused", world, plan=digest, why=why)
        yield incident.outdated(why)
        return
    moved = incident.executing(world.now())
    await _note(moved, "execution begun", world, plan=digest, remedy=moved.changes[-1].remedy)
    yield moved


def _too_old(request: Request, world: World) -> str:
    """An approval is for now, not for when we are back after a long night."""
    approved = max(one.at for one in request.approvals)
    return "the approval came too long ago" if world.now() > approved + world.rules.expires else ""


async def _moved(incident: Incident, digest: str, world: World) -> str:
    """Why the approved plan is not what would be planned now; "" if it still is."""
    try:
        wanted = incident.offer(digest).remedy
    except NotNow:
        return "the approved plan is of another version of pullbot"
    remedy = next((one for one in world.remedies if one.id == wanted), None)
    if remedy is None or remedy.id not in world.rules.enabled:
        return f"{wanted} is not enabled any more"
    roots, memo = world.roots(incident.cluster), Memo()
    why = "the plan is not the same any more: what it would change has changed since it was proposed"
    # A question is about the very pods that were looked at, however many failed since.
    for pull in incident.looked_at if remedy.asks else incident.pulls:
        resolver = Resolver(world.catalog, {**roots, FailedPull: pull}, memo)
        if healthy := await _needs_no_cure(remedy, resolver):
            why = healthy
            continue
        try:
            plans = remedy(*await resolver.arguments(remedy.needs))
        except (Refused, Unavailable) as reason:
            why = str(reason)
            continue
        except NotApplicable:
            continue
        except Exception as error:
            log.exception("remedy %s crashed", remedy.id)
            why = f"it crashed while planning ({type(error).__name__}); the log has more"
            continue
        if any(plan.digest == digest for plan in plans):
            return ""
    return why


async def _needs_no_cure(remedy: Remedy, resolver: Resolver) -> str:
    """Why there is nothing to cure here any more; "" if the check still fails."""
    why = ""
    for check in remedy.all_cures:
        verdict = await ask(check, resolver)
        if verdict is not None and verdict.status is Status.FAIL:
            return ""
        if verdict is not None or not why:
            say = verdict.summary if verdict is not None else "it does not concern this pull any more"
            why = f"what it would cure does not fail now: {say}"
    return why


async def carry_out(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of EXECUTING, whether just begun or found after a crash."""
    change = incident.changes[-1]
    try:
        plan = incident.offer(change.digest).plan
    except NotNow:
        yield incident.handed_over("it was begun by another version of pullbot; look at what was changed")
        return
    assert plan is not None  # noqa: S101  ``offer`` finds only offers with a plan
    hands = world.hands(incident.cluster)
    failure = await _earlier_failure(incident, change, world)
    if failure is not None:  # killed while walking back: steps that count as done may be back already
        yield await _walked_back(incident, plan, failure, hands, world)
        return
    for index in range(len(change.steps), len(plan.steps)):
        try:
            done = await _take(plan.steps[index], index, incident, hands, world)
        except Exception as error:
            failure = await _failed(error, index, plan.steps[index], incident, hands=hands, world=world)
            yield await _walked_back(incident, plan, failure, hands, world)
            return
        yield (incident := incident.stepped(done))
    await _note(incident, "execution finished", world, plan=change.digest)
    yield incident.executed(world.now())


async def _take(step: Step, index: int, incident: Incident, hands: Hands, world: World) -> Step:
    change = incident.changes[-1]
    where = await call(step.look, hands)
    mine = await _was_started(incident, change, index, world)
    if where is Standing.AFTER and mine:
        return step  # written before a crash; never twice
    if where is not Standing.BEFORE:
        raise Conflict(f"{step.diff().target} is not as the plan saw it; somebody changed it meanwhile")
    await _note(incident, "step started", world, **_step_details(step, change, index))
    try:
        done = await _written(step, hands, incident, world)
    except Conflict:
        await _note(incident, "step refused", world, **_step_details(step, change, index))
        raise
    except Unavailable:
        # The answer may have been lost after the change was made.
        if await call(step.look, hands) is not Standing.AFTER:
            raise
        done = step
    await _note(incident, "step finished", world, **_step_details(done, change, index))
    return done


async def _was_started(incident: Incident, change: Change, index: int, world: World) -> bool:
    marks = {("run", change.started.isoformat()), ("step", str(index))}
    started = False
    async for entry in world.journal.entries(incident.id):
        if entry.what in ("step started", "step refused") and marks <= set(entry.details):
            started = entry.what == "step started"
    return started


@dataclass(frozen=True, slots=True)
class _Failure:
    """``written``: the failing step may have been made all the same."""

    index: int
    error: str
    written: bool


async def _failed(
    error: Exception, index: int, step: Step, incident: Incident, *, hands: Hands, world: World
) -> _Failure:
    change = incident.changes[-1]
    if not isinstance(error, Conflict | Unavailable):
        log.exception("step %d of %s crashed", index, change.remedy)
    say = str(error) if isinstance(error, Conflict | Unavailable) else type(error).__name__
    written = False
    if await _was_started(incident, change, index, world):
        try:
            written = await call(step.look, hands) is not Standing.BEFORE
        except Exception as why:
            log.warning("nobody can tell whether step %d of %s was made: %s", index, change.remedy, why)
            written = True
    await _note(
        incident, "step failed", world,
        run=change.started.isoformat(), step=str(index), error=say, written="perhaps" if written else "no",
    )  # fmt: skip
    return _Failure(index, say, written)


async def _earlier_failure(incident: Incident, change: Change, world: World) -> _Failure | None:
    async for entry in world.journal.entries(incident.id):
        details = dict(entry.details)
        if entry.what == "step failed" and details["run"] == change.started.isoformat():
            return _Failure(int(details["step"]), details["error"], details["written"] == "perhaps")
    return None


async def _walked_back(
    incident: Incident, plan: Plan, failure: _Failure, hands: Hands, world: World
) -> Incident:
    """Undo the steps that were made, last first; a step that resists is left and counted."""
    if failure.written:
        incident = incident.stepped(plan.steps[failure.index])
    back = 0
    for step in reversed(incident.changes[-1].steps):
        inverse = step.inverse()
        try:
            where = await call(inverse.look, hands) if inverse else Standing.ELSEWHERE
            if inverse is None or where is Standing.ELSEWHERE:
                break
            if where is Standing.BEFORE:
                await _note(incident, "walking back", world, target=step.diff().target)
                await _put_back(inverse, hands, incident, world)
                await _note(incident, "step walked back", world, target=step.diff().target)
        except Exception:
            log.exception("walking back a step of %s failed", incident.changes[-1].remedy)
            break
        back += 1
    return incident.executed(world.now(), error=failure.error, walked_back=back)


async def undo(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of UNDOING: the inverse of every step, last first; what is back already is skipped."""
    change = incident.being_undone
    hands = world.hands(incident.cluster)
    for step in reversed(change.steps):
        inverse = step.inverse()
        if inverse is None:
            yield incident.handed_over(f"{step.diff().target} has no way back")
            return
        try:
            where = await call(inverse.look, hands)
            if where is Standing.AFTER:
                continue
            if where is Standing.ELSEWHERE:
                raise Conflict(f"{step.diff().target} was changed by somebody else since; it was left so")
            await _note(incident, "undo started", world, target=step.diff().target)
            await _put_back(inverse, hands, incident, world)
        except (Conflict, Unavailable) as error:
            await _note(incident, "undo failed", world, target=step.diff().target, error=str(error))
            yield incident.handed_over(f"undo stopped: {error}")
            return
        await _note(incident, "undo finished", world, target=step.diff().target, after=inverse.diff().after)
    yield incident.undone(f"undone by {change.undone_by}; everything is as it was before")


async def _put_back(inverse: Step, hands: Hands, incident: Incident, world: World) -> None:
    try:
        await _written(inverse, hands, incident, world)
    except Unavailable:
        # The answer may have been lost after the change was made.
        if await call(inverse.look, hands) is not Standing.AFTER:
            raise


async def _written(step: Step, hands: Hands, incident: Incident, world: World) -> Step:
    done: Step = await shown_while(lambda telling: call(step.write, telling), hands, incident.id, world)
    return done


async def call(method: Any, hands: Hands) -> Any:
    """Call a step's ``method`` with the clients that it names."""
    return await method(*(hands[need.type] for need in needs_of(method)))


def _step_details(step: Step, change: Change, index: int) -> dict[str, str]:
    diff = step.diff()
    return {
        "run": change.started.isoformat(),
        "step": str(index),
        "target": diff.target,
        "before": diff.before,
        "after": diff.after,
    }


async def _note(incident: Incident, what: str, world: World, **details: str) -> None:
    await world.journal.append(Entry(world.now(), incident.id, "pullbot", what, tuple(details.items())))
