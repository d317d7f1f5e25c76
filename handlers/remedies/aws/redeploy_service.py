"""Have ECS start the service's tasks anew, once the cause is cured.

ECS tries again by itself, but waits longer after each failure, up to about half an hour
(docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html). It also pins a tag to the
digest that it had when the deployment began, and a new deployment looks it up again.
"""

from __future__ import annotations

from datetime import timedelta

from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from handlers.remedies.aws.service_steps import ALL_REPLACED, RedeployService, new_deployment
from handlers.remedy import Plan, Risk, remedy

_SETTLES_IN = timedelta(minutes=10)


@remedy("Start the service's tasks anew", cures=None, risk=Risk.MEDIUM)
def redeploy_service(service: EcsService, task: EcsTask | None) -> Plan:
    step: RedeployService = new_deployment(service, task)
    return Plan((step,), caution=ALL_REPLACED, settles_in=_SETTLES_IN)
