"""Give a service's tasks public addresses, where their subnet leads to the internet and to nothing else.

In a private subnet an address would lead nowhere, so there it is not offered.
"""

from __future__ import annotations

from datetime import timedelta

from checks.aws.connection import Connection
from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.ecs_services import EcsService
from checks.aws.paths import Paths
from checks.aws.routing import Way
from checks.aws.task_has_public_ip import task_has_public_ip
from checks.model import NotApplicable
from handlers.outlook import joined
from handlers.remedies.aws.outlook import left_to_do
from handlers.remedies.aws.service_steps import ServiceAddress, SetPublicAddress
from handlers.remedy import Plan, Refused, Risk, remedy

# A new deployment begins at once, and a task on Fargate takes a minute or two.
_SETTLES_IN = timedelta(minutes=10)


@remedy("Give the tasks public addresses", cures=task_has_public_ip, risk=Risk.MEDIUM)
def assign_public_ip(
    service: EcsService, network: FargateNetwork, paths: Paths, connection: Connection | None
) -> Plan:
    wanted = service.network
    if wanted is None or network.public_address:
        raise NotApplicable("its tasks have public addresses, or no network of their own")
    if not paths.by(Way.NO_ADDRESS):
        raise Refused(f"{network.subnet} does not lead to an internet gateway: an address would be of no use")
    if not service.rolling:
        raise Refused(f"another system makes the deployments of {service.name}; change its network there")
    step = SetPublicAddress(
        ServiceAddress.of(service), wanted.subnets, wanted.security_groups, before=False, after=True
    )
    stays = left_to_do(connection.with_public_address()) if connection is not None else ""
    open_to_all = (
        "all tasks are replaced, and can be reached from the internet where their security groups let "
        "somebody in"
    )
    return Plan((step,), caution=joined(open_to_all, stays), settles_in=_SETTLES_IN)
