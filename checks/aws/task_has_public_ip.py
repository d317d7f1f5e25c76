"""Behind an internet gateway a task on Fargate needs a public address, or its packets get no answer.

In a private subnet it would be of no use, and there nobody asks for one.
"""

from __future__ import annotations

from checks.aws.clue import LOST
from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.paths import Paths
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import errands
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@check(
    "The task has a public address where it needs one",
    leg=Leg.CONNECTION,
    place=Place.GATEWAY,
    explains=LOST,
    page="https://repost.aws/knowledge-center/ecs-fargate-pull-container-error",
)
def task_has_public_ip(paths: Paths, network: FargateNetwork) -> Verdict:
    dead = paths.by(Way.NO_ADDRESS)
    if dead:
        return failed(
            f"{network.subnet} leads out through {dead[0].via}, but its tasks get no public address: "
            f"{errands(dead)} cannot be reached",
            *paths.evidence(),
            ("assignPublicIp", "DISABLED"),
            about=network.subnet,
            explains=paths.explain(dead),
        )
    if network.unread and any(one.why == network.unread for one in paths.by(Way.UNCERTAIN)):
        return unknown(network.unread, *paths.evidence())
    if not paths.by(Way.INTERNET):
        raise NotApplicable("nothing goes through an internet gateway")
    return passed(f"the task gets a public address in {network.subnet}", ("assignPublicIp", "ENABLED"))
