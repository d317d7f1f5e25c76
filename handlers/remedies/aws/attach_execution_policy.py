"""Attach AWS's own policy for task execution roles to the role that ECS pulls with.

It lets the role write logs as well, which tasks need next. A service whose tasks keep failing waits longer
and longer before it starts the next one, at most 27 minutes
(docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from checks.aws.denials import Accusation
from checks.aws.puller import Kind
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from handlers.remedies.aws.attaching import attaching
from handlers.remedies.aws.role_steps import EXECUTION_POLICIES, AttachExecutionPolicy
from handlers.remedies.aws.steps import PULL_POLICIES, AttachRolePolicy
from handlers.remedy import Plan, Risk, remedy

_NEXT_TASK = timedelta(minutes=30)


@remedy("Attach the execution policy to the task execution role", cures=role_can_pull, risk=Risk.LOW)
def attach_execution_policy(rights: PullRights, accusation: Accusation | None = None) -> tuple[Plan, ...]:
    plans = attaching(rights, accusation, Kind.EXECUTION, EXECUTION_POLICIES, AttachExecutionPolicy)
    if rights.twin is not None:
        plans = tuple(_and_the_twins(plan, rights.twin) for plan in plans)
    return tuple(replace(plan, settles_in=_NEXT_TASK) for plan in plans)


def _and_the_twins(plan: Plan, instance: PullRights) -> Plan:
    """On an instance of one's own either of two roles pulls, and neither by itself would be sure to help."""
    second = attaching(instance, None, Kind.NODE, PULL_POLICIES, AttachRolePolicy)[0]
    name = instance.puller.role_name
    caution = f"ECS does not tell whether it pulls with this role or with {name}, so both get a policy"
    return replace(plan, steps=(*plan.steps, *second.steps), caution=caution)
