"""What `pullbot permissions aws` prints is what is called: no action is missing, and none is for nothing.

The calls are collected, not written down here: all facts in worlds of all kinds, each remedy done and undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from bot import permissions
from bot.watch.ecs import EcsEyes
from bot.watch.ecs_book import StoppedTasks
from checks.aws.facts import Aws
from checks.host import Cluster
from checks.resolve import Memo
from handlers.proposal import follow_ups
from handlers.question import Question
from handlers.remedy import Plan, Standing
from tests.fakes import aws_network_worlds, aws_rights_worlds, aws_worlds, ecs_worlds
from tests.fakes.aws_account import Account
from tests.fakes.aws_door import Door
from tests.fakes.aws_hands import Hands
from tests.fakes.aws_world import CATALOG, REGION, REMEDIES, World
from tests.fakes.aws_worlds import Maker, made
from tests.fakes.ecs_worlds import EcsAndAll

# Every role may ask who it is: it needs no permission (docs.aws.amazon.com/STS/latest/APIReference).
NEEDS_NONE = {"sts:getcalleridentity"}


def granted(policy: Mapping[str, Any]) -> set[str]:
    allowing = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    return _as_iam_compares(action for one in allowing for action in one["Action"])


def _as_iam_compares(actions: Iterable[str]) -> set[str]:
    """boto3's ``list_hosted_zones_by_vpc`` is ``ListHostedZonesByVPC``: to IAM that is the same."""
    return {action.lower() for action in actions}


async def test_reading_is_granted_what_is_read() -> None:
    asked: set[str] = set()
    for maker in aws_worlds.ALL:
        world = await made(maker)
        door = Door(world.aws)
        await world.look(door)
        asked |= set(door.asked)
    aws = ecs_worlds.ecs_account()
    door = Door(aws)
    eyes = EcsEyes(door, Cluster("prod", "ecs", REGION), StoppedTasks())
    await aws.account.run(eyes.failing_now("", ""))
    asked |= set(door.asked)
    assert _as_iam_compares(asked) - NEEDS_NONE == granted(permissions.aws_reads())


async def test_what_reading_must_never_do_is_not_asked_for() -> None:
    [never] = [one for one in permissions.aws_reads()["Statement"] if one["Effect"] == "Deny"]
    assert not _as_iam_compares(never["Action"]) & granted(permissions.aws_reads())


WORLDS_OF: dict[str, tuple[Maker, ...]] = {
    "aws/add_s3_route": (aws_network_worlds.unrouted_layers,),
    "aws/allow_layers_in_s3_endpoint": (aws_network_worlds.own_buckets_only,),
    "aws/allow_role_in_repository_policy": (aws_rights_worlds.another_account,),
    "aws/assign_public_ip": (ecs_worlds.ecs_two_faults,),
    "aws/attach_execution_policy": (ecs_worlds.ecs_two_faults, ecs_worlds.ecs_either_role),
    "aws/attach_fargate_policy": (aws_rights_worlds.fargate_without_policy,),
    "aws/attach_pull_policy": (aws_rights_worlds.many_policies,),
    "aws/create_endpoints": (aws_network_worlds.missing_endpoint, aws_network_worlds.hardly_any_endpoint),
    "aws/lift_repository_deny": (aws_rights_worlds.repository_deny, aws_rights_worlds.role_denied),
    "aws/look_tag_up_anew": (ecs_worlds.ecs_pinned,),
    "aws/open_endpoint_security_group": (aws_network_worlds.shut_endpoint,),
    "aws/open_network_acl": (aws_network_worlds.shut_subnet,),
    "aws/open_security_group": (aws_network_worlds.shut_node,),
    "aws/redeploy_service": (ecs_worlds.ecs_two_faults,),
    "aws/troubleshoot_task": (ecs_worlds.ecs_puzzling,),
    "aws/trust_fargate": (aws_rights_worlds.fargate_without_trust,),
    "aws/turn_on_private_dns": (aws_network_worlds.no_names_at_all,),
    "aws/turn_on_vpc_dns": (aws_network_worlds.no_vpc_dns,),
}


# What only asks somebody is tried where the answer comes from.
@pytest.mark.parametrize("remedy", [one.id for one in REMEDIES if not one.asks])
async def test_a_remedy_is_granted_what_it_takes_to_do_and_undo_it(remedy: str) -> None:
    asked: set[str] = set()
    for maker in WORLDS_OF[remedy]:
        world = await made(maker)
        for plan in await plans_of(remedy, world):
            asked |= await done_and_undone(plan, hands_for(world))
    assert _as_iam_compares(asked) == granted(permissions.aws_writes([remedy]))


def test_all_remedies_together_are_granted_what_each_of_them_is() -> None:
    each = [granted(permissions.aws_writes([one.id])) for one in REMEDIES]
    assert granted(permissions.aws_writes([one.id for one in REMEDIES])) == set().union(*each)


async def plans_of(remedy: str, world: World) -> list[Plan]:
    """Its plans in this world; there is at least one."""
    seen = await world.look(Door(world.aws))
    roots = {**world.roots, Aws: Door(world.aws)}
    hurrying = await world.run(
        follow_ups(
            [world.pull], catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=Memo(), enabled=frozenset()
        )
    )
    offers = [one for one in (*seen.offers, *hurrying) if one.remedy == remedy]
    plans = [one.plan for one in offers if one.plan is not None]
    assert plans, [one.refused for one in offers]
    return plans


def hands_for(world: World) -> Hands:
    if isinstance(world.aws, EcsAndAll):
        return Hands(world.aws.account, world.aws.ecs)
    assert isinstance(world.aws, Account)
    return Hands(world.aws)


async def done_and_undone(plan: Plan, hands: Hands) -> set[str]:
    """What was asked for. Each step is as it says: before, after, and before again."""
    done: list[Any] = []
    for step in plan.steps:
        assert await step.look(hands) is Standing.BEFORE, step
        done.append(await step.write(hands))
        assert await done[-1].look(hands) is Standing.AFTER, step
        if isinstance(done[-1], Question):
            await done[-1].hear(hands)
    for step in reversed(done):
        back = step.inverse()
        if back is not None:
            assert await back.look(hands) is Standing.BEFORE, back
            assert await (await back.write(hands)).look(hands) is Standing.AFTER, back
    return set(hands.asked)
