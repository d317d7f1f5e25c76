"""Save, then show: the only way in which an incident changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from handlers.decision import NotAllowed, NotNow
from handlers.incident import Incident
from handlers.world import Entry, Stale, World

_TRIES = 8


async def keep(incident: Incident, world: World, *, seen: Incident | None = None) -> Incident:
    """Save and show what became of ``seen``, the incident as it was last stored; ``None``: it is new.

    Any number of transitions may lie between the two; they become one save.

    :returns: the incident as it is stored now.
    :raises Stale: somebody else saved first.
    """
    version = seen.version + 1 if seen else 0
    incident = replace(incident, changed=world.now(), version=version)
    await world.store.save(incident)
    await world.screen.show(incident)
    return incident


async def change_stored(
    incident_id: str,
    move: Callable[[Incident], Incident],
    world: World,
    *,
    audit: Entry | None = None,
) -> Incident:
    """Load, move, save; again from the start when somebody else was faster.

    ``audit`` is written before the move is saved and after it was found legal, so that no decision is
    ever missing from the trail. ``move`` may raise to refuse; nothing is written then. Where somebody
    else's save came between the two and made the move illegal, the trail says so.

    :raises NoSuchIncident: there is no such incident.
    :raises Stale: it kept changing under our hands.
    """
    told = False
    try:
        for _ in range(_TRIES):
            before = await world.store.load(incident_id)
            after = move(before)
            if after is before:
                return before
            if audit is not None and not told:
                await world.journal.append(audit)
                told = True
            with suppress(Stale):
                return await keep(after, world, seen=before)
        raise Stale(f"incident {incident_id} keeps changing; try again")
    except (NotNow, NotAllowed, Stale) as why:
        if audit is not None and told:
            details = (*audit.details, ("why", str(why)))
            await world.journal.append(replace(audit, what=f"{audit.what}: not done", details=details))
        raise
