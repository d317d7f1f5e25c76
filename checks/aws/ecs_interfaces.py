"""The network interface that a task's image comes in by.

A task on Fargate has the only one: made for it, gone with it, and described by its service, if it has one. On
an instance of our own the agent and the runtime use the host's, also where the task has one for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from checks.aws.ecs_definitions import TaskDefinition
from checks.aws.ecs_instances import ContainerInstance
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EXTERNAL, FARGATE, EcsTask
from checks.aws.facts import Aws, Grant
from checks.aws.interface import LINUX_PORTS, WINDOWS_PORTS, Interface, primary_interface
from checks.aws.nodes import Instance
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")),)


@dataclass(frozen=True, slots=True)
class FargateNetwork:
    """Where a task on Fargate was placed, and what its interface is given.

    ``unread``: why security groups and the public address are not known, or "".
    """

    account: str
    region: str
    subnet: str
    security_groups: tuple[str, ...]
    address: str
    public_address: bool
    windows: bool
    unread: str = ""


@fact()
def fargate_network(task: EcsTask, service: EcsService, definition: TaskDefinition | None) -> FargateNetwork:
    """The interface of a stopped task is gone; what it was made from, its service tells."""
    if task.launch_type != FARGATE:
        raise NotApplicable(f"this task ran on {task.launch_type}")
    network = service.network
    if network is None:
        raise Unavailable(f"ECS tells no network of {service.name}, which every service on Fargate has")
    subnet = task.subnet or (network.subnets[0] if len(network.subnets) == 1 else "")
    if not subnet:
        raise Unavailable(f"in which of {', '.join(network.subnets)} the task {task.id} was is not known")
    return FargateNetwork(
        account=task.account,
        region=task.region,
        subnet=subnet,
        security_groups=tuple(sorted(network.security_groups)),
        address=task.address,
        public_address=network.public_address,
        windows=definition is not None and definition.windows,
    )


@fact()
async def network_of_lone_task(task: EcsTask, definition: TaskDefinition | None, aws: Aws) -> FargateNetwork:
    """Tried after ``fargate_network``: where no service tells, the task names its interface.

    That is deleted soon after the task stopped. What is left then is where the task was.
    """
    if task.launch_type != FARGATE:
        raise NotApplicable(f"this task ran on {task.launch_type}")
    whose = f"the service {task.service} is gone" if task.service else "it is no service's"
    if not task.subnet or not task.interface:
        raise Unavailable(f"in which network the task {task.id} was is not known: {whose}")
    one, unread = await _network_interface(task, whose, aws)
    return FargateNetwork(
        account=task.account,
        region=task.region,
        subnet=task.subnet,
        security_groups=tuple(sorted(group["GroupId"] for group in one.get("Groups", ()))),
        address=task.address,
        public_address=bool(one.get("Association", {}).get("PublicIp")),
        windows=definition is not None and definition.windows,
        unread=unread,
    )


async def _network_interface(task: EcsTask, whose: str, aws: Aws) -> tuple[Mapping[str, Any], str]:
    """The interface as EC2 describes it, or why it is not known what it was given."""
    wanted = [task.interface]
    why = f"its interface {task.interface} is deleted, and {whose}"
    try:
        answer = await aws(
            "ec2", "describe_network_interfaces", region=task.region, NetworkInterfaceIds=wanted
        )
        if found := answer.get("NetworkInterfaces"):
            return found[0], ""
    except NotFound:
        pass
    except Unavailable as error:
        why = str(error)
    return {}, f"which security groups and which public address the task was given is not known: {why}"


@dataclass(frozen=True, slots=True)
class SubnetId:
    """A fact of its own, so that tasks in one subnet share it."""

    region: str
    id: str


@dataclass(frozen=True, slots=True)
class SubnetPlace:
    """In which VPC a subnet is."""

    vpc: str


@fact()
def subnet_id(network: FargateNetwork) -> SubnetId:
    return SubnetId(network.region, network.subnet)


@fact()
async def subnet_place(subnet: SubnetId, aws: Aws) -> SubnetPlace:
    try:
        answer = await aws("ec2", "describe_subnets", region=subnet.region, SubnetIds=[subnet.id])
    except NotFound:
        answer = {}
    for one in answer.get("Subnets", ()):
        return SubnetPlace(one["VpcId"])
    raise Unavailable(f"EC2 does not show the subnet {subnet.id}")


@fact()
def fargate_task_interface(network: FargateNetwork, place: SubnetPlace) -> Interface:
    return Interface(
        account=network.account,
        region=network.region,
        vpc=place.vpc,
        subnet=network.subnet,
        security_groups=network.security_groups,
        address=IPv4Address(network.address) if network.address else None,
        public_address="one of AWS's choice" if network.public_address else "",
        ports=WINDOWS_PORTS if network.windows else LINUX_PORTS,
        how=f"the task's own interface in {network.subnet}",
        unread=network.unread,
        managed=True,
    )


@fact()
def external_interface(task: EcsTask) -> Interface:
    if task.launch_type != EXTERNAL:
        raise NotApplicable(f"this task ran on {task.launch_type}")
    raise Unavailable(
        "the task ran on a machine outside of AWS (ECS Anywhere): which way it takes is not seen from here"
    )


@fact()
def container_instance_interface(where: ContainerInstance, instance: Instance) -> Interface:
    return primary_interface(instance, windows=where.windows)
