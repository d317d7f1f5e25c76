"""Edits of a repository policy that change what they are meant to change, and nothing else.

A Deny is split, never widened: the actions of a pull leave it for one role only, everything else stays
denied to everyone as it was. Where a list of principals cannot say "all but this role", a condition
can: ``ArnNotEquals`` on ``aws:PrincipalArn``, which for a role session is the role's ARN. It also
holds where the key is missing (services, anonymous callers), so that those stay denied.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.match import Match
from checks.aws.policy_values import action_alike
from handlers.remedy import Refused

PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RoleNames:
    """The ways in which a policy's ``Principal`` names one role: ARN, unique id, ARNs of its sessions."""

    arn: str
    others: frozenset[str] = frozenset()

    def is_named_by(self, principal: str) -> bool:
        return principal == self.arn or principal in self.others


def without_pull_denies(
    policy: str, role: RoleNames, denies: Callable[[Statement], bool]
) -> tuple[str | None, tuple[str, ...]]:
    """The policy's text with the pull no longer denied to ``role``, and the Sids of what was split.

    ``denies`` tells whether one statement by itself denies the role a pull. ``None`` as text: no
    statement is left, and a policy without statements is none.

    :raises Refused: a statement names its actions in a way that cannot be split exactly.
    """
    document = json.loads(policy)
    found = _listed(document["Statement"])
    taken = {statement.get("Sid", "") for statement in found}
    kept: list[Statement] = []
    split: list[str] = []
    for statement in found:
        if statement.get("Effect") == "Deny" and denies(statement):
            kept += _split(statement, role, denies, taken)
            split.append(statement.get("Sid", ""))
        else:
            kept.append(statement)
    if not kept:
        return None, tuple(split)
    return _written({**document, "Statement": kept}, like=policy), tuple(split)


def with_statement(policy: str | None, statement: Statement) -> str:
    """The policy's text with one statement more at its end."""
    document = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    statements = [*_listed(document["Statement"]), statement]
    return _written({**document, "Statement": statements}, like=policy or "\n")


def as_policy(statement: Statement) -> str:
    """The text of a policy that has only this statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _split(
    statement: Statement, role: RoleNames, denies: Callable[[Statement], bool], taken: set[str]
) -> list[Statement]:
    """``taken``: the Sids of the policy, of which there may be no two alike; a new one is added to them."""
    rest, pulls = _actions_split(statement)
    other_form = "Action" if "NotAction" in rest else "NotAction"
    parts: list[Statement] = [{**_without(statement, other_form), **rest}] if rest else []
    others = _for_everyone_else({**_without(statement, "NotAction"), "Action": pulls}, role, denies)
    if others is not None:
        if parts and "Sid" in statement:
            others = {**others, "Sid": _new_sid(f"{statement['Sid']}Pull", taken)}
        parts.append(others)
    return parts


def _new_sid(wish: str, taken: set[str]) -> str:
    numbered = (f"{wish}{number}" for number in itertools.count(2))
    sid = next(one for one in itertools.chain((wish,), numbered) if one not in taken)
    taken.add(sid)
    return sid


def _actions_split(statement: Statement) -> tuple[dict[str, Any], list[str]]:
    """The statement's actions without those of a pull (empty: none left), and those of a pull."""
    if "NotAction" in statement:
        spared = _listed(statement["NotAction"])
        pulls = [one for one in PULL_ACTIONS if not _any_matches(spared, one)]
        return {"NotAction": [*spared, *pulls]}, pulls
    actions = _listed(statement["Action"])
    pulls = [one for one in PULL_ACTIONS if _any_matches(actions, one)]
    patterns = [one for one in actions if "*" in one or "?" in one]
    if any(one.lower() in ("*", "*:*", "ecr:*") for one in patterns):
        # In the policy of a repository no other actions than ECR's are ever asked for.
        return {"NotAction": pulls}, pulls
    for pattern in patterns:
        if _any_matches([pattern], *PULL_ACTIONS):
            raise Refused(
                f"the Deny {statement.get('Sid', '')!r} names actions by the pattern {pattern}; it cannot be "
                "split exactly: list its actions one by one, without those of a pull for this role"
            )
    left = [one for one in actions if not _any_matches([one], *PULL_ACTIONS)]
    return ({"Action": left} if left else {}), pulls


def _for_everyone_else(
    statement: Statement, role: RoleNames, denies: Callable[[Statement], bool]
) -> Statement | None:
    """``statement`` for everyone it named but ``role``; ``None`` if that is nobody."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping) and "AWS" in principal:
        named = _listed(principal["AWS"])
        left = [one for one in named if not role.is_named_by(one)]
        others = {**_without(principal, "AWS"), **({"AWS": left} if left else {})}
        if not others:
            return None
        if left != named:
            statement = {**statement, "Principal": others}
    return _except_for(statement, role.arn) if denies(statement) else statement


def _except_for(statement: Statement, role_arn: str) -> Statement:
    conditions = copy.deepcopy(dict(statement.get("Condition", {})))
    operator = next((one for one in conditions if one.lower() == "arnnotequals"), "ArnNotEquals")
    tests = dict(conditions.get(operator, {}))
    key = next((one for one in tests if one.lower() == "aws:principalarn"), "aws:PrincipalArn")
    # Several values of a negated operator: it holds if none of them is equal.
    values = [*_listed(tests.get(key, [])), role_arn]
    tests[key] = values if len(values) > 1 else role_arn
    conditions[operator] = tests
    return {**statement, "Condition": conditions}


def _any_matches(patterns: Iterable[str], *actions: str) -> bool:
    return any(action_alike(pattern, action) is not Match.NO for pattern in patterns for action in actions)


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _written(document: Mapping[str, Any], like: str) -> str:
    """JSON in the style of what it replaces, so that a diff shows the change and not the layout."""
    return json.dumps(document, indent=2 if "\n" in like else None)
