"""Every account may have a role, a cluster and a node group of the same name: whose was looked at?"""

from __future__ import annotations

from typing import Any

import pytest

from bot.clouds._aws import AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import client
from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import RolePolicies, RoleReads
from checks.aws.puller import Puller
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from checks.model import NotFound, Status, Unavailable
from handlers.remedies.aws.attach_pull_policy import attach_pull_policy
from handlers.remedy import Refused
from tests.checks.aws.test_facts import NODE, ROLE, learn
from tests.fakes.aws_account import ACCOUNT, Account, healthy

STRAY = "999999999999"
THEIRS = ROLE.replace(ACCOUNT, STRAY)
GONE = NotFound("NoSuchEntity")
NO_ROLE = {"get_role": GONE, "list_attached_role_policies": GONE, "list_role_policies": GONE}


async def read(aws: Account) -> RolePolicies:
    async def reading() -> RolePolicies:
        return await RoleReads(aws).start(ROLE, "us-west-2")

    found: RolePolicies = await aws.run(reading())
    return found


def judged(role: RolePolicies) -> PullRights:
    puller = Puller(ROLE, "us-west-2", "i-0abc", "the registry's denial names it")
    return PullRights(puller, role, RepositoryPolicy(EcrAddress(ACCOUNT, "us-west-2", "aws", "app"), None))


@pytest.mark.parametrize(
    "answers",
    [
        {"get_role": {"Role": {"Arn": THEIRS, "RoleId": "AROATHEIRS"}}},
        {"get_caller_identity": {"Account": STRAY}, **NO_ROLE},
        {"get_caller_identity": {"Account": STRAY}, "get_role": Unavailable("AWS denies iam:GetRole")},
    ],
    ids=["a namesake", "no such role", "a namesake that may not be read"],
)
async def test_what_another_account_has_is_neither_judged_nor_changed(answers: dict[str, Any]) -> None:
    found = await read(healthy(**answers))
    assert (found.exists, found.arn, found.attached, found.allowing) == (True, "", None, ())
    verdict = role_can_pull.fn(judged(found), None)
    assert verdict.status is Status.UNKNOWN
    for word in (STRAY, ACCOUNT, "aws.read_role"):
        assert word in verdict.summary
    with pytest.raises(Refused, match=STRAY):
        attach_pull_policy(judged(found))


async def test_a_role_does_not_exist_only_if_its_account_was_looked_into() -> None:
    aws = healthy(**NO_ROLE)
    assert not (await read(aws)).exists
    assert aws.rounds == 2
    aws = healthy(**NO_ROLE)
    aws.denied.add("get_caller_identity")
    found = await read(aws)
    assert found.exists
    assert "get_caller_identity" in found.unread[0]


async def test_a_role_that_is_read_says_itself_whose_it_is() -> None:
    aws = healthy()
    assert (await read(aws)).arn == ROLE
    assert "get_caller_identity" not in aws.asked


async def test_whose_account_it_is_is_asked_once_for_all_its_roles() -> None:
    aws = healthy(**NO_ROLE)
    reads = RoleReads(aws)

    async def both() -> None:
        await reads.start(ROLE, "us-west-2")
        await reads.start(f"{ROLE}2", "us-west-2")

    await aws.run(both())
    assert aws.asked.count("get_caller_identity") == 1


async def test_a_node_group_is_not_believed_if_ec2_does_not_know_the_instance() -> None:
    aws = healthy(
        describe_instances=NotFound("InvalidInstanceID.NotFound"),
        describe_nodegroup={"nodegroup": {"nodeRole": THEIRS}},
        get_role={"Role": {"Arn": THEIRS}},
    )
    with pytest.raises(Unavailable, match="may be of another account"):
        await learn(Puller, aws)


async def test_a_node_group_of_another_account_than_the_instance_is_not_believed() -> None:
    aws = healthy(describe_nodegroup={"nodegroup": {"nodeRole": THEIRS}})
    aws.denied.add("get_instance_profile")
    with pytest.raises(Unavailable, match=STRAY):
        await learn(Puller, aws, node=NODE)


async def test_a_node_group_is_believed_where_ec2_may_not_be_asked() -> None:
    aws = healthy()
    aws.denied.add("describe_instances")
    found: Puller = await learn(Puller, aws)
    assert found.role_arn == ROLE


async def test_boto3_asks_its_own_account_whatever_the_arn_says(aws_url: str) -> None:
    client(aws_url, "iam", "us-west-2").create_role(RoleName="eks-node", AssumeRolePolicyDocument="{}")
    reader = AwsReader(Sessions(), Roles())
    try:
        namesake = await RoleReads(reader).start(THEIRS, "us-west-2")
        absent = await RoleReads(reader).start(f"{THEIRS}2", "us-west-2")
        gone = await RoleReads(reader).start(f"{ROLE}2", "us-west-2")
    finally:
        reader.close()
    for found in (namesake, absent):
        assert found.exists
        assert f"look into account {ACCOUNT}, and the role is in {STRAY}" in found.unread[0]
    assert not gone.exists
