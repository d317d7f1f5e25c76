"""Moves incidents on: one task per incident, and never two at once in this process or another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.log import about_incident

log = logging.getLogger(__name__)


class Driver:
    """``advance`` moves one incident on as far as it goes.

    ``hold`` asks for the right to drive it (a lease that other replicas respect) and answers whether
    it was given; ``release`` gives it back.
    """

    def __init__(
        self,
        advance: Callable[[str], Awaitable[object]],
        hold: Callable[[str], Awaitable[bool]],
        release: Callable[[str], Awaitable[None]],
        again: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._advance = advance
        self._hold = hold
        self._release = release
        self._again = again
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked: set[str] = set()
        self._stopped = False

    def drive(self, incident_id: str) -> None:
        """Soon, and again afterwards if asked while running. Never once ``stop`` was called."""
        if self._stopped:
            return
        if incident_id in self._tasks:
            self._asked.add(incident_id)
            return
        task = asyncio.create_task(self._run(incident_id), name=f"drive {incident_id}")
        self._tasks[incident_id] = task
        task.add_done_callback(lambda _: self._done(incident_id))

    def _done(self, incident_id: str) -> None:
        self._tasks.pop(incident_id, None)
        if incident_id in self._asked:
            self._asked.discard(incident_id)
            self.drive(incident_id)

    async def _run(self, incident_id: str) -> None:
        with about_incident(incident_id):
            try:
                if not await self._hold(incident_id):
                    # Another replica drives it; should that one die, its lease runs out.
                    self._again(30.0, lambda: self.drive(incident_id))
                    return
                try:
                    await self._advance(incident_id)
                finally:
                    await self._release(incident_id)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("an incident could not be moved on; trying again in 30 s")
                self._again(30.0, lambda: self.drive(incident_id))

    async def stop(self) -> None:
        self._stopped = True
        tasks = list(self._tasks.values())
        self._asked.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
