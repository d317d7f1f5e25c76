"""The policy of a whole registry: when it rules pulls, what it denies and grants, and when it is silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.aws.denials import Accusation
from checks.aws.facts import EcrAddress
from checks.aws.registry_policy import RegistryId, RegistryPolicy, registry_policy
from checks.aws.registry_policy_allows_pull import registry_policy_allows_pull
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from checks.model import NotApplicable, NotFound, Status, Verdict
from tests.checks.aws.one_role import ACCOUNT, OWNER, PULL, ROLE, SESSION, on_repository, policy, rights, says
from tests.fakes.aws_account import Account

MINE = RegistryId(ACCOUNT, "us-west-2")
THEIRS = RegistryId(OWNER, "us-west-2")
THEIR_APP = EcrAddress(OWNER, "us-west-2", "aws", "app")
DENY = policy({"Sid": "freeze", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"})
TO_US = policy({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "ecr:*", "Resource": "*"})
TOKEN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}


def verdict(it: RegistryPolicy, who: PullRights | None = None, said: Accusation | None = None) -> Verdict:
    return registry_policy_allows_pull.fn(it, who or rights(), said)


def words(layer: str, *, explicit: bool) -> Accusation:
    return Accusation(SESSION, PULL, rights().repository.address.arn, layer, explicit)


def test_a_deny_under_v2_stops_the_pull_whatever_the_role_may_do() -> None:
    it = verdict(RegistryPolicy(MINE, DENY, "V2"))
    assert it.status is Status.FAIL
    assert "freeze" in it.summary
    assert dict(it.evidence)["Layer"] == "registry policy"
    assert it.about == f"registry {ACCOUNT}/us-west-2"


@pytest.mark.parametrize("text", [DENY, TO_US], ids=["denies", "allows"])
def test_where_another_role_is_said_to_be_denied_nobody_is_accused_or_acquitted(text: str) -> None:
    mine = rights()
    it = verdict(
        RegistryPolicy(MINE, text, "V2"),
        replace(mine, puller=replace(mine.puller, rival=f"arn:aws:iam::{ACCOUNT}:role/other")),
        words("resource-based policy", explicit=True),
    )
    assert it.status is Status.UNKNOWN
    assert "role/other was denied" in it.summary


def test_a_deny_under_v1_is_not_for_pulls() -> None:
    assert verdict(RegistryPolicy(MINE, DENY, "V1")).status is Status.PASS


def test_a_deny_of_which_the_scope_is_not_known_is_unknown_and_an_allow_does_not_matter() -> None:
    it = verdict(RegistryPolicy(MINE, DENY, scope_unread="AWS denies ecr:GetAccountSetting"))
    assert it.status is Status.UNKNOWN
    assert "ecr:GetAccountSetting" in it.summary
    assert verdict(RegistryPolicy(MINE, TO_US, scope_unread="AWS denies it")).status is Status.PASS


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": OWNER}, "Action": "ecr:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/x/*"},
    ],
)
def test_a_deny_of_something_else_is_not_in_the_way(statement: Any) -> None:
    assert verdict(RegistryPolicy(MINE, policy(statement), "V2")).status is Status.PASS


def test_a_condition_that_cannot_be_judged_is_neither() -> None:
    strange = policy(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "ecr:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}},
        }
    )
    assert verdict(RegistryPolicy(MINE, strange, "V2")).status is Status.UNKNOWN


def test_without_a_policy_there_is_nothing_to_say() -> None:
    with pytest.raises(NotApplicable):
        verdict(RegistryPolicy(MINE, None, "V2"))


def test_of_ones_own_registry_a_denied_read_is_told() -> None:
    it = verdict(RegistryPolicy(MINE, None, unread="AWS denies ecr:GetRegistryPolicy"))
    assert it.status is Status.UNKNOWN
    assert "ecr:GetRegistryPolicy" in it.summary


def test_of_anothers_registry_it_is_told_only_if_the_registry_blames_such_a_policy() -> None:
    unread = RegistryPolicy(THEIRS, None, unread="only a role there can read it")
    they = rights(address=THEIR_APP)
    with pytest.raises(NotApplicable):
        verdict(unread, they)
    with pytest.raises(NotApplicable):
        verdict(unread, they, words("identity-based policy", explicit=False))
    assert verdict(unread, they, words("resource-based policy", explicit=True)).status is Status.UNKNOWN


def test_words_that_rule_out_a_deny_make_ours_doubtful() -> None:
    said = words("identity-based policy", explicit=False)
    # Of the other action nothing was said.
    assert verdict(RegistryPolicy(MINE, DENY, "V2"), said=said).status is Status.FAIL
    only = policy({"Effect": "Deny", "Principal": "*", "Action": PULL, "Resource": "*"})
    assert verdict(RegistryPolicy(MINE, only, "V2"), said=said).status is Status.UNKNOWN


def test_who_pulls_has_to_be_known_for_a_policy_under_v2() -> None:
    it = registry_policy_allows_pull.fn(RegistryPolicy(MINE, DENY, "V2"), None, None)
    assert it.status is Status.UNKNOWN


def test_a_registry_grants_as_a_repository_does() -> None:
    poor = rights(policy(TOKEN))
    assert role_can_pull.fn(poor, None).status is Status.FAIL
    assert role_can_pull.fn(poor.with_registry_policy(TO_US), None).status is Status.PASS
    they = rights(address=THEIR_APP)
    assert repository_policy_allows_pull.fn(they, None).status is Status.FAIL
    assert repository_policy_allows_pull.fn(they.with_registry_policy(TO_US), None).status is Status.PASS


def test_a_registrys_deny_beats_every_allow() -> None:
    for it in (rights(), rights(repository=on_repository()), rights(address=THEIR_APP, repository=TO_US)):
        assert says(it).value == "allows"
        assert says(it.with_registry_policy(DENY)).value == "denies"


async def read(aws: Account, registry: RegistryId = MINE) -> RegistryPolicy:
    found: RegistryPolicy = await aws.run(registry_policy.fn(registry, aws))
    return found


def account(**answers: Any) -> Account:
    scope = {"get_account_setting": {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}}
    return Account({**scope, **answers})


async def test_policy_and_scope_are_read_in_one_round() -> None:
    aws = account(get_registry_policy={"registryId": ACCOUNT, "policyText": DENY})
    assert await read(aws) == RegistryPolicy(MINE, DENY, "V2")
    assert aws.rounds == 1


async def test_the_answer_about_ones_own_registry_is_not_taken_for_anothers() -> None:
    aws = account(get_registry_policy={"registryId": ACCOUNT, "policyText": DENY})
    assert "only a role in account 444455556666" in (await read(aws, THEIRS)).unread
    missing = NotFound(
        "RegistryPolicyNotFoundException",
        f"Registry policy does not exist in the registry with id '{ACCOUNT}'",
    )
    assert (await read(account(get_registry_policy=missing), THEIRS)).unread
    assert await read(account(get_registry_policy=missing)) == RegistryPolicy(MINE, None, "V2")


async def test_denied_reads_are_remembered_each_by_itself() -> None:
    aws = account(get_registry_policy={"registryId": ACCOUNT, "policyText": DENY})
    aws.denied.add("get_account_setting")
    found = await read(aws)
    assert (found.text, found.on_pulls) == (DENY, None)
    assert found.scope_unread == "AWS denies get_account_setting"
    aws.denied = {"get_registry_policy"}
    assert replace(await read(aws), scope="") == RegistryPolicy(
        MINE, None, unread="AWS denies get_registry_policy"
    )
