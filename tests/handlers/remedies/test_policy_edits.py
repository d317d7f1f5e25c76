"""Taking a pull out of a Deny: exactly that, for exactly one role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.remedies.aws.policy_edits import (
    RoleNames,
    with_statement,
    without_pull_denies,
)
from handlers.remedy import Refused

ROLE = "arn:aws:iam::123456789012:role/eks-node"
OTHER = "arn:aws:iam::123456789012:role/ci"
ROOT = "arn:aws:iam::123456789012:root"
NAMES = RoleNames(ROLE, frozenset({"arn:aws:sts::123456789012:assumed-role/eks-node/i-0abc", "AROAEXAMPLE"}))
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def deny(principal: Any = None, **changes: Any) -> dict[str, Any]:
    principal = {"AWS": ROLE} if principal is None else principal
    return {
        "Sid": "no",
        "Effect": "Deny",
        "Principal": principal,
        "Action": [*PULL, "ecr:PutImage"],
        **changes,
    }


def denies(statement: Any) -> bool:
    """Good enough for these statements: by name, account or star, unless a condition spares the role."""
    spared = statement.get("Condition", {}).get("ArnNotEquals", {}).get("aws:PrincipalArn", [])
    if ROLE in spared:
        return False
    principal = statement.get("Principal", "*")
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    named = [named] if isinstance(named, str) else named
    return bool({"*", ROOT, ROLE, *NAMES.others} & set(named))


def lifted(*statements: dict[str, Any]) -> list[dict[str, Any]] | None:
    text, _ = without_pull_denies(
        json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), NAMES, denies
    )
    return None if text is None else json.loads(text)["Statement"]


def test_the_role_keeps_the_deny_of_everything_else() -> None:
    assert lifted(deny()) == [deny(Action=["ecr:PutImage"])]


def test_a_deny_of_nothing_else_goes() -> None:
    assert lifted(deny(Action=PULL), deny(Sid="other", Principal={"AWS": OTHER})) == [
        deny(Sid="other", Principal={"AWS": OTHER})
    ]


def test_a_policy_without_statements_is_none() -> None:
    assert lifted(deny(Action=PULL)) is None


def test_others_keep_the_full_deny() -> None:
    assert lifted(deny({"AWS": [ROLE, OTHER]})) == [
        deny({"AWS": [ROLE, OTHER]}, Action=["ecr:PutImage"]),
        deny({"AWS": [OTHER]}, Sid="noPull", Action=PULL),
    ]


@pytest.mark.parametrize("everyone", ["*", {"AWS": "*"}, {"AWS": ROOT}])
def test_a_deny_of_everyone_spares_the_role_by_a_condition(everyone: Any) -> None:
    assert lifted(deny(everyone)) == [
        deny(everyone, Action=["ecr:PutImage"]),
        deny(
            everyone,
            Sid="noPull",
            Action=PULL,
            Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}},
        ),
    ]


def test_a_condition_that_spares_others_already_is_added_to() -> None:
    condition = {"ArnNotEquals": {"aws:PrincipalArn": OTHER}, "Bool": {"aws:SecureTransport": "true"}}
    [_, spared] = lifted(deny("*", Condition=condition)) or []
    assert spared["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": [OTHER, ROLE]},
        "Bool": {"aws:SecureTransport": "true"},
    }


@pytest.mark.parametrize("action", ["*", "ecr:*", "ECR:*", "*:*", ["ecr:*", "ecr:PutImage"]])
def test_a_deny_of_all_actions_becomes_a_deny_of_all_others(action: Any) -> None:
    assert lifted(deny(Action=action)) == [
        {"Sid": "no", "Effect": "Deny", "Principal": {"AWS": ROLE}, "NotAction": PULL}
    ]


def test_not_action_is_widened_for_the_role_only() -> None:
    before = {"Effect": "Deny", "Principal": {"AWS": [ROLE, OTHER]}, "NotAction": ["ecr:DescribeImages"]}
    assert lifted(before) == [
        {**before, "NotAction": ["ecr:DescribeImages", *PULL]},
        {"Effect": "Deny", "Principal": {"AWS": [OTHER]}, "Action": PULL},
    ]


def test_a_pattern_that_also_means_other_actions_is_refused() -> None:
    with pytest.raises(Refused, match=r"ecr:Batch\*"):
        lifted(deny(Action=["ecr:Batch*"]))


def test_a_pattern_beside_the_pull_stays() -> None:
    assert lifted(deny(Action=["ecr:BatchGetImage", "ecr:Put*"])) == [deny(Action=["ecr:Put*"])]


def test_no_two_statements_get_one_sid() -> None:
    """AWS takes no policy with two alike."""
    taken = deny({"AWS": OTHER}, Sid="noPull")
    found = lifted(deny({"AWS": [ROLE, OTHER]}), taken, deny({"AWS": [ROLE, OTHER]}, Sid="noPull2"))
    sids = [one["Sid"] for one in found or []]
    assert len(set(sids)) == len(sids) == 5


def test_actions_are_alike_whatever_their_letters() -> None:
    assert lifted(deny(Action=["ECR:batchgetimage", "ecr:PUTIMAGE"])) == [deny(Action=["ecr:PUTIMAGE"])]


def test_sessions_and_ids_of_the_role_are_the_role() -> None:
    assert lifted(deny({"AWS": ["AROAEXAMPLE", OTHER]}, Action=PULL)) == [deny({"AWS": [OTHER]}, Action=PULL)]


def test_services_stay_denied() -> None:
    assert lifted(deny({"AWS": ROLE, "Service": "x.amazonaws.com"}, Action=PULL)) == [
        deny({"Service": "x.amazonaws.com"}, Action=PULL)
    ]


def test_what_does_not_concern_the_role_is_left_byte_for_byte() -> None:
    other = deny({"AWS": OTHER})
    allow = {"Sid": "yes", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    assert lifted(other, allow, deny(Action=PULL)) == [other, allow]


def test_a_single_statement_may_come_without_a_list() -> None:
    text, sids = without_pull_denies(json.dumps({"Statement": deny()}), NAMES, denies)
    assert json.loads(text or "")["Statement"] == [deny(Action=["ecr:PutImage"])]
    assert sids == ("no",)


def test_the_layout_of_the_policy_is_kept() -> None:
    policy = {"Version": "2012-10-17", "Statement": [deny()]}
    assert "\n" in (without_pull_denies(json.dumps(policy, indent=4), NAMES, denies)[0] or "")
    assert "\n" not in (without_pull_denies(json.dumps(policy), NAMES, denies)[0] or "\n")


def test_a_statement_is_added_at_the_end() -> None:
    allow = {"Effect": "Allow"}
    assert json.loads(with_statement(None, allow)) == {"Version": "2012-10-17", "Statement": [allow]}
    before = json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": deny()})
    assert json.loads(with_statement(before, allow)) == {
        "Version": "2008-10-17",
        "Id": "x",
        "Statement": [deny(), allow],
    }
