"""Save, then show: the only way in which an incident changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handlers.incident import Incident
from handlers.world import Entry, Stale, World

_TRIES = 8


async def keep(incident: Incident, world: World) -> Incident:
    """Save what a handler yielded and show it.

    :raises Stale: somebody else saved first.
    """
    incident = replace(incident, changed=world.now())
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
    ever missing from the trail. ``move`` may raise to refuse; nothing is written then.

    :raises NoSuchIncident: there is no such incident.
    :raises Stale: it kept changing under our hands.
    """
    for _ in range(_TRIES):
        before = await world.store.load(incident_id)
        after = move(before)
        if after is before:
            return before
        if audit is not None:
            await world.journal.append(audit)
            audit = None
        try:
            return await keep(after, world)
        except Stale:
            continue
    raise Stale(f"incident {incident_id} keeps changing; try again")
