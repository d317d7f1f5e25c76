"""A role that may pull, and nobody logs in: the provider of kubelet is told, as likely and no more."""

from __future__ import annotations

from typing import Any

from checks.model import Status
from tests.fakes.aws_account import ACCOUNT, Account
from tests.fakes.aws_door import Door
from tests.fakes.aws_network import account, nat_network
from tests.fakes.aws_world import FORBIDDEN, IMAGE, NODE, REGION, UNAUTHORIZED, Seen, on_eks

CHECK = "aws/credential_provider_knows_host"
DUAL_STACK = f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws/app:1.2.1"
FIPS = f"{ACCOUNT}.dkr.ecr-fips.{REGION}.amazonaws.com/app:1.2.1"


async def seen(aws: Account, image: str, message: str = UNAUTHORIZED) -> Seen:
    world = on_eks(aws, message, image=image, host=NODE, kind="nodegroup/default")
    return await world.look(Door(world.aws))


def ami(kind: str) -> Account:
    aws = account(nat_network())
    group: dict[str, Any] = aws.answers["describe_nodegroup"]["nodegroup"]
    group["amiType"] = kind
    return aws


async def test_hosts_that_the_usual_line_does_not_fit_are_told_as_likely_and_accuse_nobody() -> None:
    for image in (DUAL_STACK, FIPS):
        found = await seen(account(nat_network()), image)
        verdict = found.findings[CHECK].verdict
        assert verdict.status is Status.UNKNOWN
        assert "matchImages" in verdict.summary
        assert NODE.name in verdict.summary
        assert not [one for one in found.findings.values() if one.is_cause]


async def test_a_custom_ami_may_have_no_provider_at_all() -> None:
    found = await seen(ami("CUSTOM"), IMAGE)
    assert "custom" in found.findings[CHECK].verdict.summary


async def test_nothing_is_said_of_it_where_the_host_is_known_or_somebody_logged_in() -> None:
    assert CHECK not in (await seen(ami("AL2023_x86_64_STANDARD"), IMAGE)).findings
    assert CHECK not in (await seen(account(nat_network()), DUAL_STACK, FORBIDDEN)).findings


async def test_nothing_is_said_of_it_where_the_role_gets_no_token() -> None:
    aws = ami("CUSTOM")
    aws.answers["list_attached_role_policies"] = {"AttachedPolicies": []}
    found = await seen(aws, IMAGE)
    assert CHECK not in found.findings
    assert found.findings["aws/role_can_pull"].is_cause
