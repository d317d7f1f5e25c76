"""What people may do to an incident, and the clock's one command.

Each is refused, or saved, audited and shown.

All raise ``NotNow``, ``NotAllowed`` or ``NoSuchIncident`` with a sentence for the person who asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from handlers.decision import NotAllowed, NotNow, Person
from handlers.incident import Incident, Stage
from handlers.saving import change_stored
from handlers.world import Entry, NoSuchIncident, World


async def request(incident_id: str, digest: str, by: Person, world: World) -> Incident:
    """``Fix``: ask for approval of one exact plan. Never acts by itself."""
    expires = world.now() + world.rules.expires

    def move(incident: Incident) -> Incident:
        return incident.requested(digest, by, world.now(), expires)

    try:
        return await _decide(incident_id, "requested", by, move, world, digest=digest)
    finally:
        world.wake_at(incident_id, expires)  # an alarm for nothing is harmless, a lost answer is not


async def approve(incident_id: str, digest: str, by: Person, world: World) -> Incident:
    def move(incident: Incident) -> Incident:
        needed = 1
        if incident.request is not None and incident.stage is Stage.REQUESTED:
            needed = world.rules.approvers_needed(incident.offer(digest).risk)
        return incident.approved(
            digest, by, world.now(), second_person=world.rules.second_person, quorum=needed
        )

    return await _decide(incident_id, "approved", by, move, world, digest=digest)


async def reject(incident_id: str, digest: str, by: Person, world: World) -> Incident:
    return await _decide(incident_id, "rejected", by, lambda i: i.rejected(digest, by), world, digest=digest)


async def undo(incident_id: str, digest: str, by: Person, world: World) -> Incident:
    return await _decide(incident_id, "undo asked", by, lambda i: i.undoing(digest, by), world, digest=digest)


async def check_again(incident_id: str, by: Person, world: World) -> Incident:
    """Look at the incident anew; one that is being looked at already is left to it."""

    def move(incident: Incident) -> Incident:
        return incident if incident.stage is Stage.LOOKING else incident.look_again()

    return await _decide(incident_id, "check again", by, move, world)


async def mute(incident_id: str, by: Person, length: timedelta, world: World) -> Incident:
    """No new alerts for this incident's workloads for a while; the incident itself goes on."""
    incident = await world.store.load(incident_id)
    until = world.now() + length
    await world.journal.append(
        Entry(world.now(), incident_id, by.id, "muted", (("until", until.isoformat()),))
    )
    for pull in incident.pulls:
        await world.store.mute(f"{pull.cluster}/{pull.namespace}/{pull.workload}", until)
    return incident


async def expire(incident_id: str, world: World) -> None:
    """The clock's command: a request that nobody approved in time goes back to what it was."""
    entry = Entry(world.now(), incident_id, "pullbot", "request expired")
    try:
        await change_stored(incident_id, lambda i: i.expired(world.now()), world, audit=entry)
    except NotNow:
        return  # decided meanwhile, or asked anew and not yet due
    world.drive(incident_id)


async def _decide(
    incident_id: str,
    what: str,
    by: Person,
    move: Callable[[Incident], Incident],
    world: World,
    *,
    digest: str = "",
) -> Incident:
    details = (("plan", digest), ("name", by.name)) if digest else (("name", by.name),)
    audit = Entry(world.now(), incident_id, by.id, what, details)
    try:
        incident = await change_stored(incident_id, move, world, audit=audit)
    except (NotNow, NotAllowed, NoSuchIncident):
        raise
    except Exception:
        world.drive(incident_id)  # it may have been saved, and only the answer lost
        raise
    world.drive(incident_id)
    return incident
