"""Leases that last as long as we do: who holds one keeps it by saying so now and then.

Another replica gets it once we have been silent for ``TTL``, or as soon as the store knows that we are
gone. What makes a second driver harmless is the incident's version, not the lease; the lease only keeps
two from doing the same work.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from bot.store.ports import Leases, StoreDown

log = logging.getLogger(__name__)

TTL = timedelta(seconds=10)
RENEWED_EVERY = 3.0


class Tenure:
    """``owner`` names this process and no other, not even the one that takes its place after a restart."""

    def __init__(self, leases: Leases, owner: str = "") -> None:
        self._leases = leases
        self._owner = owner or f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
        self._held: dict[str, asyncio.Event] = {}  # each is set when the lease is lost

    async def hold(self, name: str) -> bool:
        """:raises StoreDown: nobody can tell whose it is"""
        try:
            held = await self._leases.hold(name, self._owner, TTL)
        except asyncio.CancelledError:  # perhaps it was given, and nobody would know
            await self.release(name)
            raise
        if held:
            self._held.setdefault(name, asyncio.Event())
        return held

    async def release(self, name: str) -> None:
        """If the store does not answer, the lease ends by itself."""
        self._held.pop(name, None)
        await asyncio.shield(asyncio.create_task(self._give_back(name)))

    async def _give_back(self, name: str) -> None:
        try:
            await self._leases.release(name, self._owner)
        except StoreDown as why:
            log.warning("the lease %s could not be given back: %s", name, why)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[bool]:
        """Hold it for a moment; whether it was given.

        :raises StoreDown: nobody can tell whose it is
        """
        held = await self.hold(name)
        try:
            yield held
        finally:
            if held:
                await self.release(name)

    async def lost(self, name: str) -> None:
        """Wait until a lease that we hold is somebody else's."""
        if name in self._held:
            await self._held[name].wait()

    async def renew(self) -> None:
        """Keep what we hold; to be called every ``RENEWED_EVERY`` seconds."""
        await asyncio.gather(*(self._renew(name) for name in list(self._held)))

    async def _renew(self, name: str) -> None:
        try:
            kept = await self._leases.hold(name, self._owner, TTL)
        except StoreDown as why:
            log.warning("the lease %s could not be renewed: %s", name, why)
            return
        if kept and name not in self._held:  # given back meanwhile
            await self.release(name)
        elif not kept and name in self._held:
            log.warning("the lease %s was taken by another replica", name)
            self._held.pop(name).set()
