"""A task definition is never changed: people register its next revision, and lead the service to that."""

from __future__ import annotations

import shlex

from checks.aws.ecs_definitions import TaskDefinition
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from handlers.remedies.aws.cli import aws

_FILE = "task-definition.json"
# What describe-task-definition tells and register-task-definition does not take.
_NOT_TAKEN = (
    ".taskDefinitionArn", ".revision", ".status", ".requiresAttributes", ".compatibilities",
    ".registeredAt", ".registeredBy", ".deregisteredAt",
)  # fmt: skip


def next_revision(
    definition: TaskDefinition, change: str, task: EcsTask, service: EcsService | None
) -> tuple[str, ...]:
    """Commands that register it with one ``change`` (a filter of jq), and have the service use it."""
    read = ("--task-definition", definition.short, "--query", "taskDefinition", "--output", "json")
    jq = shlex.join(("jq", f"del({', '.join(_NOT_TAKEN)}) | {change}"))
    commands = (
        f"{aws('ecs', 'describe-task-definition', task.region, *read)} | {jq} > {_FILE}",
        aws("ecs", "register-task-definition", task.region, "--cli-input-json", f"file://{_FILE}"),
    )
    if service is None:
        return commands
    family = definition.short.partition(":")[0]
    where = ("--cluster", service.cluster or "CLUSTER", "--service", service.name)
    return (*commands, aws("ecs", "update-service", task.region, *where, "--task-definition", family))
