"""Attach AWS's own pull policy to the role of a node.

AmazonEC2ContainerRegistryReadOnly is what EKS's guides attach; AmazonEC2ContainerRegistryPullOnly is
enough and smaller.
"""

from __future__ import annotations

from checks.aws.denials import Accusation
from checks.aws.puller import Kind
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from handlers.remedies.aws.attaching import attaching
from handlers.remedies.aws.steps import PULL_POLICIES, AttachRolePolicy
from handlers.remedy import Plan, Risk, remedy


@remedy("Attach a pull policy to the role", cures=role_can_pull, risk=Risk.LOW)
def attach_pull_policy(rights: PullRights, accusation: Accusation | None = None) -> tuple[Plan, ...]:
    return attaching(rights, accusation, Kind.NODE, PULL_POLICIES, AttachRolePolicy)
