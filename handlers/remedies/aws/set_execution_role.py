"""A task without an execution role: a new revision names one, and who passes a role to ECS answers for it."""

from __future__ import annotations

from checks.aws.ecs_definitions import Defined, ExecutionRole
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from checks.aws.execution_role_is_set import execution_role_is_set
from checks.model import NotApplicable
from handlers.remedies.aws.definitions import next_revision
from handlers.remedy import ByHand, by_hand


@by_hand("Name an execution role in the task definition", cures=execution_role_is_set)
def set_execution_role(
    task: EcsTask, role: ExecutionRole, defined: Defined, service: EcsService | None
) -> ByHand:
    if role.arn:
        raise NotApplicable("the task has an execution role")
    definition = defined.definition
    return ByHand(
        f"Who answers for {definition.short} registers a revision with an execution role that ECS may become "
        "and that may pull (AmazonECSTaskExecutionRolePolicy)",
        next_revision(definition, '.executionRoleArn = "EXECUTION_ROLE_ARN"', task, service),
        "it takes iam:PassRole on that role"
        + ("; every task of the service is replaced" if service is not None else ""),
    )
