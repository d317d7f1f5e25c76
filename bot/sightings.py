"""From what fails on a cluster now to incidents: what is new is opened, what is over is closed.

A watch tells the complete set, again and again. So nothing that happened while we were away is missed: an
incident whose pulls are not in the set is asked after, one by one, and only a real pull counts as recovery.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from bot.watch.kubernetes import Fate
from checks.model import FailedPull, Unavailable
from handlers import intake
from handlers.world import World

log = logging.getLogger(__name__)


class Sightings:
    """``fate_of`` finds out why a pull does not fail any more."""

    def __init__(self, cluster: str, fate_of: Callable[[FailedPull], Awaitable[Fate]], world: World) -> None:
        self._cluster = cluster
        self._fate_of = fate_of
        self._world = world
        self._present: tuple[FailedPull, ...] | None = None
        self._turn = asyncio.Lock()  # or an older set, told slowly, would win over a newer one

    async def tell(self, pulls: Iterable[FailedPull]) -> None:
        """This, and nothing else, fails on the cluster now.

        :raises StoreDown: it was not taken down; tell it again
        """
        present = tuple(pulls)
        async with self._turn:
            await self._take_down(present)

    async def again(self) -> None:
        """The same as told last: incidents may have changed meanwhile, and pods may have been waiting."""
        async with self._turn:
            if self._present is not None:
                await self._take_down(self._present)

    async def forget(self) -> None:
        """Another replica watches now, and knows better than what was told last."""
        async with self._turn:
            self._present = None

    async def _take_down(self, present: tuple[FailedPull, ...]) -> None:
        await intake.failing(present, self._world)
        await self._close_what_is_over({pull.key for pull in present})
        self._present = present

    async def _close_what_is_over(self, failing: set[tuple[str, ...]]) -> None:
        missing = {
            pull.key: pull
            for incident in await self._world.store.unfinished()
            if incident.cluster == self._cluster
            for pull in incident.pulls
            if pull.key not in failing and pull.key not in incident.recovered
        }
        fates = {key: await self._fate(pull) for key, pull in missing.items()}
        if pulled := [key for key, fate in fates.items() if fate is Fate.PULLED]:
            await intake.recovered(pulled, self._world)
        if gone := [key for key, fate in fates.items() if fate is Fate.GONE]:
            await intake.gone(gone, self._world)

    async def _fate(self, pull: FailedPull) -> Fate:
        try:
            return await self._fate_of(pull)
        except Unavailable as why:
            log.warning("what became of %s is not known: %s", pull.workload, why)
            return Fate.WAITING
