"""What cannot pull its image on ECS: asked once, or watched.

Tasks that stopped are listed while ECS shows them, for about an hour; each is read once. Events tell of them
sooner, where they are sent to us. A failure is over when a newer task runs, or nobody wants one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.watch.ecs_book import StoppedTasks
from bot.watch.ecs_events import Queue, listen, stopped_task
from bot.watch.ecs_failures import by_group, failure, pull_of
from bot.watch.ecs_fates import task_fate
from bot.watch.ecs_reads import EcsReads
from bot.watch.ecs_targets import EcsTarget, ecs_target
from bot.watch.eyes import STANDARD, Patience, Tell
from bot.watch.fates import Fate
from bot.watch.informer import Backoff
from bot.watch.targets import NoSuchTarget
from checks.aws.facts import Aws
from checks.host import Cluster
from checks.model import FailedPull, NotFound, Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks: ``busy`` while something fails, doubled up to ``quiet`` while nothing does."""

    busy: float = 15.0
    quiet: float = 120.0

    def after(self, last: float, *, busy: bool) -> float:
        return self.busy if busy else min(2 * last, self.quiet)


_PACE = Pace()


class EcsEyes:
    """``book``: the stopped tasks that facts are told of, too.

    ``account``: whose events are ours, "" for anybody's.
    ``queue``: where events come from; others bring them to ``heard``.
    """

    repeats = True

    def __init__(
        self,
        aws: Aws,
        cluster: Cluster,
        book: StoppedTasks,
        *,
        account: str = "",
        queue: Queue[Any] | None = None,
        pace: Pace = _PACE,
    ) -> None:
        self._cluster = cluster
        self._book = book
        self._account = account
        self._queue = queue
        self._pace = pace
        self._reads = EcsReads(aws, cluster.region)
        self._news = asyncio.Event()

    # ---- once

    async def failing_now(
        self, namespace: str, target: str, patience: Patience = STANDARD
    ) -> tuple[FailedPull, ...]:
        """See ``Eyes``. ``namespace``: an ECS cluster's name, "" for all of the region."""
        del patience  # a task that waits for its image says nothing until it stops
        wanted = ecs_target(namespace, target)
        if wanted.region not in ("", self._cluster.region):
            raise NoSuchTarget(f"{target} is in {wanted.region}, and this looks at {self._cluster.region}")
        if wanted.task:
            return await self._one_task(wanted)
        if wanted.service:
            await self._expect_service(wanted)
        names = [wanted.cluster] if wanted.cluster else await self._reads.clusters()
        for name in names:
            await self._or_no_cluster(name, self._list(name))
        found = await self._failing(names)
        return tuple(one for one in found if wanted.service in ("", one.workload.removeprefix("Service/")))

    async def _one_task(self, wanted: EcsTarget) -> tuple[FailedPull, ...]:
        """Whatever became of its service since: somebody asks for this very task."""
        known = self._book.recall(wanted.cluster, wanted.task)
        shown = [known] if known else await self._or_no_cluster(wanted.cluster, self._ask_for(wanted))
        if not shown:
            raise NoSuchTarget(
                f"ECS shows no task {wanted.task} in {wanted.cluster}: either there was none, or it stopped "
                "more than an hour ago"
            )
        found = failure(self._book.note(shown[0]))
        return (pull_of(self._cluster.name, wanted.cluster, [found]),) if found else ()

    async def _ask_for(self, wanted: EcsTarget) -> list[Any]:
        return await self._reads.tasks(wanted.cluster, [wanted.task])

    async def _expect_service(self, wanted: EcsTarget) -> None:
        asked = self._reads.service(wanted.cluster, wanted.service)
        if await self._or_no_cluster(wanted.cluster, asked) is None:
            raise NoSuchTarget(f"ECS has no service {wanted.service} in {wanted.cluster}")

    async def _or_no_cluster(self, cluster: str, asked: Any) -> Any:
        try:
            return await asked
        except NotFound:
            region = self._cluster.region
            raise NoSuchTarget(f"ECS has no cluster {cluster} in {region}") from None

    # ---- all the time

    async def fate(self, pull: FailedPull) -> Fate:
        return await task_fate(self._reads, self._book, pull)

    async def watch(
        self,
        watched: Callable[[str], bool],
        tell: Tell,
        on_up: Callable[[bool], None],
        patience: Patience = STANDARD,
    ) -> None:
        async with asyncio.TaskGroup() as group:
            if self._queue is not None:
                group.create_task(listen(self._queue, self.heard))
            group.create_task(self._poll(watched, tell, on_up, patience))

    async def _poll(
        self, watched: Callable[[str], bool], tell: Tell, on_up: Callable[[bool], None], patience: Patience
    ) -> None:
        wait, backoff = self._pace.busy, Backoff()
        while True:
            try:
                names = [name for name in await self._reads.clusters() if watched(name)]
                for name in names:
                    await self._list_if_there(name)
                wait = self._pace.after(wait, busy=await self._tell(names, tell))
                backoff.reset()
                on_up(True)
            except Unavailable as why:
                log.warning("%s: %s", self._cluster.name, why)
                on_up(False)
                wait = backoff.seconds()
            except Exception:
                log.exception("looking at %s failed; it is looked at again", self._cluster.name)
                wait = backoff.seconds()
            await self._wait(wait, patience.settle.total_seconds())

    async def _tell(self, names: Iterable[str], tell: Tell) -> bool:
        pulls = await self._failing(names)
        await tell(pulls)
        return bool(pulls)

    async def _wait(self, seconds: float, settle: float) -> None:
        """Until it is time, or an event came in and no more come at once."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(settle)
        self._news.clear()

    def heard(self, event: Any) -> bool:
        tree = stopped_task(event, self._cluster.region, self._account)
        if tree is None:
            return False
        try:
            task = self._book.note(tree)
        except ValueError as why:
            log.warning("an event of ECS is not understood: %s", why)
            return False
        if failure(task) is not None:
            self._news.set()
        return True

    # ---- what is seen

    async def _list(self, name: str) -> None:
        """Read the stopped tasks that are new to us.

        :raises NotFound: there is no such cluster
        """
        fresh = [one for one in await self._reads.stopped(name) if not self._book.knows(name, one)]
        for tree in await self._reads.tasks(name, fresh):
            self._book.note(tree)

    async def _list_if_there(self, name: str) -> None:
        try:
            await self._list(name)
        except NotFound:
            log.info("the cluster %s is gone", name)

    async def _failing(self, names: Iterable[str]) -> tuple[FailedPull, ...]:
        return tuple([one for name in names for one in await self._failing_in(name)])

    async def _failing_in(self, name: str) -> list[FailedPull]:
        failures = [one for one in map(failure, self._book.stopped(name)) if one is not None]
        pulls = [pull_of(self._cluster.name, name, mine) for mine in by_group(failures).values()]
        fates = await asyncio.gather(*map(self.fate, pulls))
        return [pull for pull, fate in zip(pulls, fates, strict=True) if fate is Fate.FAILING]
