"""Principals that were meant for a role and can never match it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.aws.principals import Role, corrected, misnamed

ROLE = Role("arn:aws:iam::123456789012:role/team/eks-node", id="AROAMINE", session="i-0new")
PROFILE = "arn:aws:iam::123456789012:instance-profile/eks-node"
OTHER = "arn:aws:iam::123456789012:role/ci"


def allow(principal: Any) -> dict[str, Any]:
    return {"Sid": "yes", "Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("principal", "why"),
    [
        (PROFILE, "instance profile"),
        ("AROAOLD", "deleted"),
        ("arn:aws:iam::123456789012:role/eks-node", "another path"),
        ("arn:aws:sts::123456789012:assumed-role/eks-node/i-0old", "another instance"),
    ],
)
def test_what_can_never_match(principal: str, why: str) -> None:
    [found] = misnamed(policy(allow({"AWS": [OTHER, principal]})), ROLE)
    assert (found.sid, found.principal) == ("yes", principal)
    assert why in found.why


@pytest.mark.parametrize(
    "principal",
    [
        ROLE.arn,
        "AROAMINE",
        OTHER,
        "123456789012",
        "*",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::210987654321:role/eks-node",
        "arn:aws:sts::123456789012:assumed-role/eks-node/i-0new",
        "arn:aws:sts::123456789012:assumed-role/ci/i-0old",
    ],
)
def test_what_matches_or_means_somebody_else(principal: str) -> None:
    assert misnamed(policy(allow({"AWS": principal})), ROLE) == ()


def test_a_deny_or_a_service_is_not_meant_for_the_role() -> None:
    deny = {**allow({"AWS": PROFILE}), "Effect": "Deny"}
    assert misnamed(policy(deny, allow({"Service": "x.amazonaws.com"}), allow("*")), ROLE) == ()


def test_the_wrong_principal_is_replaced_where_it_stands() -> None:
    deny = {**allow({"AWS": PROFILE}), "Effect": "Deny"}
    before = policy(allow({"AWS": [OTHER, PROFILE]}), allow({"AWS": PROFILE}), deny)
    after = json.loads(corrected(before, PROFILE, ROLE.arn))["Statement"]
    assert [one["Principal"]["AWS"] for one in after] == [[OTHER, ROLE.arn], ROLE.arn, PROFILE]


def test_a_single_statement_stays_single() -> None:
    before = json.dumps({"Statement": allow({"AWS": PROFILE})})
    assert json.loads(corrected(before, PROFILE, ROLE.arn))["Statement"]["Principal"] == {"AWS": ROLE.arn}


def test_what_is_no_json_is_said_so() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        misnamed("{", ROLE)
