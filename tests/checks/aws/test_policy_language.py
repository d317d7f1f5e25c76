"""The policy language, rule by rule, as AWS documents it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.aws.conditions import conditions_hold
from checks.aws.ecr import RepositoryPolicy
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.match import Match
from checks.aws.policy_values import alike, resource_alike
from checks.aws.principals import corrected
from checks.aws.puller import Puller
from checks.aws.repository_policy_names_roles import repository_policy_names_roles
from checks.aws.rights import PullRights, Says
from checks.model import Status
from tests.checks.aws.one_role import (
    ACCOUNT,
    ALL,
    APP,
    CONTEXT,
    OWNER,
    PULL,
    ROLE,
    SESSION,
    on_repository,
    policy,
    rights,
    says,
)


@pytest.mark.parametrize(
    ("wanted", "actual", "same"),
    [
        ("a*c", "abbc", True),
        ("a*c", "abbcd", False),
        ("*", "", True),
        ("?", "", False),
        ("a?c*", "abc", True),
        ("*b*d", "abcbd", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a*", "a\nb", True),
        ("${*}", "*", True),
        ("${*}", "x", False),
        ("${?}x*", "?xy", True),
        ("${$}{aws:PrincipalAccount}", "${aws:PrincipalAccount}", True),
        ("x${aws:PrincipalAccount}*", f"x{ACCOUNT}y", True),
        ("${AWS:principalaccount}", ACCOUNT, True),
        ("${aws:username, 'nobody'}", "nobody", True),
        ("${aws:username}", "", False),
    ],
)
def test_patterns_and_variables(wanted: str, actual: str, same: bool) -> None:
    assert alike(wanted, actual, CONTEXT) is Match.of(same)


def test_a_variable_is_filled_in_and_is_no_pattern() -> None:
    assert alike("${k}", "xyz", {"k": "x*"}) is Match.NO
    assert alike("${k}", "x*", {"k": "x*"}) is Match.YES
    assert alike("${unheard:of}", "x", CONTEXT) is Match.UNKNOWN
    assert alike("${unheard:of, 'x'}", "x", CONTEXT) is Match.UNKNOWN
    assert alike("${aws:PrincipalAccount}", ACCOUNT, None) is Match.NO


def test_before_2012_a_variable_is_text() -> None:
    mine = {**ALL, "Condition": {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}}
    assert says(rights(own=policy(mine))) is Says.ALLOWS
    assert says(rights(own=policy(mine, version="2008-10-17"))) is Says.NOTHING
    assert says(rights(own=json.dumps({"Statement": mine}))) is Says.NOTHING


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ("arn:aws:ecr:*:*:repository/app", Match.YES),
        ("arn:aws:ecr:*", Match.YES),
        ("arn:aws:ecr:us-west-2:*", Match.YES),
        ("arn:aws:ecr:*:*:repository/app2", Match.NO),
        ("arn:aws:ecr", Match.UNKNOWN),
        ("arn:aws:ecr:*:repository/app", Match.UNKNOWN),
        ("arn:aws:ecr:*:*:repo*/app", Match.UNKNOWN),
        ("arn:aws:ecr:*:*:repository/${aws:username}", Match.NO),
        ("arn:aws:ecr:*:${aws:PrincipalAccount}:repository/app", Match.YES),
    ],
)
def test_resources_are_compared_part_by_part(wanted: str, match: Match) -> None:
    assert resource_alike(wanted, APP.arn, CONTEXT) is match


@pytest.mark.parametrize(
    ("operator", "key", "values", "match"),
    [
        ("Null", "aws:username", ("true",), Match.YES),
        ("Null", "aws:username", (), Match.UNKNOWN),
        ("Null", "aws:PrincipalArn", ("true", "false"), Match.YES),
        ("NumericLessThan", "aws:username", ("3",), Match.NO),
        ("NotIpAddress", "aws:username", ("10.0.0.0/8",), Match.YES),
        ("DateLessThanIfExists", "aws:username", ("2024-01-01",), Match.YES),
        ("NumericEquals", "aws:PrincipalAccount", (ACCOUNT,), Match.UNKNOWN),
        ("NotStringEquals", "aws:PrincipalAccount", (ACCOUNT,), Match.UNKNOWN),
        ("StringSounds", "aws:username", ("x",), Match.UNKNOWN),
        ("ForAnyValue:StringEquals", "aws:PrincipalAccount", (OWNER, ACCOUNT), Match.YES),
        ("ForAllValues:StringEquals", "aws:username", ("x",), Match.YES),
        ("ForAnyValue:StringNotEquals", "aws:username", ("x",), Match.NO),
        ("ForSomeValues:StringEquals", "aws:PrincipalAccount", (ACCOUNT,), Match.UNKNOWN),
        ("StringEquals", "aws:PrincipalAccount", (), Match.NO),
        ("StringNotEquals", "aws:PrincipalAccount", (), Match.YES),
        ("StringNotEquals", "aws:PrincipalAccount", ("${aws:username}",), Match.UNKNOWN),
        ("ArnLike", "aws:PrincipalArn", ("arn:aws:iam::${aws:PrincipalAccount}:role/*",), Match.YES),
        ("ArnLike", "aws:PrincipalArn", ("arn:aws:iam:*:role/team/eks-node",), Match.UNKNOWN),
        ("ArnEquals", "aws:PrincipalArn", ("*",), Match.UNKNOWN),
        ("Bool", "aws:PrincipalAccount", ("true",), Match.UNKNOWN),
        ("StringEquals", "aws:SourceVpc", ("vpc-1",), Match.UNKNOWN),
    ],
)
def test_conditions(operator: str, key: str, values: tuple[str, ...], match: Match) -> None:
    assert conditions_hold([(operator, key, values)], CONTEXT) is match


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        ({"AWS": ROLE}, Says.NOTHING),
        ({"AWS": "AROAMINE"}, Says.NOTHING),
        ({"AWS": SESSION}, Says.ALLOWS),
        ("*", Says.ALLOWS),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/ci"]}, Says.NOTHING),
    ],
)
def test_a_boundary_limits_what_a_repository_grants_to_a_role_but_not_to_its_session(
    principal: Any, answer: Says
) -> None:
    nothing = policy()
    granted = on_repository(Principal=principal)
    assert says(rights(own=nothing, repository=granted, edge=policy({**ALL, "Action": "s3:*"}))) is answer
    denying = policy(ALL, {**ALL, "Effect": "Deny"})
    assert says(rights(own=nothing, repository=granted, edge=denying)) is Says.DENIES


@pytest.mark.parametrize(
    ("spared", "answer"),
    [
        ([ROLE, SESSION, ACCOUNT], Says.ALLOWS),
        (["AROAMINE", SESSION, f"arn:aws:iam::{ACCOUNT}:root"], Says.ALLOWS),
        ("*", Says.ALLOWS),
        ([ROLE], Says.UNKNOWN),
        ([ROLE, ACCOUNT], Says.UNKNOWN),
        ([ACCOUNT], Says.UNKNOWN),
        ([f"arn:aws:iam::{ACCOUNT}:role/ci"], Says.DENIES),
    ],
)
def test_whom_not_principal_spares(spared: Any, answer: Says) -> None:
    deny = policy({"Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "ecr:*"})
    assert says(rights(repository=deny)) is answer
    assert says(rights(repository=deny, edge=policy(ALL))) is Says.DENIES
    allow = policy({"Effect": "Allow", "NotPrincipal": {"AWS": spared}, "Action": "ecr:*"})
    assert says(rights(own=policy(), repository=allow)) in (Says.UNKNOWN, Says.NOTHING)


def test_an_allow_of_the_repository_does_not_outweigh_a_deny_that_cannot_be_judged() -> None:
    unsure = policy({**ALL, "Effect": "Deny", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}})
    assert says(rights(own=unsure, repository=on_repository(Principal={"AWS": ROLE}))) is Says.UNKNOWN


def test_a_repository_whose_policy_is_hidden_may_grant_what_the_role_lacks() -> None:
    it = rights(own=policy())
    hidden = PullRights(it.puller, it.role, RepositoryPolicy(APP, None, unread="AWS denies it"))
    assert hidden.of_role(PULL).says is Says.UNKNOWN
    assert hidden.of_role("ecr:GetAuthorizationToken").says is Says.NOTHING
    able = PullRights(it.puller, rights().role, hidden.repository)
    assert able.of_role(PULL).says is Says.ALLOWS
    assert able.overall(PULL).says is Says.UNKNOWN


def test_without_the_path_of_the_role_its_arn_is_not_known_to_conditions_either() -> None:
    bare = Puller(ROLE.replace("/team", ""), "us-west-2", "i-0abc", "its denial names it", path_known=False)
    role = RolePolicies(True, "", "", None, (PolicyText("own", policy(ALL)),), unread=("iam is hidden",))
    team = on_repository("Deny", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}})
    assert says(PullRights(bare, role, RepositoryPolicy(APP, team))) is Says.UNKNOWN
    named = on_repository("Deny", Principal={"AWS": ROLE})
    assert says(PullRights(bare, role, RepositoryPolicy(APP, named))) is Says.UNKNOWN
    assert says(PullRights(bare, role, RepositoryPolicy(APP, on_repository("Deny")))) is Says.DENIES


def test_a_name_is_put_right_without_knowing_whether_it_matters() -> None:
    """The role's own policies could not be read in full: they may allow the pull already."""
    wrong = on_repository(Principal={"AWS": ROLE.replace("/team", "")})
    it = rights(own=policy(), repository=wrong, unread=("p9 is hidden",))
    assert repository_policy_names_roles.fn(it).status is Status.UNKNOWN
    assert repository_policy_names_roles.fn(rights(own=policy(), repository=wrong)).status is Status.FAIL
    assert repository_policy_names_roles.fn(rights(repository=wrong)).status is Status.PASS
    assert (
        says(rights(own=policy(), repository=corrected(wrong, ROLE.replace("/team", ""), ROLE)))
        is Says.ALLOWS
    )
