"""Who really pulls: the identity that ECR sees, and how we know.

A denial names it, and beats every inference. Otherwise it is the role in the instance's profile. The
node group names a role as well; where the two differ (a launch template with its own profile, a
profile swapped on the instance) the instance wins, and the drift is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.aws.facts import EcrAddress
from checks.aws.nodes import InstanceId, InstanceProfile, Nodegroup
from checks.graph import fact
from checks.model import FailedPull, NotApplicable, Unavailable

_ACCUSED = re.compile(
    r"(?:User: )(?P<arn>arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):"
    r"assumed-role/(?P<role>[\w+=,.@-]+)/(?P<session>[\w+=,.@-]+))"
)


@dataclass(frozen=True, slots=True)
class Puller:
    """A role. ``role_arn`` lacks the role's path where ``path_known`` is false.

    ``session`` is the name of the role session, for a node its instance id; empty: not known.
    ``how`` says in words how we know; ``drift`` what contradicts it, or "".
    """

    role_arn: str
    region: str
    session: str
    how: str
    path_known: bool = True
    drift: str = ""

    @property
    def account(self) -> str:
        return self.role_arn.split(":")[4]

    @property
    def role_name(self) -> str:
        return self.role_arn.rpartition("/")[2]


@fact()
def accused_puller(pull: FailedPull, address: EcrAddress) -> Puller:
    """Tried before ``node_puller``: the registry itself says who was denied."""
    found = _ACCUSED.search(pull.message)
    if found is None:
        raise NotApplicable("the message names nobody")
    # The ARN of a session leaves the role's path out.
    return Puller(
        role_arn=f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}",
        region=address.region,
        session=found["session"],
        how="the registry's denial names it",
        path_known=False,
    )


@fact()
def node_puller(where: InstanceId, profile: InstanceProfile | None, group: Nodegroup | None) -> Puller:
    if profile is not None and profile.role_arn:
        name = profile.arn.rpartition("/")[2]
        return Puller(
            role_arn=profile.role_arn,
            region=where.region,
            session=where.id,
            how=f"{where.id} has the instance profile {name}",
            drift=_drift(profile.role_arn, group),
        )
    if profile is not None:
        raise NotApplicable(f"{where.id} has no role")
    if group is None or not group.role_arn:
        raise Unavailable(f"which role {where.id} has could not be read")
    return Puller(
        role_arn=group.role_arn,
        region=where.region,
        session=where.id,
        how=f"the node group {group.name} gives it to its nodes; the instance's profile could not be read",
    )


def _drift(role_arn: str, group: Nodegroup | None) -> str:
    if group is None or not group.role_arn or group.role_arn == role_arn:
        return ""
    return f"the node group {group.name} says {group.role_arn}; the instance is what counts"
