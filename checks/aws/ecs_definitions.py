"""What a task is made from: its task definition, and the role that ECS acts as on its behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.ecs_tasks import EcsTask
from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.model import FailedPull, NotFound, Unavailable

GRANTS = (Grant(("ecs:DescribeTaskDefinition",)),)


@dataclass(frozen=True, slots=True)
class DefinedContainer:
    """``credentials`` is the ARN of the secret with which it is pulled from a private registry, or ""."""

    name: str
    image: str
    credentials: str


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """``execution_role`` pulls images; ``task_role`` is what the containers act as, and never pulls."""

    arn: str
    execution_role: str
    task_role: str
    network_mode: str
    windows: bool
    containers: tuple[DefinedContainer, ...]

    @property
    def images(self) -> frozenset[str]:
        return frozenset(one.image for one in self.containers)

    @property
    def short(self) -> str:
        """``web:7``."""
        return self.arn.rpartition("/")[2]


def parse_definition(tree: Mapping[str, Any]) -> TaskDefinition:
    """From an answer of ``describe_task_definition``."""
    system = (tree.get("runtimePlatform") or {}).get("operatingSystemFamily") or ""
    return TaskDefinition(
        arn=tree["taskDefinitionArn"],
        execution_role=tree.get("executionRoleArn") or "",
        task_role=tree.get("taskRoleArn") or "",
        network_mode=tree.get("networkMode") or "",
        windows=system.startswith("WINDOWS"),
        containers=tuple(
            DefinedContainer(
                one.get("name") or "",
                one.get("image") or "",
                (one.get("repositoryCredentials") or {}).get("credentialsParameter") or "",
            )
            for one in tree.get("containerDefinitions") or ()
        ),
    )


@dataclass(frozen=True, slots=True)
class DefinitionArn:
    """A fact of its own, so that tasks of one definition share it."""

    arn: str
    region: str


@fact()
def definition_arn(task: EcsTask) -> DefinitionArn:
    return DefinitionArn(task.definition_arn, task.region)


@fact()
async def task_definition(wanted: DefinitionArn, aws: Aws) -> TaskDefinition:
    try:
        answer = await aws("ecs", "describe_task_definition", region=wanted.region, taskDefinition=wanted.arn)
    except NotFound as why:
        raise Unavailable(f"ECS does not show the task definition {wanted.arn}: {why}") from None
    return parse_definition(answer["taskDefinition"])


@dataclass(frozen=True, slots=True)
class Defined:
    """The container that cannot be pulled, in the definition of its task."""

    definition: TaskDefinition
    container: DefinedContainer


@fact()
def defined(pull: FailedPull, task: EcsTask, definition: TaskDefinition) -> Defined:
    """:raises Unavailable: the task is gone, and what its service asks for now is something else."""
    mine = [one for one in definition.containers if one.name == pull.container]
    if not mine or (task.gone and mine[0].image != pull.image):
        raise Unavailable(
            f"{definition.short} has no container {pull.container} with {pull.image}; look at a present task"
        )
    return Defined(definition, mine[0])


@dataclass(frozen=True, slots=True)
class ExecutionRole:
    """The role that ECS acts as for the task; ``arn`` is empty where it is given none."""

    arn: str
    how: str


@fact()
def execution_role(task: EcsTask, defined: Defined) -> ExecutionRole:
    if task.execution_role:
        return ExecutionRole(task.execution_role, f"the task {task.id} was started with this execution role")
    short = defined.definition.short
    return ExecutionRole(defined.definition.execution_role, f"it is the execution role of {short}")
