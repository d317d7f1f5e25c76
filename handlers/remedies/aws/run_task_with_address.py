"""A task of no service is started by somebody: the next one is given a public address by whoever runs it."""

from __future__ import annotations

from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from checks.aws.paths import Paths
from checks.aws.routing import Way
from checks.aws.task_has_public_ip import task_has_public_ip
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Run the task with a public address", cures=task_has_public_ip)
def run_task_with_address(
    task: EcsTask, network: FargateNetwork, paths: Paths, service: EcsService | None
) -> ByHand:
    if service is not None or not paths.by(Way.NO_ADDRESS):
        raise NotApplicable("its service gives it its network, or it lacks no address")
    groups = ",".join(network.security_groups) or "SECURITY_GROUP_ID"
    wanted = f"{{subnets=[{network.subnet}],securityGroups=[{groups}],assignPublicIp=ENABLED}}"
    cluster = task.arn.split("/")[1] if task.arn.count("/") > 1 else "default"
    run = aws(
        "ecs", "run-task", task.region, "--cluster", cluster, "--launch-type", "FARGATE",
        "--task-definition", task.definition_arn.rpartition("/")[2],
        "--network-configuration", f"awsvpcConfiguration={wanted}",
    )  # fmt: skip
    return ByHand(
        "Who started the task runs it again with a public address, or in a subnet with a NAT gateway",
        (run,),
        "with a public address it can be reached from the internet where a security group lets somebody in",
    )
