"""Watch a cluster for pulls that fail, and tell the complete set whenever it changes.

Telling the whole set, not differences, means that nothing is lost when we or the listener were away. Two
streams are enough: pods that are Pending, and the Failed events of those that ran before. The rest of the
cluster is never kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.watch.grouping import by_group, grouped, steady
from bot.watch.informer import Backoff, Informer, Pause
from bot.watch.pods import Failure, is_told
from bot.watch.ports import Lists
from bot.watch.surroundings import Nodes, histories
from bot.watch.suspects import EVENTS, FAILED, PENDING, PODS, EventStream, PodStream, Suspects
from checks.host import Cluster
from checks.model import FailedPull, Unavailable

log = logging.getLogger(__name__)

STALL_AFTER = timedelta(minutes=5)
SETTLE = timedelta(seconds=5)
TICK_SECONDS = 15.0
_READS_A_TICK = 40
_ASKS_WHILE_STALLING = 5  # reads of a silent pod's events in the time after which it is stalled
_SETTLES_AT_MOST = 10  # a stream of changes must not postpone the news for ever

Tell = Callable[[tuple[FailedPull, ...]], Awaitable[None]]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Watch:
    """``watched``: whether a namespace is looked at. ``tell`` is given all that fails, again and again.

    :param stall_after: a pull of which nothing is heard fails after this long
    :param settle: how long more changes are waited for before telling
    :param on_up: whether we see the cluster; called when that changes
    """

    def __init__(
        self,
        kube: Lists,
        cluster: Cluster,
        watched: Callable[[str], bool],
        tell: Tell,
        *,
        stall_after: timedelta = STALL_AFTER,
        settle: timedelta = SETTLE,
        now: Callable[[], datetime] = _wall_clock,
        on_up: Callable[[bool], None] = lambda up: None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._kube = kube
        self._cluster = cluster
        self._tell = tell
        self._stall_after = stall_after
        self._settle = settle
        self._now = now
        self._on_up = on_up
        self._pause = pause
        self._dirty = asyncio.Event()
        self._suspects = Suspects(kube, watched, self._dirty.set)
        self._nodes = Nodes(kube)
        self._told: dict[tuple[str, ...], FailedPull] = {}
        self._up = {"pods": False, "events": False}
        self._was_up: bool | None = None
        self._listed = asyncio.Event()
        self._events_tried = asyncio.Event()

    @property
    def kept(self) -> int:
        """How many things are remembered; it grows with what fails, not with the cluster."""
        return len(self._suspects) + len(self._nodes) + len(self._told)

    async def run(self) -> None:
        """Until cancelled."""
        pods = Informer(
            self._kube, PODS, PENDING, PodStream(self._suspects), pause=self._pause, up=self._pods_are_up
        )
        events = Informer(
            self._kube, EVENTS, FAILED, EventStream(self._suspects), pause=self._pause, up=self._events_are_up
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(pods.run())
            await self._listed.wait()  # so that the first events find their pods
            group.create_task(events.run())
            await self._events_tried.wait()
            group.create_task(self._tick())
            group.create_task(self._telling())

    # ---- what is seen

    def _pods_are_up(self, up: bool) -> None:
        if up:
            self._listed.set()
        self._is_up("pods", up)

    def _events_are_up(self, up: bool) -> None:
        """Without events much is still seen, so nobody waits for ever for them."""
        self._events_tried.set()
        self._is_up("events", up)

    def _is_up(self, which: str, up: bool) -> None:
        self._up[which] = up
        all_up = all(self._up.values())
        if up and not all_up and self._was_up is None:
            return  # still starting
        if all_up != self._was_up:
            self._was_up = all_up
            self._on_up(all_up)

    async def _tick(self) -> None:
        """What no stream tells: that nothing happened, and that a pod that ran before is fine again."""
        while True:
            await self._pause(TICK_SECONDS)
            try:
                await self._look_for_stalls()
                await self._look_at_running()
            except Exception:
                log.exception("looking after silent pods on %s failed", self._cluster.name)
            self._dirty.set()

    async def _look_for_stalls(self) -> None:
        now = self._now()
        created, asked = now - self._stall_after, now - self._stall_after / _ASKS_WHILE_STALLING
        silent = self._suspects.perhaps_stalled(created, asked)[:_READS_A_TICK]
        self._suspects.learn(await histories(self._kube, silent), silent, now)

    async def _look_at_running(self) -> None:
        for one in self._suspects.running[:_READS_A_TICK]:
            try:
                await self._suspects.look_at(one.namespace, one.name, one.uid)
            except Unavailable as why:
                log.warning("%s/%s: %s", one.namespace, one.name, why)

    # ---- what is told

    async def _telling(self) -> None:
        backoff = Backoff()
        first = True
        while True:
            await self._dirty.wait()
            await self._settled()
            try:
                pulls = await self._present()
                if first or {pull.key: pull for pull in pulls} != self._told:
                    await self._tell(pulls)
            except Exception:
                log.exception("what fails on %s could not be told; it is told again", self._cluster.name)
                self._dirty.set()
                await self._pause(backoff.seconds())
                continue
            self._told = {pull.key: pull for pull in pulls}
            first = False
            backoff.reset()

    async def _settled(self) -> None:
        """Wait while more begins to fail. What fails already says so again and again, and delays nothing."""
        failing = self._failing()
        for _ in range(_SETTLES_AT_MOST):
            self._dirty.clear()
            await self._pause(self._settle.total_seconds())
            before, failing = failing, self._failing()
            if failing == before:
                return

    def _failing(self) -> set[tuple[str, ...]]:
        return {(one.pod.uid, one.container, one.image) for one in self._failures()}

    async def _present(self) -> tuple[FailedPull, ...]:
        found = await self._with_causes(self._failures())
        nodes = {one.pod.node for one in found if not one.pod.fargate_profile}
        self._nodes.keep(nodes)
        await self._nodes.learn(nodes)
        pulls = grouped(self._cluster.name, found, self._nodes.kind)
        return tuple(steady(pull, self._told.get(pull.key)) for pull in pulls)

    async def _with_causes(self, found: list[Failure]) -> list[Failure]:
        """Read the events of one pod of every group that nothing is known of."""
        ask = []
        for mine in by_group(found, lambda pod: pod.node).values():
            if not any(is_told(one) for one in mine):
                ask += [one.pod for one in mine if not self._suspects.was_asked(one.pod.uid)][:1]
        if not ask:
            return found
        now = self._now()
        self._suspects.learn(await histories(self._kube, ask), ask, now)
        self._dirty.clear()
        return self._failures()

    def _failures(self) -> list[Failure]:
        return self._suspects.failures(self._stall_after)
