"""Whether ECS itself still shows the task: what others are to look at must be there, whatever we remember."""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_tasks import TaskName
from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.model import NotFound

GRANTS = (Grant(("ecs:DescribeTasks",)),)


@dataclass(frozen=True, slots=True)
class ShownTask:
    name: TaskName
    shown: bool


@fact()
async def shown_task(name: TaskName, aws: Aws) -> ShownTask:
    try:
        answer = await aws("ecs", "describe_tasks", region=name.region, cluster=name.cluster, tasks=[name.id])
    except NotFound:
        return ShownTask(name, False)
    return ShownTask(name, bool(answer.get("tasks")))
