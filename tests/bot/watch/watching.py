"""A watch that runs beside a test: what it told so far, and time that passes when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bot.clouds._kube import KubeReader
from bot.watch.watch import TICK_SECONDS, Watch
from checks.host import Cluster
from checks.model import FailedPull
from tests.fakes.kubelet import Clock

SETTLE = 5.0
Pulls = tuple[FailedPull, ...]


@dataclass
class Time:
    """Nobody waits for real. ``hold``: pauses of that length wait until ``release``."""

    pauses: list[float] = field(default_factory=list)
    held: dict[float, asyncio.Semaphore] = field(default_factory=dict)

    def hold(self, seconds: float) -> None:
        self.held[seconds] = asyncio.Semaphore(0)

    def release(self, seconds: float) -> None:
        self.held[seconds].release()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if gate := self.held.get(seconds):
            await gate.acquire()
        else:
            await asyncio.sleep(0)

    @property
    def backoffs(self) -> list[float]:
        return [one for one in self.pauses if one not in (SETTLE, TICK_SECONDS)]


@dataclass
class Watching:
    """``told``: every set, in order. ``deaf``: how often telling fails from now on."""

    watch: Watch
    time: Time
    told: list[Pulls] = field(default_factory=list)
    ups: list[bool] = field(default_factory=list)
    deaf: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self.news.clear()
                with suppress(TimeoutError):  # not everything that is waited for is news
                    async with asyncio.timeout(0.01):
                        await self.news.wait()

    async def told_of(self, *workloads: str) -> Pulls:
        """Wait until exactly these fail; gives the pulls."""
        await self.until(
            lambda: bool(self.told) and sorted(p.workload for p in self.told[-1]) == sorted(workloads)
        )
        return self.told[-1]

    async def tell(self, pulls: Pulls) -> None:
        if self.deaf:
            self.deaf -= 1
            raise ConnectionError("the store is down")
        self.told.append(pulls)
        self.news.set()

    def on_up(self, up: bool) -> None:
        self.ups.append(up)
        self.news.set()

    def tick(self) -> None:
        self.time.release(TICK_SECONDS)


@asynccontextmanager
async def watching(
    kube: KubeReader,
    clock: Clock,
    *,
    watched: Callable[[str], bool] = lambda namespace: True,
    stall_after: timedelta = timedelta(minutes=5),
) -> AsyncIterator[Watching]:
    time = Time()
    time.hold(TICK_SECONDS)

    async def tell(pulls: Pulls) -> None:
        await it.tell(pulls)

    def on_up(up: bool) -> None:
        it.on_up(up)

    watch = Watch(
        kube,
        Cluster("prod"),
        watched,
        tell,
        stall_after=stall_after,
        settle=timedelta(seconds=SETTLE),
        now=clock.now,
        on_up=on_up,
        pause=time.pause,
    )
    it = Watching(watch, time)
    task = asyncio.create_task(watch.run())
    try:
        yield it
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
