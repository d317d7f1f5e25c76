"""Did it help? A stopped task never starts again, so a newer one of the service has to have started.

All of a task's images are pulled before it starts. One that ran before the fix proves nothing, nor does one
of several where others still fail: the service has to have all the tasks that it wants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask, TaskName, parse_task
from checks.aws.facts import Aws, Grant
from checks.graph import check, fact
from checks.model import FailedPull, Leg, NotFound, Since, Verdict, failed, passed

GRANTS = (Grant(("ecs:DescribeTasks", "ecs:ListTasks")),)
_AT_ONCE = 100  # tasks that one call describes; more are not needed to know


@dataclass(frozen=True, slots=True)
class StartsSince:
    """Ids of tasks that started since the fix, and of newer ones that could not; ``said``: why."""

    started: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    said: str = ""


@fact(timeout=30)
async def starts_since(
    pull: FailedPull, since: Since, name: TaskName, service: EcsService | None, aws: Aws
) -> StartsSince:
    fixed = datetime.fromisoformat(since.time)
    fixed = fixed if fixed.tzinfo else fixed.replace(tzinfo=UTC)
    kind, _, workload = pull.workload.partition("/")
    which = {"serviceName": workload} if kind == "Service" else {"family": workload}
    both = await asyncio.gather(*(_tasks(name, which, status, aws) for status in ("RUNNING", "STOPPED")))
    mine = [one for some in both for one in some if one.workload == pull.workload and _has(one, pull.image)]
    failing = [one for one in mine if _failed_after(one, fixed)]
    return StartsSince(
        started=_ids(one for one in mine if one.started is not None and (one.pulled or one.started) > fixed),
        failing=_ids(failing),
        said=next((_said(one) for one in failing), ""),
    )


@check(
    "A task has started since the fix",
    leg=Leg.LAYERS,
    explains=set(),
    proof=True,
    page="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html",
)
def task_was_started(pull: FailedPull, since: StartsSince, service: EcsService | None) -> Verdict:
    evidence = [("Started since the fix", ", ".join(since.started))] if since.started else []
    if since.failing:
        evidence.append(("Still failing", ", ".join(since.failing)))
        evidence.append(("Message", since.said))
    if service is not None and service.running < service.desired:
        has = f"{service.name} has {service.running} of {service.desired} tasks"
        return failed(f"{has}, {len(since.started)} of them started since the fix", *evidence)
    if since.started:
        return passed(f"{pull.image} was pulled for a task that started after the fix", *evidence)
    if pull.workload.startswith("Task/"):
        return failed(f"nobody has run {pull.workload} since the fix: start it again", *evidence)
    return failed(f"no task of {pull.workload} has started since the fix yet", *evidence)


async def _tasks(name: TaskName, which: dict[str, str], status: str, aws: Aws) -> list[EcsTask]:
    where = {"region": name.region, "cluster": name.cluster}
    try:
        arns = (await aws("ecs", "list_tasks", **where, desiredStatus=status, **which)).get("taskArns", ())
        if not arns:
            return []
        answer = await aws("ecs", "describe_tasks", **where, tasks=list(arns[:_AT_ONCE]))
    except NotFound:
        return []
    return [parse_task(one) for one in answer.get("tasks", ())]


def _has(task: EcsTask, image: str) -> bool:
    return any(one.image == image for one in task.containers)


def _failed_after(task: EcsTask, fixed: datetime) -> bool:
    never_ran = task.last_status == "STOPPED" and task.started is None
    return never_ran and task.created is not None and task.created > fixed


def _said(task: EcsTask) -> str:
    return next((one.reason for one in task.containers if one.reason), task.stopped_reason)


def _ids(tasks: Iterable[EcsTask]) -> tuple[str, ...]:
    return tuple(sorted(one.id for one in tasks))
