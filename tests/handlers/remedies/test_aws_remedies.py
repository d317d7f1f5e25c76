"""What is planned for a role that may not pull, what is refused, and that nobody else notices the change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.puller import Puller
from checks.aws.rights import ACTIONS, ON_REPOSITORY, PullRights, Says
from checks.model import NotApplicable
from handlers.remedies.aws.allow_role_in_repository_policy import allow_role_in_repository_policy
from handlers.remedies.aws.attach_pull_policy import attach_pull_policy
from handlers.remedies.aws.lift_repository_deny import lift_repository_deny
from handlers.remedies.aws.policy_edits import PULL_ACTIONS
from handlers.remedies.aws.steps import AttachRolePolicy, SetRepositoryPolicy
from handlers.remedy import Plan, Refused
from tests.fakes.aws_account import ACCOUNT, PULL, READ_ONLY, policy

OWNER = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
APP = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
THEIRS = EcrAddress(OWNER, "us-west-2", "aws", "app")


def rights(
    repository: str | None = None,
    *documents: Any,
    address: EcrAddress = APP,
    role: str = ROLE,
    unread: str = "",
    **changes: Any,
) -> PullRights:
    texts = tuple(PolicyText("own", json.dumps(one)) for one in documents)
    unique = "AROANODE" if role == ROLE else "AROASOMEBODY"
    own = replace(RolePolicies(True, role, unique, (), texts), **changes)
    puller = Puller(role, "us-west-2", "i-0abc", "its instance has it")
    return PullRights(puller, own, RepositoryPolicy(address, repository, unread))


def deny(**changes: Any) -> dict[str, Any]:
    return {
        "Sid": "no",
        "Effect": "Deny",
        "Principal": {"AWS": ROLE},
        "Action": list(PULL_ACTIONS),
        **changes,
    }


def change(plans: tuple[Plan, ...]) -> SetRepositoryPolicy:
    [plan] = plans
    [step] = plan.steps
    assert isinstance(step, SetRepositoryPolicy)
    return step


def test_read_only_is_recommended_and_pull_only_is_the_choice() -> None:
    plans = attach_pull_policy(rights())
    assert [plan.choice for plan in plans] == [
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEC2ContainerRegistryPullOnly",
    ]
    assert plans[0].steps == (AttachRolePolicy(ROLE, READ_ONLY, "us-west-2"),)
    assert all(plan.reversible for plan in plans)


def test_the_policy_is_of_the_roles_partition() -> None:
    china = rights(role=ROLE.replace("aws", "aws-cn"), address=replace(APP, partition="aws-cn"))
    [step] = attach_pull_policy(china)[0].steps
    assert step.diff().after.startswith("arn:aws-cn:iam::aws:policy/")


_EDGE = PolicyText("arn:aws:iam::1:policy/edge", json.dumps({"Statement": []}))


@pytest.mark.parametrize(
    ("it", "why"),
    [
        (rights(exists=False), "does not exist"),
        (rights(unread="", attached=None), "not known in full"),
        (rights(boundary_unread=("iam:GetRole is denied",)), "iam:GetRole"),
        (rights(role=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x/y"), "service-linked"),
        (rights(attached=(READ_ONLY,)), "already"),
        (rights(boundary=_EDGE), "policy/edge"),
        (rights(None, {"Statement": {"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}}), "by own"),
    ],
)
def test_what_would_not_help_is_refused(it: PullRights, why: str) -> None:
    with pytest.raises(Refused, match=why):
        attach_pull_policy(it)


def test_a_deny_is_lifted_and_the_plan_is_the_same_each_time() -> None:
    it = rights(policy(deny()), PULL)
    step = change(lift_repository_deny(it))
    assert step.after is None
    assert step.before == policy(deny())
    assert lift_repository_deny(it)[0].digest == lift_repository_deny(it)[0].digest
    assert "intentional: no" in lift_repository_deny(it)[0].caution


def test_nothing_is_lifted_where_nothing_is_denied() -> None:
    for text in (None, policy(deny(Principal={"AWS": OWNER}))):
        with pytest.raises(NotApplicable):
            lift_repository_deny(rights(text, PULL))


def test_a_lift_that_would_not_be_enough_is_refused() -> None:
    with pytest.raises(Refused, match="ecr:GetAuthorizationToken"):
        lift_repository_deny(rights(policy(deny())))
    unsure = deny(Sid="unsure", Principal="*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    with pytest.raises(Refused, match="not known"):
        lift_repository_deny(rights(policy(deny(), unsure), PULL))
    with pytest.raises(Refused, match="could not be read"):
        lift_repository_deny(rights(None, PULL, unread="AWS denies it"))
    with pytest.raises(Refused, match="repository policy"):
        lift_repository_deny(rights(policy(deny()), PULL, address=THEIRS))


_ROLES = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("eks-node", "ci", "team/dev")]
_ROLES.append(f"arn:aws:iam::{OWNER}:role/eks-node")
_PRINCIPALS = [*_ROLES, "*", ACCOUNT, f"arn:aws:iam::{OWNER}:root", "AROANODE"]
_ACTIONS = [*ON_REPOSITORY, "ecr:BatchCheckLayerAvailability", "ecr:PutImage", "ecr:ListImages"]
_CONDITIONS: list[dict[str, Any]] = [
    {},
    {"ArnNotEquals": {"aws:PrincipalArn": _ROLES[1]}},
    {"ArnLike": {"aws:principalarn": "arn:aws:iam::*:role/*"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT]}},
]


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Deny", "Deny", "Allow"]))}
    if draw(st.booleans()):
        made["Sid"] = draw(st.sampled_from(["a", "b"]))
    element = draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))
    named = draw(st.lists(st.sampled_from(_PRINCIPALS), min_size=1, max_size=3, unique=True))
    made[element] = {"AWS": named if len(named) > 1 else named[0]}
    if draw(st.booleans()):
        made["Action"] = draw(st.lists(st.sampled_from([*_ACTIONS, "ecr:*", "ecr:Put*"]), min_size=1))
    else:
        made["NotAction"] = draw(st.lists(st.sampled_from(_ACTIONS), min_size=1, max_size=2))
    if condition := draw(st.sampled_from(_CONDITIONS)):
        made["Condition"] = condition
    return made


@given(st.lists(statements(), min_size=1, max_size=4))
def test_nobody_else_notices_that_a_deny_was_lifted(found: list[dict[str, Any]]) -> None:
    before = rights(policy(*found), PULL)
    try:
        step = change(lift_repository_deny(before))
    except (Refused, NotApplicable):
        return
    after = before.with_repository_policy(step.after)
    assert all(after.overall(action).says is Says.ALLOWS for action in ACTIONS)
    for role in _ROLES:
        one = rights(step.before, PULL, role=role)
        other = one.with_repository_policy(step.after)
        for action in _ACTIONS:
            if role == ROLE and action in PULL_ACTIONS:
                continue
            assert one.of_repository(action).says is other.of_repository(action).says, (role, action)


def test_one_statement_lets_a_role_of_another_account_in() -> None:
    theirs = policy(deny(Sid="theirs", Principal={"AWS": OWNER}))
    step = change(allow_role_in_repository_policy(rights(theirs, PULL, address=THEIRS)))
    [kept, added] = json.loads(step.after or "")["Statement"]
    assert kept == json.loads(theirs)["Statement"][0]
    assert added["Principal"] == {"AWS": ROLE}
    assert added["Action"] == list(PULL_ACTIONS)
    assert added["Sid"].startswith("PullbotAllowPull")
    assert len(added["Sid"]) == len("PullbotAllowPull") + 8


def test_a_repository_without_a_policy_gets_one_and_loses_it_again() -> None:
    step = change(allow_role_in_repository_policy(rights(None, PULL, address=THEIRS)))
    assert step.inverse().after is None


def test_a_wrong_name_is_put_right_instead() -> None:
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node"
    wrong = policy(deny(Sid="nodes", Effect="Allow", Principal={"AWS": profile}))
    step = change(allow_role_in_repository_policy(rights(wrong, PULL, address=THEIRS)))
    assert step.after == wrong.replace(profile, ROLE)


def test_a_policy_that_may_not_be_read_is_told_to_its_owner() -> None:
    with pytest.raises(Refused) as told:
        allow_role_in_repository_policy(rights(None, PULL, address=THEIRS, unread="AWS denies it"))
    words = str(told.value)
    statement = json.loads(words[words.index("{") :])
    assert statement["Principal"] == {"AWS": ROLE}


@pytest.mark.parametrize(
    ("text", "documents", "why"),
    [
        (None, [], "ecr:GetAuthorizationToken"),
        (policy(deny(Sid="x" * 10_200, Principal={"AWS": OWNER})), [PULL], "10240"),
        ("{", [PULL], "understood"),
    ],
)
def test_an_allow_that_would_not_help_is_refused(text: str | None, documents: list[Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        allow_role_in_repository_policy(rights(text, *documents, address=THEIRS))


def test_within_an_account_or_behind_a_deny_an_allow_makes_no_sense() -> None:
    for it in (rights(None, PULL), rights(policy(deny()), PULL, address=THEIRS)):
        with pytest.raises(NotApplicable):
            allow_role_in_repository_policy(it)


def test_a_deny_is_not_lifted_where_the_registrys_own_would_still_stand() -> None:
    freeze = policy({"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"})
    frozen = rights(policy(deny()), PULL).with_registry_policy(freeze)
    with pytest.raises(Refused, match="registry policy"):
        lift_repository_deny(frozen)
    assert change(lift_repository_deny(frozen.with_registry_policy(None))).after is None
