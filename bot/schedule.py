"""The alarm clock: what happens at a time, and what happens again and again.

Nothing of it is stored. The incidents say when they expire, so after a restart the alarms are set
again from them (``wake_for``), and what fell due meanwhile rings at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import (  # type: ignore[import-untyped]  # APScheduler 3 has no types
    AsyncIOScheduler,
)

from bot.log import about_incident
from handlers.incident import Incident

log = logging.getLogger(__name__)


class Alarms:
    """``ring`` gets an incident's id when its time has come; if it raises, again after ``patience``.

    Make and start it inside a running event loop.
    """

    def __init__(
        self, ring: Callable[[str], Awaitable[object]], patience: timedelta = timedelta(seconds=30)
    ) -> None:
        self._ring = ring
        self._patience = patience
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """Silence; what rings just now is cancelled. Harmless before ``start``."""
        if not self._scheduler.running:
            return
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # the scheduler shuts down in the loop's next round

    def wake_at(self, incident_id: str, when: datetime) -> None:
        """Ring then, or at once if that is past. An incident has one alarm; a new one replaces it."""
        # Without a limit on lateness: an expiry that a busy or sleeping machine missed still counts.
        self._scheduler.add_job(
            self._wake, "date", run_date=when, args=[incident_id], id=f"wake {incident_id}",
            replace_existing=True, misfire_grace_time=None,
        )  # fmt: skip

    def wake_for(self, incidents: Iterable[Incident]) -> None:
        """Set the alarms of incidents that wait for an approval."""
        for incident in incidents:
            if incident.request is not None:
                self.wake_at(incident.id, incident.request.expires)

    def every(self, seconds: float, do: Callable[[], Awaitable[object]]) -> None:
        """Call ``do`` now and then every so often, never twice at once. What it raises is logged."""

        async def once() -> None:
            try:
                await do()
            except Exception:
                log.exception("a periodic job failed; it runs again in %s s", seconds)

        self._scheduler.add_job(
            once, "interval", seconds=seconds, next_run_time=datetime.now(UTC),
            coalesce=True, max_instances=1, misfire_grace_time=None,
        )  # fmt: skip

    async def _wake(self, incident_id: str) -> None:
        with about_incident(incident_id):
            try:
                await self._ring(incident_id)
            except Exception:
                log.exception("an alarm could not be answered; it rings again in %s", self._patience)
                self.wake_at(incident_id, datetime.now(UTC) + self._patience)
