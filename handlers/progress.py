"""How far a step is that takes long: shown while it runs, and never stored, as nothing is decided by it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from handlers.incident import Incident, Stage
from handlers.world import Hands, World

log = logging.getLogger(__name__)

T = TypeVar("T")


@runtime_checkable
class Tells(Protocol):
    """A write client that hears how far its work is."""

    def telling(self, tell: Callable[[str], None]) -> Any:
        """The same client, which says it to ``tell`` in a few words."""


async def shown_while(
    work: Callable[[Hands], Awaitable[T]], hands: Hands, incident_id: str, world: World
) -> T:
    """What ``work`` answers, given clients that tell how far they are; the thread has it meanwhile."""
    news: asyncio.Queue[str] = asyncio.Queue()
    telling = {
        kind: one.telling(news.put_nowait) if isinstance(one, Tells) else one for kind, one in hands.items()
    }
    showing = asyncio.create_task(_show(news, incident_id, world), name=f"progress {incident_id}")
    try:
        return await work(telling)
    finally:
        showing.cancel()
        await asyncio.wait([showing])  # unlike awaiting it, this does not hide that we are cancelled


async def _show(news: asyncio.Queue[str], incident_id: str, world: World) -> None:
    while True:
        words = await news.get()
        while not news.empty():
            words = news.get_nowait()
        try:
            stored = await world.store.load(incident_id)
            if stored.stage in (Stage.EXECUTING, Stage.UNDOING):
                await world.screen.show(_under_way(stored, words))
        except Exception as why:
            log.warning("how far it is could not be shown: %s", why)


def _under_way(incident: Incident, words: str) -> Incident:
    """The incident as it is stored, with ``words`` at the change that is being made or put back."""
    running = incident.being_undone if incident.stage is Stage.UNDOING else incident.changes[-1]
    told = replace(running, progress=words)
    return replace(incident, changes=tuple(told if one is running else one for one in incident.changes))
