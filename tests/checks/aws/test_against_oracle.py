"""Two evaluators that know nothing of each other are asked the same: what we are sure of, both say.

Where AWS's documentation and the other evaluator differ, or it says too little, is told in
``policy_sets``: there the case is put in the other's words, or may be unknown to us.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.rights import PullRights
from checks.aws.rulings import Says
from checks.model import NotApplicable
from handlers.remedies.aws.lift_repository_deny import lift_repository_deny
from handlers.remedies.aws.policy_edits import PULL_ACTIONS
from handlers.remedies.aws.steps import SetRepositoryPolicy
from handlers.remedy import Refused
from tests.checks.aws.oracle import ask
from tests.checks.aws.policy_parts import ACCOUNT, OTHER, OWNER, ROLE, TOKEN
from tests.checks.aws.policy_sets import CONTEXT, PULL, PULLER, Case, Maker, simulation


def answers(cases: list[Case]) -> Iterator[tuple[Case, Says, set[Says]]]:
    """Each case with what we say, and with what the other says for each way in which it may be."""
    asked = [list(case.simulations()) for case in cases]
    theirs = iter(ask(one for many in asked for one in many))
    for case, many in zip(cases, asked, strict=True):
        yield case, case.rights.overall(case.action).says, {next(theirs) for _ in many}


def test_aws_own_policies_are_read_alike() -> None:
    """What they allow under a condition on a key that only AWS knows is not: the other has it absent."""
    documents = [
        json.dumps(one["Document"])
        for one in json.loads(aws_managed_policies_data).values()
        if "ecr" in json.dumps(one["Document"]) or '"*"' in json.dumps(one["Document"])
    ]
    address = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
    roles = [RolePolicies(True, ROLE, "AROAMINE", (), (PolicyText("own", text),)) for text in documents]
    cases = [PullRights(PULLER, role, RepositoryPolicy(address, None)) for role in roles]
    asked = [(case, action) for case in cases for action in (TOKEN, PULL[0])]
    said = [case.overall(action).says for case, action in asked]
    theirs = ask(simulation(case, action) for case, action in asked)
    both = list(zip(said, theirs, strict=True))
    assert len(both) > 1000
    assert {(ours, other) for ours, other in both if ours not in (other, Says.UNKNOWN)} == set()
    assert said.count(Says.UNKNOWN) < len(said) / 100


def differ_where_all_is_known(seed: int, count: int) -> list[Any]:
    maker = Maker(seed, doubtful=False)
    found = answers([maker.case() for _ in range(count)])
    return [(case, ours, theirs) for case, ours, theirs in found if theirs != {ours}]


def differ_where_some_is_not(seed: int, count: int) -> list[Any]:
    """Of a denial that is certain we need not know whether some Deny adds to it."""
    maker = Maker(seed, doubtful=True)
    return [
        (case, ours, theirs)
        for case, ours, theirs in answers([maker.case() for _ in range(count)])
        if ours is not Says.UNKNOWN
        and theirs != {ours}
        and not (ours is Says.NOTHING and case.doubts and Says.ALLOWS not in theirs)
    ]


def test_what_can_be_known_is_known_and_the_same() -> None:
    assert differ_where_all_is_known(seed=1, count=3000) == []


def test_what_is_said_in_doubt_is_so_however_the_doubt_is_resolved() -> None:
    assert differ_where_some_is_not(seed=2, count=2000) == []


def test_the_answer_is_unknown_only_where_it_depends_on_what_is_not_known() -> None:
    """One key in two statements may leave us unsure of what both together make certain; that is rare."""
    maker = Maker(3, doubtful=True)
    keys = frozenset({"a key that only AWS knows"})
    found = list(answers([case for case in (maker.case() for _ in range(1500)) if case.doubts == keys]))
    needless = [one for one in found if one[1] is Says.UNKNOWN and len(one[2]) == 1]
    assert len(found) > 300
    assert len(needless) <= len(found) / 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 15))
def test_many_more_of_the_same(seed: int) -> None:
    assert differ_where_all_is_known(seed, 6000) == []
    assert differ_where_some_is_not(seed, 4000) == []


_SOMEBODY: Mapping[str, str] = {
    key: value for key, value in CONTEXT.items() if not key.startswith(("aws:Principal", "aws:userid"))
}
_OTHERS: Mapping[str, Mapping[str, str]] = {
    f"arn:aws:sts::{account}:assumed-role/{name}/{session}": {
        **CONTEXT,
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": account,
        "aws:userid": f"AROAOTHER:{session}",
    }
    for account, name, session, arn in (
        (ACCOUNT, "ci", "build", OTHER),
        (OWNER, "eks-node", "i-0abc", f"arn:aws:iam::{OWNER}:role/team/eks-node"),
    )
}
_STRANGERS = {"anonymous": _SOMEBODY, "codebuild.amazonaws.com": _SOMEBODY}
_ACTIONS = (
    *PULL_ACTIONS,
    "ecr:PutImage",
    "ecr:BatchDeleteImage",
    "ecr:SetRepositoryPolicy",
    "ecr:ListImages",
)
_ALL = PolicyText("all", json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))


def lifted(seed: int, count: int) -> list[tuple[PullRights, PullRights]]:
    """Roles that were denied a pull, before and after it was planned to lift that."""
    maker = Maker(seed, doubtful=True, denying=0.7)
    found = []
    for _ in range(count):
        role = RolePolicies(True, ROLE, "AROAMINE", (), (_ALL,))
        address = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
        before = PullRights(PULLER, role, RepositoryPolicy(address, maker.repository_policy()))
        try:
            [plan] = lift_repository_deny(before)
        except (NotApplicable, Refused):
            continue
        [step] = plan.steps
        assert isinstance(step, SetRepositoryPolicy)
        found.append((before, before.with_repository_policy(step.after)))
    return found


def of_others(rights: PullRights) -> Iterator[Any]:
    """What nobody is to notice a change of: others, and what the role may do but pull."""
    for action in _ACTIONS:
        if action not in PULL_ACTIONS:
            yield simulation(rights, action)
        for principal, context in _OTHERS.items():
            yield simulation(rights, action, context, principal)
        for principal, context in _STRANGERS.items():
            nobody = replace(rights, role=replace(rights.role, allowing=()))
            yield simulation(nobody, action, context, principal)


def noticed(pairs: list[tuple[PullRights, PullRights]]) -> list[Any]:
    before = [one for was, _ in pairs for one in of_others(was)]
    after = [one for _, now in pairs for one in of_others(now)]
    said = ask((*before, *after))
    halves = zip(said[: len(before)], said[len(before) :], before, after, strict=True)
    return [(then, now, was, it) for then, now, was, it in halves if then is not now]


def test_a_lifted_deny_lets_the_role_pull_and_nobody_else_notices() -> None:
    pairs = lifted(seed=4, count=1000)
    assert len(pairs) > 100
    pulls = ask(simulation(now, action) for _, now in pairs for action in (TOKEN, *PULL))
    assert set(pulls) == {Says.ALLOWS}
    assert noticed(pairs) == []


@pytest.mark.slow
def test_many_more_denies_are_lifted_unnoticed() -> None:
    pairs = lifted(seed=20, count=8000)
    pulls = ask(simulation(now, action) for _, now in pairs for action in (TOKEN, *PULL))
    assert set(pulls) == {Says.ALLOWS}
    assert noticed(pairs) == []
