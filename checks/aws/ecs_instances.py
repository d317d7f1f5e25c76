"""The EC2 instance behind a task of ECS. From here on it is an instance like any other."""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_tasks import MANAGED_INSTANCES, EcsTask, TaskName
from checks.aws.facts import Aws, Grant
from checks.aws.nodes import InstanceId
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("ecs:DescribeContainerInstances",)),)


@dataclass(frozen=True, slots=True)
class ContainerInstance:
    """``windows``: what its operating system is decides from which ports it dials. ``managed``: ECS runs it.

    ``unread`` says why nothing is known of it but its ARN.
    """

    arn: str
    region: str
    zone: str = ""
    instance: str = ""
    windows: bool = False
    managed: bool = False
    unread: str = ""


@fact()
async def container_instance(task: EcsTask, name: TaskName, aws: Aws) -> ContainerInstance:
    if not task.on_own_instance:
        raise NotApplicable(f"a task on {task.launch_type} has no instance of ours")
    if not task.container_instance_arn:
        nowhere = f"which instance the task {task.id} was placed on is not known"
        return ContainerInstance("", name.region, unread=nowhere)
    try:
        answer = await aws(
            "ecs",
            "describe_container_instances",
            region=name.region,
            cluster=name.cluster,
            containerInstances=[task.container_instance_arn],
        )
    except NotFound:
        answer = {}
    except Unavailable as why:
        return ContainerInstance(task.container_instance_arn, name.region, unread=str(why))
    for one in answer.get("containerInstances", ()):
        attributes = {each.get("name"): each.get("value") for each in one.get("attributes") or ()}
        return ContainerInstance(
            arn=task.container_instance_arn,
            region=name.region,
            zone=attributes.get("ecs.availability-zone") or "",
            instance=one.get("ec2InstanceId") or "",
            windows=str(attributes.get("ecs.os-type") or "").lower().startswith("windows"),
            managed=task.launch_type == MANAGED_INSTANCES,
        )
    gone = f"ECS does not show the container instance {task.container_instance_arn} any more"
    return ContainerInstance(task.container_instance_arn, name.region, unread=gone)


@fact()
def instance_of_task(where: ContainerInstance) -> InstanceId:
    if where.unread:
        raise Unavailable(where.unread)
    if not where.instance.startswith("i-"):
        raise NotApplicable(f"{where.instance or where.arn} is no instance of EC2")
    return InstanceId(where.region, where.zone, where.instance, where.managed)
