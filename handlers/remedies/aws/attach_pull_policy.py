"""Attach AWS's own pull policy to the role: additive, narrow, one call to undo.

AmazonEC2ContainerRegistryReadOnly is what EKS's guides attach; AmazonEC2ContainerRegistryPullOnly is
enough and smaller. A document that is the customer's is never rewritten. It is offered only if the
role could pull with it: an explicit Deny or a boundary would still be in the way.
"""

from __future__ import annotations

import json

from checks.aws.identity import PolicyText
from checks.aws.rights import ACTIONS, PullRights, Says
from checks.aws.role_can_pull import role_can_pull
from handlers.remedies.aws.steps import PULL_POLICIES, AttachRolePolicy
from handlers.remedy import Plan, Refused, Risk, remedy

# What both grant of what a pull needs.
_GRANTS = json.dumps({"Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}]})


@remedy("Attach a pull policy to the role", cures=role_can_pull, risk=Risk.LOW)
def attach_pull_policy(rights: PullRights) -> tuple[Plan, ...]:
    role = rights.role
    name = rights.puller.role_name
    if not role.exists:
        raise Refused(f"the role {name} does not exist; a person has to make it again")
    if role.unread or role.boundary_unread or role.attached is None:
        why = "; ".join((*role.unread, *role.boundary_unread))
        raise Refused(f"what {name} may do already is not known in full: {why}")
    if ":role/aws-service-role/" in role.arn:
        raise Refused(f"{name} is a service-linked role: only its service changes its policies")
    plans = tuple(
        _plan(rights, arn) for arn in map(rights.managed_policy, PULL_POLICIES) if arn not in role.attached
    )
    if len(plans) < len(PULL_POLICIES):
        raise Refused(f"{name} has such a policy already; what blocks it is something else")
    _refuse_if_useless(rights)
    return plans


def _plan(rights: PullRights, policy_arn: str) -> Plan:
    step = AttachRolePolicy(rights.role.arn, policy_arn, rights.puller.region)
    return Plan((step,), choice=policy_arn.rpartition("/")[2])


def _refuse_if_useless(rights: PullRights) -> None:
    better = rights.with_attached(PolicyText("the pull policy", _GRANTS))
    for action in ACTIONS:
        now = better.of_role(action)
        if now.says is not Says.ALLOWS:
            by = f" by {now.policy}" if now.policy else ""
            raise Refused(f"it would not help: {action} would still be blocked{by} ({now.layer})")
