"""Have ECS look the tag up anew: its deployment is pinned to an image that is gone.

A new deployment starts what the tag is today, which may be another version than what runs.
"""

from __future__ import annotations

from datetime import timedelta

from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from checks.aws.pinned_digest_exists import Pinned, pinned_digest_exists
from checks.model import NotApplicable
from handlers.outlook import joined
from handlers.remedies.aws.service_steps import ALL_REPLACED, RedeployService, new_deployment
from handlers.remedy import Plan, Refused, Risk, remedy

_SETTLES_IN = timedelta(minutes=10)


@remedy("Have ECS look the tag up anew", cures=pinned_digest_exists, risk=Risk.MEDIUM)
def look_tag_up_anew(service: EcsService, task: EcsTask | None, pinned: Pinned) -> Plan:
    if pinned.exists:
        raise NotApplicable("the image is there")
    if not pinned.now:
        raise Refused(f"there is no tag {pinned.tag} any more: a new deployment would not find it either")
    step: RedeployService = new_deployment(service, task)
    what = f"they start {pinned.tag} as it is now: {pinned.now}"
    return Plan((step,), caution=joined(ALL_REPLACED, what), settles_in=_SETTLES_IN)
