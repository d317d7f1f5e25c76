"""Have ECS start the service's tasks anew, once the cause is cured.

ECS tries again by itself, but waits longer after each failure, up to about half an hour
(docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html). It also pins a tag to the
digest that it had when the deployment began, and a new deployment looks it up again.
"""

from __future__ import annotations

from datetime import timedelta

from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from handlers.remedies.aws.service_steps import RedeployService, ServiceAddress
from handlers.remedy import Plan, Refused, Risk, remedy

_SETTLES_IN = timedelta(minutes=10)


@remedy("Start the service's tasks anew", cures=None, risk=Risk.MEDIUM)
def redeploy_service(service: EcsService, task: EcsTask | None) -> Plan:
    if not service.rolling:
        raise Refused(f"another system makes the deployments of {service.name}; start one there")
    if not service.active or not service.desired:
        raise Refused(f"{service.name} wants no tasks")
    if not service.deployment:
        raise Refused(f"ECS names no deployment of {service.name}")
    if task is not None and task.deployment not in ("", service.deployment):
        raise Refused(f"a newer deployment of {service.name} has begun already")
    step = RedeployService(ServiceAddress.of(service), before=service.deployment)
    return Plan(
        (step,),
        caution="every task of the service is replaced, the healthy ones too",
        settles_in=_SETTLES_IN,
    )
