"""Attach AWS's own policy for pod execution roles to the role that a Fargate profile pulls with."""

from __future__ import annotations

from checks.aws.denials import Accusation
from checks.aws.puller import Kind
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from handlers.remedies.aws.attaching import attaching
from handlers.remedies.aws.role_steps import FARGATE_POLICIES, AttachFargatePolicy
from handlers.remedy import Plan, Risk, remedy


@remedy("Attach the Fargate policy to the pod execution role", cures=role_can_pull, risk=Risk.LOW)
def attach_fargate_policy(rights: PullRights, accusation: Accusation | None = None) -> tuple[Plan, ...]:
    return attaching(rights, accusation, Kind.FARGATE, FARGATE_POLICIES, AttachFargatePolicy)
