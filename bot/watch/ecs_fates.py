"""Whether a pull of ECS still fails: stopped tasks never start again, so newer ones tell.

A service counts as recovered when a newer task has started with the image and it has all that it wants. One
whose newer tasks start in one subnet only still fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.watch.ecs_book import StoppedTasks
from bot.watch.ecs_failures import by_group, created, failure
from bot.watch.ecs_reads import EcsReads
from bot.watch.fates import Fate
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask, parse_task
from checks.kubernetes.pods import moment
from checks.model import FailedPull, NotFound


async def task_fate(reads: EcsReads, book: StoppedTasks, pull: FailedPull) -> Fate:
    """What became of ``pull``.

    :raises Unavailable: it cannot be read
    """
    stopped = book.stopped(pull.namespace)
    failures = [one for one in map(failure, stopped) if one is not None]
    group = by_group(failures).get((pull.workload, pull.image, pull.host_kind), [])
    newest = max([moment(pull.since), *(created(one.task) for one in group)])
    kind, _, name = pull.workload.partition("/")
    try:
        if kind == "Service":
            return await _of_service(reads, pull, name, newest, stopped, failing=bool(group))
        ran = await _has_run(reads, pull, newest, stopped, family=name)
    except NotFound:
        return Fate.GONE  # with its cluster
    if ran:
        return Fate.PULLED
    return Fate.FAILING if group else Fate.GONE


async def _of_service(
    reads: EcsReads, pull: FailedPull, name: str, newest: datetime, stopped: list[EcsTask], *, failing: bool
) -> Fate:
    service = await reads.service(pull.namespace, name)
    if service is None or not service.active or not service.desired:
        return Fate.GONE
    if not await _wants(reads, service, pull.image):
        return Fate.GONE
    if service.running >= service.desired and await _has_run(reads, pull, newest, stopped, service=name):
        return Fate.PULLED
    return Fate.FAILING if failing else Fate.WAITING


async def _wants(reads: EcsReads, service: EcsService, image: str) -> bool:
    definitions = [await reads.definition(arn) for arn in service.definitions]
    return any(one is None or image in one.images for one in definitions)


async def _has_run(
    reads: EcsReads,
    pull: FailedPull,
    newest: datetime,
    stopped: Iterable[EcsTask],
    *,
    service: str = "",
    family: str = "",
) -> bool:
    """Whether a task that is newer than all that failed got as far as running the image."""
    present = [parse_task(one) for one in await reads.running(pull.namespace, service, family)]
    return any(
        one.workload == pull.workload and created(one) > newest and started_with(one, pull.image)
        for one in (*present, *stopped)
    )


def started_with(task: EcsTask, image: str) -> bool:
    """Whether the image is in the task: it has started, which takes all its images."""
    return task.started is not None and any(one.image == image for one in task.containers)
