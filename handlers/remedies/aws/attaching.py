"""Attaching one of AWS's own policies to a role: when it may be offered, and when it would be of no use.

Additive, narrow, one call to undo. A document that is the customer's is never rewritten. It is offered only
if the role could pull with it: an explicit Deny or a boundary would still be in the way.
"""

from __future__ import annotations

import json

from checks.aws.denials import Accusation
from checks.aws.identity import PolicyText
from checks.aws.puller import Kind
from checks.aws.rights import ACTIONS, PullRights, Says
from checks.model import NotApplicable
from handlers.remedies.aws.organization import must_not_be_barred
from handlers.remedies.aws.steps import AttachRolePolicy
from handlers.remedy import Plan, Refused

# What each of them grants of what a pull needs.
PULLS = PolicyText(
    "the pull policy",
    json.dumps({"Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}]}),
)


def attaching(
    rights: PullRights,
    accusation: Accusation | None,
    kind: Kind,
    policies: tuple[str, ...],
    step: type[AttachRolePolicy],
) -> tuple[Plan, ...]:
    """A plan for each of ``policies`` (names), any of which lets a role of this ``kind`` pull.

    :raises NotApplicable: the role is of another kind
    :raises Refused: it would not help, or who pulls or what the role may do is not known
    """
    role, name = rights.role, rights.puller.role_name
    if rights.puller.kind is not kind:
        raise NotApplicable(f"{name} is the role of another kind: {rights.puller.kind.value}")
    if rights.puller.doubt:
        raise Refused(rights.puller.doubt)
    if not role.exists:
        raise Refused(f"the role {name} does not exist; a person has to make it again")
    if role.unread or role.boundary_unread or role.attached is None:
        why = "; ".join((*role.unread, *role.boundary_unread))
        raise Refused(f"what {name} may do already is not known in full: {why}")
    if ":role/aws-service-role/" in role.arn:
        raise Refused(f"{name} is a service-linked role: only its service changes its policies")
    arns = [rights.managed_policy(one) for one in policies]
    if any(arn in role.attached for arn in arns):
        raise Refused(f"{name} has such a policy already; what blocks it is something else")
    _refuse_if_useless(rights)
    must_not_be_barred(accusation)
    region = rights.puller.region
    return tuple(Plan((step(role.arn, arn, region),), choice=arn.rpartition("/")[2]) for arn in arns)


def _refuse_if_useless(rights: PullRights) -> None:
    better = rights.with_attached(PULLS)
    for action in ACTIONS:
        now = better.of_role(action)
        if now.says is not Says.ALLOWS:
            by = f" by {now.policy}" if now.policy else ""
            raise Refused(f"it would not help: {action} would still be blocked{by} ({now.layer})")
