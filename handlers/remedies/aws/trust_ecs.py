"""Whom a role trusts is for who answers for the role: one statement more, for tasks of this account alone.

(docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html)
"""

from __future__ import annotations

from checks.aws.ecs_tasks import EcsTask
from checks.aws.execution_role_is_trusted import SERVICE, ExecutionTrust, execution_role_is_trusted
from checks.aws.rulings import Says
from checks.aws.trust import Service, may_become
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.policy_edits import with_statement
from handlers.remedy import ByHand, by_hand


@by_hand("Let ECS become the execution role", cures=execution_role_is_trusted)
def trust_ecs(task: EcsTask, trust: ExecutionTrust) -> ByHand:
    if not trust.policy:
        raise NotApplicable(f"whom {trust.role_name} trusts is not known")
    partition = task.arn.split(":")[1]
    after = with_statement(trust.policy, {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:{partition}:ecs:{task.region}:{task.account}:*"},
            "StringEquals": {"aws:SourceAccount": task.account},
        },
    })  # fmt: skip
    helps = may_become(after, Service(SERVICE, task.arn, task.account)).says is Says.ALLOWS
    role = ("--role-name", trust.role_name)
    document = ("--policy-document", after if helps else "file://policy.json")
    return ByHand(
        f"Who answers for {trust.role_name} lets ECS become it"
        + ("" if helps else "; its trust policy denies that, and a statement more would not help"),
        (
            aws("iam", "get-role", "", *role, "--query", "Role.AssumeRolePolicyDocument"),
            aws("iam", "update-assume-role-policy", "", *role, *document),
        ),
        "tasks of every cluster of the account and region may then run as that role",
    )
