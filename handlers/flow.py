"""The pipeline, whole: which handler moves an incident on from each stage.

A handler is an async generator of incidents. Each one it yields is saved and shown, so partial
results, restarts and chat updates need no code of their own: after a crash, load every incident
that is not finished and call ``advance``.

A stage that is missing here waits for a person.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import cast

from handlers.diagnosis import look
from handlers.execution import begin, carry_out, undo
from handlers.hearing import hear
from handlers.incident import Incident, Stage
from handlers.saving import keep
from handlers.verification import verify
from handlers.world import Stale, World

_OVERTAKEN_AT_MOST = 20  # in a row

Handler = Callable[[Incident, World], AsyncIterator[Incident]]

NEXT: Mapping[Stage, Handler] = {
    Stage.LOOKING: look,
    Stage.APPROVED: begin,
    Stage.EXECUTING: carry_out,
    Stage.EXECUTED: verify,
    Stage.HEARING: hear,
    Stage.UNDOING: undo,
}


async def advance(incident_id: str, world: World) -> Incident:
    """Move the stored incident on until a person is needed or it is over.

    Somebody else's save (a click) ends the handler at its next yield; the incident is then loaded
    anew and goes on from wherever it is.

    :raises NoSuchIncident: there is no such incident.
    :raises Stale: others are always faster; try again later.
    """
    overtaken = 0
    while True:
        incident = await world.store.load(incident_id)
        handler = NEXT.get(incident.stage)
        if handler is None:
            return incident
        states = cast(AsyncGenerator[Incident, None], handler(incident, world))
        async with aclosing(states):
            try:
                async for moved in states:
                    incident = await keep(moved, world, seen=incident)
                    overtaken = 0
            except Stale:
                overtaken += 1
                if overtaken > _OVERTAKEN_AT_MOST:
                    raise
