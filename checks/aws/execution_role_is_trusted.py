"""ECS has to become the execution role on the task's behalf, or the task stops before it asks anybody else.

The role's trust policy names ``ecs-tasks.amazonaws.com``, best on condition that it is for this account and
region (docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_definitions import ExecutionRole
from checks.aws.ecs_tasks import EcsTask
from checks.aws.identity import RoleReads
from checks.aws.rulings import Says
from checks.aws.trust import Service, may_become, offers
from checks.graph import check, fact
from checks.model import FailedPull, Leg, NotApplicable, Verdict, failed, passed, unknown

SERVICE = "ecs-tasks.amazonaws.com"
_TOLD = "unable to assume the role"


@dataclass(frozen=True, slots=True)
class ExecutionTrust:
    """``policy``: the trust policy as JSON, "" where it could not be read; ``unread``: why."""

    role_arn: str
    policy: str
    unread: str = ""

    @property
    def role_name(self) -> str:
        return self.role_arn.rpartition("/")[2]


@fact(timeout=40.0)
async def execution_trust(task: EcsTask, role: ExecutionRole, reads: RoleReads) -> ExecutionTrust:
    if not role.arn:
        raise NotApplicable("the task has no execution role")
    found = await reads.start(role.arn, task.region)
    if not found.exists:
        raise NotApplicable(f"there is no role {role.arn}")
    return ExecutionTrust(role.arn, found.trust, "; ".join(found.boundary_unread))


@check(
    "ECS may become the execution role",
    leg=Leg.CREDENTIALS,
    explains=set(),
    page="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
)
def execution_role_is_trusted(pull: FailedPull, task: EcsTask, trust: ExecutionTrust) -> Verdict:
    name, evidence = trust.role_name, (("Execution role", trust.role_arn),)
    if not trust.policy:
        return unknown(f"whom {name} trusts is not known: {trust.unread}", *evidence)
    ruling = may_become(trust.policy, Service(SERVICE, task.arn, task.account))
    if ruling.says is Says.UNKNOWN:
        return unknown(f"whether {name} trusts ECS is not known: {'; '.join(ruling.unread)}", *evidence)
    if ruling.says is Says.ALLOWS:
        return passed(f"{name} trusts ECS", *evidence)
    others = sorted({one for offer in offers(trust.policy) for one in offer.services})
    return failed(
        f"ECS may not become {name}: its trust policy lets in {', '.join(others) or 'no service'}",
        *evidence,
        *(("On condition that", one) for offer in offers(trust.policy) for one in offer.conditions),
        ("Needed", f"sts:AssumeRole for {SERVICE}"),
        about=trust.role_arn,
        # ECS says so itself, and stops there; any other text comes after it has become the role.
        explains=_TOLD in pull.message,
    )
