"""Without an execution role nobody gets a token for ECR on Fargate; the task role is for the containers only.

On an instance of our own the instance's role may do instead, unless a secret has to be read for the registry.
"""

from __future__ import annotations

from checks.aws.ecs_definitions import Defined, ExecutionRole
from checks.aws.ecs_tasks import EcsTask
from checks.graph import check
from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed


@check(
    "The task has an execution role",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING, Symptom.FORBIDDEN},
    page="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
)
def execution_role_is_set(
    task: EcsTask, role: ExecutionRole, defined: Defined, repository: Repository
) -> Verdict:
    evidence = [("Task definition", defined.definition.short), ("Launch type", task.launch_type)]
    if role.arn:
        return passed("the task has an execution role", *evidence, ("Execution role", role.arn))
    needed = bool(defined.container.credentials) or (
        not task.instance_may_pull and ecr_host(repository.host) is not None
    )
    if not needed:
        raise NotApplicable("this image is pulled without an execution role")
    if defined.definition.task_role:
        evidence.append(("Task role (does not pull)", defined.definition.task_role))
    return failed(
        f"{defined.definition.short} has no execution role, so nobody may ask for the registry's credentials",
        *evidence,
        about=defined.definition.arn,
    )
