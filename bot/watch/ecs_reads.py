"""What watching asks of ECS, in the sizes that its API takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checks.aws.ecs_definitions import TaskDefinition, parse_definition
from checks.aws.ecs_services import EcsService, parse_service
from checks.aws.facts import Aws, Grant
from checks.model import NotFound

GRANTS = (
    Grant(
        (
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListClusters",
            "ecs:ListTasks",
        )
    ),
)
_TASKS_AT_ONCE = 100  # docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html


class EcsReads:
    """All raise ``Unavailable`` as ``Aws`` does, and ``NotFound`` where there is no such cluster."""

    def __init__(self, aws: Aws, region: str) -> None:
        self._aws = aws
        self._region = region
        self._definitions: dict[str, TaskDefinition | None] = {}

    async def clusters(self) -> list[str]:
        """Names."""
        arns = (await self._ask("list_clusters")).get("clusterArns", ())
        return sorted(str(arn).rpartition("/")[2] for arn in arns)

    async def stopped(self, cluster: str) -> list[str]:
        """The ids of the tasks that have stopped and are still shown."""
        return await self._list(cluster, desiredStatus="STOPPED")

    async def running(self, cluster: str, service: str, family: str) -> Sequence[Mapping[str, Any]]:
        """The tasks of a service, or else of a family, that are to run."""
        which = {"serviceName": service} if service else {"family": family}
        return await self.tasks(cluster, await self._list(cluster, desiredStatus="RUNNING", **which))

    async def tasks(self, cluster: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Those of them that ECS still shows."""
        found: list[Mapping[str, Any]] = []
        for at in range(0, len(ids), _TASKS_AT_ONCE):
            some = list(ids[at : at + _TASKS_AT_ONCE])
            found += (await self._ask("describe_tasks", cluster=cluster, tasks=some)).get("tasks", ())
        return found

    async def service(self, cluster: str, name: str) -> EcsService | None:
        answer = await self._ask("describe_services", cluster=cluster, services=[name])
        return next((parse_service(one) for one in answer.get("services", ())), None)

    async def definition(self, arn: str) -> TaskDefinition | None:
        """A revision never changes, so it is read once."""
        if arn not in self._definitions:
            try:
                answer = await self._ask("describe_task_definition", taskDefinition=arn)
                self._definitions[arn] = parse_definition(answer["taskDefinition"])
            except NotFound:
                self._definitions[arn] = None
        return self._definitions[arn]

    async def _list(self, cluster: str, **which: str) -> list[str]:
        answer = await self._ask("list_tasks", cluster=cluster, **which)
        return [str(arn).rpartition("/")[2] for arn in answer.get("taskArns", ())]

    async def _ask(self, operation: str, **params: Any) -> Mapping[str, Any]:
        return await self._aws("ecs", operation, region=self._region, **params)
