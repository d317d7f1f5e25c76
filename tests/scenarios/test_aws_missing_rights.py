"""Each read of AWS denied, throttled or broken, in worlds of all kinds: unknown, and nothing else changes.

Which check needs which read is not written down here: it is seen, by what a failed read changes.
"""

from __future__ import annotations

import pytest

from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.resolve import Memo
from handlers.proposal import offers_for
from tests.fakes import aws_network_worlds, aws_rights_worlds, aws_worlds, ecs_worlds
from tests.fakes.aws_door import BROKEN, DENIED, THROTTLED, Door, Failure
from tests.fakes.aws_world import REMEDIES, Seen
from tests.fakes.aws_worlds import Maker, made
from tests.fakes.ecs_shop import CLUSTER, TIMEOUT, Shop
from tests.scenarios.failed_reads import FailedReads

OF_EACH_KIND: tuple[Maker, ...] = (
    aws_rights_worlds.repository_deny,
    aws_network_worlds.shut_endpoint,
    aws_rights_worlds.fargate_without_policy,
    ecs_worlds.ecs_two_faults,
)
CASES = [
    *((maker, DENIED) for maker in aws_worlds.ALL),
    *((maker, failure) for maker in OF_EACH_KIND for failure in (THROTTLED, BROKEN)),
]
SOME_OF_EACH_SERVICE = (
    "ec2:DescribeSubnets",
    "ecr:GetRepositoryPolicy",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
)


# The policy of another account's registry is not ours to read, and seldom is.
READS = FailedReads(
    names=lambda verdict, action: action in verdict.summary,
    may_be_silent=frozenset({"aws/registry_policy_allows_pull"}),
)


@pytest.mark.parametrize(
    ("maker", "failure"),
    CASES,
    ids=[f"{maker.__name__}-{failure.code}" for maker, failure in CASES],
)
async def test_a_read_that_fails_is_unknown_and_nothing_else_changes(maker: Maker, failure: Failure) -> None:
    world = await made(maker)
    door = Door(world.aws)
    before = await world.look(door)
    some: set[str] = set()
    for action in sorted(set(door.asked)):
        after = await world.look(Door(world.aws, {action: failure(action)}))
        some |= READS.became_unknown(before, after, action)
    assert some


async def test_no_action_is_granted_whose_denial_nobody_would_notice() -> None:
    """Verdicts, their evidence and what is offered: something depends on each read somewhere."""
    noticed: set[str] = set()
    asked: set[str] = set()
    for maker in aws_worlds.ALL:
        world = await made(maker)
        door = Door(world.aws)
        before = await world.look(door)
        for action in set(door.asked) - noticed:
            asked.add(action)
            if await world.look(Door(world.aws, {action: DENIED(action)})) != before:
                noticed.add(action)
    assert asked - noticed == set()


async def test_so_it_is_when_aws_itself_denies_it(shop: Shop) -> None:
    """Over HTTP, with boto3's own errors: a task without an address, whose role may not pull either."""
    shop.stop(TIMEOUT)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    catalog = Catalog.load()

    async def seen() -> Seen:
        memo: Memo = {}
        found = [one async for one in diagnose(catalog, [pull], connected.roots, memo)]
        offers = await offers_for(
            [pull], found, catalog=catalog, remedies=REMEDIES, roots=connected.roots, memo=memo
        )
        return Seen({one.check: one for one in found}, offers)

    before = await seen()
    assert {one.check for one in before.findings.values() if one.is_cause} == {"aws/task_has_public_ip"}
    for action in SOME_OF_EACH_SERVICE:
        shop.front.denied = {action}
        assert READS.became_unknown(before, await seen(), action), action
