"""Moves incidents on: one task per incident, and never two at once in this process or another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.log import about_incident
from handlers.world import NoSuchIncident

log = logging.getLogger(__name__)

_HELD_SECONDS = 10.0  # no longer than a lease outlives its owner
_FAILED_SECONDS = 30.0
_LATEST_SECONDS = 600.0


class Driver:
    """``advance`` moves one incident on as far as it goes.

    ``hold`` asks for the right to drive it (a lease that other replicas respect) and answers whether
    it was given; ``release`` gives it back. What fails, or is driven by another replica, is tried again:
    ``again(seconds, call)`` calls then.
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
        self._waits: dict[str, float] = {}  # seconds until the next try of what failed
        self._later: set[str] = set()  # one timer each, however often they are asked for meanwhile
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

    def remind(self, incident_id: str) -> None:
        """Drive it, unless it is due later because it failed, or is driven elsewhere."""
        if incident_id not in self._later:
            self.drive(incident_id)

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
                    self._try_again(incident_id, _HELD_SECONDS)
                    return
                try:
                    await self._advance(incident_id)
                finally:
                    await self._release(incident_id)
                self._waits.pop(incident_id, None)
            except asyncio.CancelledError:
                raise
            except NoSuchIncident:
                log.warning("an incident is not on record any more; it is left alone")
                self._waits.pop(incident_id, None)
            except Exception:
                seconds = self._waits.get(incident_id, _FAILED_SECONDS)
                if self._try_again(incident_id, seconds):
                    self._waits[incident_id] = min(2 * seconds, _LATEST_SECONDS)
                log.exception("an incident could not be moved on; trying again in %g s", seconds)

    def _try_again(self, incident_id: str, seconds: float) -> bool:
        """False: that is to happen already."""
        if incident_id in self._later:
            return False
        self._later.add(incident_id)
        self._again(seconds, lambda: self._now(incident_id))
        return True

    def _now(self, incident_id: str) -> None:
        self._later.discard(incident_id)
        self.drive(incident_id)

    async def stop(self) -> None:
        self._stopped = True
        tasks = list(self._tasks.values())
        self._asked.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
