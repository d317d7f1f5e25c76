"""Leases that last as long as we do: who holds one keeps it by saying so now and then.

Another replica gets it once we have been silent for ``TTL``. What makes a second driver harmless is the
incident's version, not the lease; the lease only keeps two from doing the same work.
"""

from __future__ import annotations

import logging
import socket
from datetime import timedelta

from bot.store.ports import Leases, StoreDown

log = logging.getLogger(__name__)

TTL = timedelta(seconds=30)
RENEWED_EVERY = TTL.total_seconds() / 3


class Tenure:
    """``owner`` names this replica; the same name after a restart takes its own leases back at once."""

    def __init__(self, leases: Leases, owner: str = "") -> None:
        self._leases = leases
        self._owner = owner or socket.gethostname()
        self._held: set[str] = set()

    async def hold(self, name: str) -> bool:
        """:raises StoreDown: nobody can tell whose it is"""
        held = await self._leases.hold(name, self._owner, TTL)
        if held:
            self._held.add(name)
        return held

    async def release(self, name: str) -> None:
        self._held.discard(name)
        await self._leases.release(name, self._owner)

    async def renew(self) -> None:
        """Keep what we hold; to be called every ``RENEWED_EVERY`` seconds."""
        for name in sorted(self._held):
            try:
                if not await self._leases.hold(name, self._owner, TTL):
                    log.warning("the lease %s was taken by another replica", name)
                    self._held.discard(name)
            except StoreDown as why:
                log.warning("the lease %s could not be renewed: %s", name, why)
