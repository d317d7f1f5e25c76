"""Texts of every shape: a policy, or not one from which anything is concluded; and soon done with."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.aws.facts import EcrAddress
from checks.aws.match import Match
from checks.aws.policy_language import BadPolicy, Caller, Request, parse
from checks.aws.policy_values import alike
from checks.aws.principals import Role, misnamed
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.repository_policy_names_roles import repository_policy_names_roles
from checks.aws.rights import Says
from checks.aws.role_can_pull import role_can_pull
from checks.model import NotApplicable, Status
from handlers.remedies.aws.allow_role_in_repository_policy import allow_role_in_repository_policy
from handlers.remedies.aws.lift_repository_deny import lift_repository_deny
from handlers.remedy import Refused
from tests.checks.aws.one_role import (
    ACCOUNT,
    ALL,
    APP,
    CONTEXT,
    OWNER,
    PULL,
    ROLE,
    SESSION,
    policy,
    rights,
    says,
)

ASKED = Request(Caller(ROLE, "AROAMINE", "i-0abc"), PULL, APP.arn, CONTEXT)

_TEXT = st.sampled_from(
    ["Allow", "Deny", "*", "ecr:*", ROLE, SESSION, ACCOUNT, "AROAX", "${aws:username}", "${", ""]
)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_TEXT | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_TESTS = st.dictionaries(
    st.sampled_from(
        ["StringLike", "ArnLike", "Null", "Bool", "ForAnyValue:StringEquals", "", ":", "IfExists", "Not"]
    ),
    st.dictionaries(
        st.sampled_from(["aws:PrincipalArn", "aws:username", "aws:SourceIp", ""]), _ANY, max_size=2
    )
    | _ANY,
    max_size=2,
)
_STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": st.sampled_from(["ecr:*", "*", []]) | _ANY},
    optional={
        "Principal": _ANY | st.dictionaries(st.sampled_from(["AWS", "Service"]), _ANY, max_size=2),
        "NotPrincipal": _ANY,
        "Resource": _ANY,
        "NotResource": _ANY,
        "Condition": _TESTS | _ANY,
        "Sid": _ANY,
    },
)
_POLICIES = st.fixed_dictionaries(
    {"Statement": st.lists(_STATEMENTS, max_size=2) | _STATEMENTS | _ANY},
    optional={"Version": st.just("2012-10-17") | _ANY},
)


@given((_POLICIES | _ANY).map(json.dumps) | st.text(max_size=20))
def test_any_text_is_a_policy_or_a_bad_one_and_nobody_stumbles(text: str) -> None:
    try:
        statements = parse(text)
    except BadPolicy:
        statements = ()
        assert says(rights(own=text)) is Says.UNKNOWN
        assert says(rights(repository=text)) is Says.UNKNOWN
    for statement in statements:
        assert statement.matches(ASKED) in Match
    it = rights(repository=text, address=EcrAddress(OWNER, "us-west-2", "aws", "app"))
    for one in (it, rights(own=text), rights(edge=text), rights(repository=text)):
        assert role_can_pull.fn(one, None).status in Status
        assert repository_policy_allows_pull.fn(one, None).status in Status
        for remedy in (allow_role_in_repository_policy, lift_repository_deny):
            with suppress(Refused, NotApplicable):
                remedy(one)
    assert repository_policy_names_roles.fn(it).status in Status


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[" * 200_000,
        '{"Statement": ' * 100_000,
        '{"Version": "2012-10-17"}',
        '{"Statement": {}, "Statement": {}}',
        policy(None),
        policy({"Effect": "allow", "Action": "*"}),
        policy({"Effect": "Deny"}),
        policy({**ALL, "condition": {}}),
        policy({**ALL, "NotAction": "*"}),
        policy({**ALL, "Sid": 7}),
        policy({**ALL, "Action": [None]}),
        policy({**ALL, "Principal": 7}),
        policy({**ALL, "Principal": ACCOUNT}),
        policy({**ALL, "Principal": {"AWS": {"AWS": "*"}}}),
        policy({**ALL, "Condition": {"Bool": ["aws:SecureTransport"]}}),
        policy({**ALL, "Condition": {"Bool": {"aws:SecureTransport": None}}}),
        policy({**ALL, "Condition": {"NumericEquals": {"x": float("nan")}}}),
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_what_aws_would_not_have_stored_says_nothing(text: str) -> None:
    with pytest.raises(BadPolicy):
        parse(text)
    with pytest.raises(BadPolicy):
        misnamed(text, Role(ROLE))
    assert says(rights(own=text)) is Says.UNKNOWN
    assert says(rights(repository=text)) is Says.UNKNOWN
    assert says(rights(edge=text)) is Says.UNKNOWN


def test_patterns_made_to_be_slow_are_not() -> None:
    begun = time.perf_counter()
    evil = "*a" * 2_000 + "b"
    assert alike(evil, "a" * 4_000, None) is Match.NO
    assert alike("*a" * 30 + "b", "a" * 2_000, None) is Match.NO
    assert alike("a*" * 30 + "${aws:username, 'b'}", "a" * 2_000, CONTEXT) is Match.NO
    many = [f"arn:aws:ecr:*:*:{'*a?' * 10}{number}" for number in range(2_500)]
    huge = policy(
        {**ALL, "Action": ["ecr:*a*a*a*x", *(f"ecr:*{number}" for number in range(900))], "Resource": many}
    )
    assert len(huge) > 100_000
    assert says(rights(own=huge)) is Says.NOTHING
    assert time.perf_counter() - begun < 10  # a pattern that backtracks takes longer than anybody lives
