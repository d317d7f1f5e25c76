"""Whom a pod execution role trusts, told by its trust policy alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.aws.denials import Accusation
from checks.aws.destinations import Registry
from checks.aws.fargate import FargateProfile
from checks.aws.fargate_role_is_trusted import SERVICE, fargate_role_is_trusted
from checks.aws.identity import RolePolicies
from checks.aws.puller import Kind, Puller
from checks.model import NotApplicable, Status, Verdict
from tests.checks.aws.one_role import ACCOUNT, policy

ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks/fargate"
ARN = f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/fp/0ab1"
PROFILE = FargateProfile("demo", "us-west-2", "fp", ARN, ROLE, ("subnet-1",))
PULLER = Puller(ROLE, "us-west-2", "", "the profile says so", kind=Kind.FARGATE)
REGISTRY = Registry("602401143452.dkr.ecr.us-west-2.amazonaws.com", "us-west-2", "aws", "amazonaws.com", True)


def allow(service: Any = SERVICE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}


def on(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def verdict(*statements: Any, who: Accusation | None = None, puller: Puller = PULLER) -> Verdict:
    role = RolePolicies(True, ROLE, "AROAFARGATE", trust=policy(*statements))
    return fargate_role_is_trusted.fn(PROFILE, puller, role, REGISTRY, who)


@pytest.mark.parametrize(
    "statement",
    [
        allow(),
        allow(["ec2.amazonaws.com", SERVICE]),
        allow(Action=["sts:AssumeRole", "sts:TagSession"]),
        allow(**on("ArnLike", "aws:SourceArn", f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/*")),
        allow(**on("ArnEquals", "AWS:SourceArn", ARN)),
        allow(**on("StringEquals", "aws:SourceAccount", [ACCOUNT, "111111111111"])),
    ],
)
def test_trust_that_is_enough(statement: Any) -> None:
    assert verdict(statement).status is Status.PASS


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (allow("eks.amazonaws.com"), "eks.amazonaws.com"),
        (allow("ec2.amazonaws.com"), "ec2.amazonaws.com"),
        (allow(Action="sts:TagSession"), SERVICE),
        ({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}, "no service"),
        (
            allow(
                **on(
                    "ArnLike",
                    "aws:SourceArn",
                    "arn:aws:eks:example-region:1111222233334444:fargateprofile/x/*",
                )
            ),
            "example-region",
        ),
        (
            allow(
                **on("ArnLike", "aws:SourceArn", f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/other/*")
            ),
            "fargateprofile/other",
        ),
        (allow(**on("StringEquals", "aws:SourceAccount", "111111111111")), "111111111111"),
    ],
)
def test_trust_that_shuts_eks_out_says_how(statement: Any, told: str) -> None:
    it = verdict(statement)
    assert it.status is Status.FAIL
    assert told in it.summary
    assert it.about == ROLE
    assert "fargateprofile/demo/*" in dict(it.evidence)["Needed"]


def test_a_deny_beats_the_allow() -> None:
    it = verdict(allow(), {**allow(), "Effect": "Deny", "Sid": "frozen"})
    assert it.status is Status.FAIL
    assert "frozen" in it.summary


@pytest.mark.parametrize(
    "statements",
    [
        [allow(**on("StringEquals", "aws:SourceOrgID", "o-1"))],
        [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
        [allow(), {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
        [allow(), {**allow(**on("StringNotEquals", "aws:SourceOrgID", "o-1")), "Effect": "Deny"}],
        [{"Effect": "Maybe"}],
    ],
)
def test_what_cannot_be_judged_is_neither(statements: list[Any]) -> None:
    assert verdict(*statements).status is Status.UNKNOWN


def test_no_allow_and_a_doubtful_deny_is_no_trust_either_way() -> None:
    doubtful = {**allow(**on("StringNotEquals", "aws:SourceOrgID", "o-1")), "Effect": "Deny"}
    assert verdict(allow("ec2.amazonaws.com"), doubtful).status is Status.FAIL


def test_a_role_that_could_not_be_read_is_neither() -> None:
    role = RolePolicies(True, boundary_unread=("AWS denies iam:GetRole",))
    it = fargate_role_is_trusted.fn(PROFILE, PULLER, role, REGISTRY, None)
    assert it.status is Status.UNKNOWN
    assert "iam:GetRole" in it.summary


def test_a_profile_whose_arn_is_not_told_leaves_its_conditions_open() -> None:
    trust = policy(allow(**on("StringEquals", "aws:SourceAccount", ACCOUNT)))
    role = RolePolicies(True, ROLE, trust=trust)
    it = fargate_role_is_trusted.fn(replace(PROFILE, arn=""), PULLER, role, REGISTRY, None)
    assert it.status is Status.UNKNOWN


def test_what_eks_itself_complains_of_is_told() -> None:
    role = RolePolicies(True, ROLE, trust=policy(allow()))
    profile = replace(PROFILE, issues=("AccessDenied",))
    it = fargate_role_is_trusted.fn(profile, PULLER, role, REGISTRY, None)
    assert dict(it.evidence)["EKS complains of"] == "AccessDenied"


def test_a_role_whose_session_was_denied_had_been_trusted() -> None:
    who = Accusation(f"arn:aws:sts::{ACCOUNT}:assumed-role/fargate/1", "ecr:BatchGetImage", "x", "", False)
    it = verdict(allow("ec2.amazonaws.com"), who=who)
    assert (it.status, it.explains) == (Status.FAIL, False)


def test_another_role_that_pulled_and_one_that_is_gone_are_other_checks() -> None:
    with pytest.raises(NotApplicable):
        verdict(allow(), puller=replace(PULLER, role_arn=ROLE.replace("fargate", "other")))
    with pytest.raises(NotApplicable):
        fargate_role_is_trusted.fn(PROFILE, PULLER, RolePolicies(exists=False), REGISTRY, None)
