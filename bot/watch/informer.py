"""List, then watch, then list again only if the server has forgotten where we were.

A watch ends all the time, by agreement or by accident, and goes on from the last version seen. Every failure
waits longer than the one before it, and no server that closes watches at once makes us run hot.
"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

from bot.watch.ports import Gone, Lists, Tree
from checks.model import Unavailable

log = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[None]]
_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0


class Keeps(Protocol):
    """Whoever keeps what is seen."""

    async def replace(self, trees: AsyncIterator[Tree]) -> None:
        """This is all there is. Raises what iterating raises; then nothing was replaced."""

    async def changed(self, kind: str, tree: Tree) -> None:
        """``kind``: ADDED, MODIFIED or DELETED."""


class Backoff:
    """Seconds to wait after one failure more: twice as many each time, half of them by chance."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._next = _FIRST_SECONDS

    def reset(self) -> None:
        self._next = _FIRST_SECONDS

    def seconds(self) -> float:
        now, self._next = self._next, min(2 * self._next, _LONGEST_SECONDS)
        return now / 2 + now / 2 * self._chance()


class Informer:
    """``up`` is told whether what is kept is what the server has, as far as we know."""

    def __init__(
        self,
        kube: Lists,
        path: str,
        fields: str,
        keeps: Keeps,
        *,
        pause: Pause,
        up: Callable[[bool], None],
    ) -> None:
        self._kube = kube
        self._path = path
        self._fields = fields
        self._keeps = keeps
        self._pause = pause
        self._up = up
        self._backoff = Backoff()
        self._version = ""  # "": list first
        self._failed = 0  # times in a row

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except Gone as why:
                log.info("%s is listed again: %s", self._path, why)
                self._version = ""
            except Unavailable as why:
                log.warning("%s: %s", self._path, why)
                self._has_failed()
            except Exception:
                log.exception("watching %s crashed; it is listed again", self._path)
                self._version = ""
                self._has_failed()
            await self._pause(self._backoff.seconds())

    def _has_failed(self) -> None:
        self._failed += 1
        # A watch that breaks is nothing; one that cannot be had again is.
        if not self._version or self._failed > 1:
            self._up(False)

    def _works(self) -> None:
        self._failed = 0
        self._backoff.reset()
        self._up(True)

    async def _list(self) -> None:
        trees, version = await self._kube.snapshot(self._path, fieldSelector=self._fields)
        async with aclosing(trees):
            await self._keeps.replace(trees)
        self._version = version
        self._failed = 0
        self._up(True)

    async def _watch(self) -> None:
        """Until the server ends it; without a single event that looks like refusal, so the pause grows."""
        events = self._kube.watch(self._path, self._version, fieldSelector=self._fields)
        async with aclosing(events):
            async for event in events:
                kind, tree = str(event.get("type")), event.get("object") or {}
                version = str((tree.get("metadata") or {}).get("resourceVersion") or "")
                if kind != "BOOKMARK":
                    await self._keeps.changed(kind, tree)
                self._version = version or self._version
                self._works()
