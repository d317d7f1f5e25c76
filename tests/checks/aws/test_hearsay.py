"""A message that anybody can write chooses nobody's role: the cloud's word on who pulls counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from checks.aws.denials import Accusation
from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.puller import Puller
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.rights import PullRights
from checks.aws.role_can_pull import role_can_pull
from checks.model import FailedPull, Status
from handlers.remedies.aws.allow_role_in_repository_policy import allow_role_in_repository_policy
from handlers.remedies.aws.attach_pull_policy import attach_pull_policy
from handlers.remedies.aws.lift_repository_deny import lift_repository_deny
from handlers.remedy import Refused, Remedy
from tests.checks.aws.test_facts import ROLE, SELF_MANAGED, learn, pull
from tests.fakes.aws_account import ACCOUNT, PULL, healthy, policy

OWNER = "444455556666"
RIVAL = f"arn:aws:iam::{OWNER}:role/attacker"
DENY = policy({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"})
NOBODY: dict[str, Any] = {"Statement": []}


def denied(role: str, account: str = ACCOUNT, session: str = "i-0abc") -> FailedPull:
    who = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    return pull(message=f"User: {who} is not authorized to perform: ecr:BatchGetImage on resource: x")


async def test_the_role_of_the_message_does_not_beat_the_instances() -> None:
    found: Puller = await learn(Puller, healthy(), failure=denied("attacker", OWNER))
    assert (found.role_arn, found.rival, found.hearsay) == (ROLE, RIVAL, False)
    assert RIVAL in found.drift
    assert "pull secret" in found.drift


async def test_the_role_of_the_message_does_not_beat_the_node_groups() -> None:
    aws = healthy()
    aws.denied.add("get_instance_profile")
    found: Puller = await learn(Puller, aws, failure=denied("attacker", OWNER))
    assert (found.role_arn, found.rival) == (ROLE, RIVAL)


async def test_a_message_that_agrees_with_the_cloud_tells_the_session() -> None:
    found: Puller = await learn(Puller, healthy(), failure=denied("eks-node", session="i-0def"))
    assert (found.role_arn, found.session, found.path_known) == (ROLE, "i-0def", True)
    assert (found.drift, found.rival, found.doubt) == ("", "", "")


async def test_where_the_cloud_tells_nothing_the_message_does_and_says_so() -> None:
    aws = healthy()
    aws.denied |= {"describe_instances", "get_instance_profile"}
    found: Puller = await learn(Puller, aws, node=SELF_MANAGED, failure=denied("other"))
    assert (found.role_name, found.path_known, found.hearsay) == ("other", False, True)
    assert "nothing but the message" in found.how


async def test_a_denied_secret_names_nobody_who_pulls() -> None:
    failure = denied("attacker")
    failure = replace(failure, message=failure.message.replace("ecr:Batch", "secretsmanager:Batch"))
    found: Puller = await learn(Puller, healthy(), failure=failure)
    assert (found.role_arn, found.rival) == (ROLE, "")


def rights(
    document: Any = PULL, repository: str | None = None, account: str = ACCOUNT, **changes: Any
) -> PullRights:
    role = RolePolicies(True, ROLE, "AROA", (), (PolicyText("own", json.dumps(document)),))
    puller = replace(Puller(ROLE, "us-west-2", "i-0abc", "its instance has it"), **changes)
    address = EcrAddress(account, "us-west-2", "aws", "app")
    return PullRights(puller, role, RepositoryPolicy(address, repository))


@pytest.mark.parametrize("check", [role_can_pull, repository_policy_allows_pull])
@pytest.mark.parametrize("document", [PULL, NOBODY], ids=["may", "may not"])
@pytest.mark.parametrize("layer", ["", "identity-based policy", "resource-based policy"])
def test_the_clouds_role_is_judged_and_neither_acquitted_nor_accused(
    check: Any, document: Any, layer: str
) -> None:
    said = Accusation(RIVAL, "ecr:BatchGetImage", "x", layer, explicit=True)
    it = rights(document, DENY if document is NOBODY else None, rival=RIVAL)
    verdict = check.fn(it, said)
    assert verdict.status is Status.UNKNOWN
    assert RIVAL in verdict.summary
    assert "eks-node" in verdict.summary
    assert dict(verdict.evidence)["Principal"] == ROLE


def test_the_message_may_accuse_a_role_that_nothing_else_knows_of() -> None:
    assert role_can_pull.fn(rights(NOBODY, hearsay=True), None).status is Status.FAIL


@pytest.mark.parametrize(
    ("remedy", "it"),
    [
        (attach_pull_policy, rights(NOBODY)),
        (lift_repository_deny, rights(PULL, DENY)),
        (allow_role_in_repository_policy, rights(PULL, account=OWNER)),
    ],
)
def test_nothing_is_planned_for_who_is_known_from_the_message(remedy: Remedy, it: PullRights) -> None:
    assert remedy(it)
    for why, changes in (
        ("who pulls is open", {"rival": RIVAL}),
        ("only from the message", {"hearsay": True}),
    ):
        doubtful: Any = changes
        with pytest.raises(Refused, match=why):
            remedy(replace(it, puller=replace(it.puller, **doubtful)))
