"""Policies and trust for the roles of Fargate and ECS: which is offered to which, and when it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.clouds._aws import AwsHands, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import ACCOUNT, client
from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.fargate import FargateProfile
from checks.aws.fargate_role_is_trusted import SERVICE
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.puller import Kind, Puller
from checks.aws.rights import PullRights
from checks.graph import Catalog
from checks.model import NotApplicable
from handlers.remedies.aws.attach_execution_policy import attach_execution_policy
from handlers.remedies.aws.attach_fargate_policy import attach_fargate_policy
from handlers.remedies.aws.attach_pull_policy import attach_pull_policy
from handlers.remedies.aws.role_steps import AttachExecutionPolicy, AttachFargatePolicy, SetTrustPolicy
from handlers.remedies.aws.trust_fargate import trust_fargate
from handlers.remedy import Conflict, Plan, Refused, Remedy, Standing
from tests.fakes.aws_account import policy

ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks/puller"
FARGATE_POLICY = "arn:aws:iam::aws:policy/AmazonEKSFargatePodExecutionRolePolicy"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
APP = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
ARN = f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/fp/0ab1"
PROFILE = FargateProfile("demo", "us-west-2", "fp", ARN, ROLE, ())
OF_EC2 = policy(
    {
        "Sid": "ec2",
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)
REMEDIES = {
    Kind.NODE: attach_pull_policy,
    Kind.FARGATE: attach_fargate_policy,
    Kind.EXECUTION: attach_execution_policy,
}


def rights(kind: Kind, *documents: Any, **changes: Any) -> PullRights:
    texts = tuple(PolicyText("own", json.dumps(one)) for one in documents)
    own = replace(RolePolicies(True, ROLE, "AROA", (), texts), **changes)
    return PullRights(
        Puller(ROLE, "us-west-2", "", "it was told", kind=kind), own, RepositoryPolicy(APP, None)
    )


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (Kind.FARGATE, AttachFargatePolicy(ROLE, FARGATE_POLICY, "us-west-2")),
        (Kind.EXECUTION, AttachExecutionPolicy(ROLE, EXECUTION_POLICY, "us-west-2")),
    ],
)
def test_each_kind_of_role_gets_its_own_policy(kind: Kind, step: AttachFargatePolicy) -> None:
    [plan] = REMEDIES[kind](rights(kind))
    assert plan.steps == (step,)
    assert plan.choice == step.policy_arn.rpartition("/")[2]
    assert plan.reversible


def test_no_kind_of_role_is_offered_anothers_policy() -> None:
    for kind, remedy in REMEDIES.items():
        for other in set(Kind) - {kind}:
            with pytest.raises(NotApplicable):
                remedy(rights(other))


@pytest.mark.parametrize("remedy", [attach_fargate_policy, attach_execution_policy])
def test_it_is_refused_where_it_would_not_help(remedy: Remedy) -> None:
    kind = next(one for one, mine in REMEDIES.items() if mine is remedy)
    deny = {"Statement": {"Sid": "no", "Effect": "Deny", "Action": "ecr:*", "Resource": "*"}}
    edge = PolicyText(
        "edge", json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    )
    mine = {Kind.FARGATE: FARGATE_POLICY, Kind.EXECUTION: EXECUTION_POLICY}[kind]
    for words, it in (
        ("still be blocked by own", rights(kind, deny)),
        ("permissions boundary", rights(kind, boundary=edge)),
        ("has such a policy already", rights(kind, attached=(mine,))),
        ("not known in full", rights(kind, unread=("AWS denies iam:ListRolePolicies",))),
        ("does not exist", rights(kind, exists=False)),
        ("service-linked", rights(kind, arn=ROLE.replace("/eks/", "/aws-service-role/"))),
    ):
        with pytest.raises(Refused, match=words):
            remedy(it)


def planned(trust: str, profile: FargateProfile = PROFILE, **changes: Any) -> tuple[Plan, SetTrustPolicy]:
    role = replace(RolePolicies(True, ROLE, "AROA", (), trust=trust), **changes)
    puller = Puller(ROLE, "us-west-2", "", "the profile says so", kind=Kind.FARGATE)
    [plan] = trust_fargate(profile, puller, role)
    [step] = plan.steps
    assert isinstance(step, SetTrustPolicy)
    return plan, step


def test_trust_is_added_for_this_cluster_and_nothing_is_taken_away() -> None:
    plan, step = planned(OF_EC2)
    before, added = json.loads(step.after)["Statement"]
    assert before == json.loads(OF_EC2)["Statement"][0]
    assert added == {
        "Sid": "PullbotTrustFargate",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/*"}},
    }
    assert step.before == OF_EC2
    assert step.inverse().after == OF_EC2
    assert "every Fargate profile of demo" in plan.caution
    assert "--role-name puller " in step.commands()[0]


def test_a_second_cluster_gets_a_statement_without_that_sid() -> None:
    _, first = planned(OF_EC2)
    other = replace(PROFILE, cluster="other", arn=ARN.replace("demo", "other"))
    _, second = planned(first.after, other)
    statements = json.loads(second.after)["Statement"]
    assert len(statements) == 3
    assert "Sid" not in statements[-1]


def test_trust_is_refused_or_left_alone_where_it_is_no_cure() -> None:
    trusted = policy({"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"})
    with pytest.raises(NotApplicable):
        planned(trusted)
    denied = policy(
        {"Sid": "no", "Effect": "Deny", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    )
    with pytest.raises(Refused, match="denies it \\(no\\)"):
        planned(denied)
    with pytest.raises(Refused, match="not known"):
        planned(policy({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))
    with pytest.raises(Refused, match=r"iam:GetRole"):
        planned("", boundary_unread=("AWS denies iam:GetRole",))
    with pytest.raises(Refused, match="ARN of the Fargate profile"):
        planned(OF_EC2, replace(PROFILE, arn=""))
    puller = Puller(ROLE.replace("puller", "other"), "us-west-2", "1", "a denial names it", kind=Kind.FARGATE)
    with pytest.raises(NotApplicable):
        trust_fargate(PROFILE, puller, RolePolicies(True, trust=OF_EC2))


@pytest.fixture
def hands(aws_url: str) -> Iterator[AwsHands]:
    iam = client(aws_url, "iam", "us-west-2")
    iam.create_role(RoleName="puller", Path="/eks/", AssumeRolePolicyDocument=OF_EC2)
    writer = AwsHands(Sessions(), Roles())
    yield writer
    writer.close()


def trust_of(aws_url: str) -> Any:
    return client(aws_url, "iam", "us-west-2").get_role(RoleName="puller")["Role"]["AssumeRolePolicyDocument"]


async def test_trust_is_set_and_put_back(hands: AwsHands, aws_url: str) -> None:
    _, step = planned(OF_EC2)
    assert await step.look(hands) is Standing.BEFORE
    done = await step.write(hands)
    assert trust_of(aws_url) == json.loads(step.after)
    assert await step.look(hands) is Standing.AFTER
    back = done.inverse()
    assert await back.look(hands) is Standing.BEFORE
    await back.write(hands)
    assert trust_of(aws_url) == json.loads(OF_EC2)


async def test_trust_that_somebody_else_changed_is_elsewhere_and_a_lost_role_a_conflict(
    hands: AwsHands, aws_url: str
) -> None:
    _, step = planned(OF_EC2)
    iam = client(aws_url, "iam", "us-west-2")
    iam.update_assume_role_policy(RoleName="puller", PolicyDocument=OF_EC2.replace("ec2", "ecs-tasks"))
    assert await step.look(hands) is Standing.ELSEWHERE
    iam.delete_role(RoleName="puller")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await step.look(hands)


@pytest.mark.parametrize(
    "step",
    [
        AttachFargatePolicy(ROLE, FARGATE_POLICY, "us-west-2"),
        AttachExecutionPolicy(ROLE, EXECUTION_POLICY, "us-west-2"),
    ],
)
async def test_a_policy_is_attached_and_detached(
    step: AttachFargatePolicy | AttachExecutionPolicy, hands: AwsHands
) -> None:
    assert await step.look(hands) is Standing.BEFORE
    done = await step.write(hands)
    assert await step.look(hands) is Standing.AFTER
    await done.inverse().write(hands)
    assert await step.look(hands) is Standing.BEFORE


def test_every_remedy_for_the_right_to_pull_cures_the_same_check() -> None:
    ids = {one.id for one in Catalog.load().checks}
    for remedy in (*REMEDIES.values(), trust_fargate):
        assert remedy.cures is not None
        assert remedy.cures.id in ids
