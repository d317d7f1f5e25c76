"""A role's trust policy: which services of AWS may become the role, and on whose behalf.

A service is named as ``Service``, and says for whom it asks with ``aws:SourceArn`` and
``aws:SourceAccount`` (docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks.aws.match import Match, all_of
from checks.aws.policy_language import BadPolicy, Caller, Request, Statement, parse
from checks.aws.rulings import Ruling, Says, certain, settled

LAYER = "trust policy"
_ASSUME = "sts:AssumeRole"
# Whom the statements name is looked at here; the rest of them is the same for any caller.
_ANYBODY = Caller("arn:aws:iam::000000000000:role/anybody")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that wants to become a role, for the sake of ``source_arn`` in ``account``."""

    name: str
    source_arn: str
    account: str


@dataclass(frozen=True, slots=True)
class Offered:
    """An Allow of the trust policy: to which services, and under which conditions, in words."""

    services: tuple[str, ...]
    conditions: tuple[str, ...]


def may_become(policy: str, service: Service) -> Ruling:
    """Whether ``service`` may become the role; ``policy`` is its trust policy."""
    try:
        statements = parse(policy)
    except BadPolicy as error:
        return Ruling(frozenset(Says) - {Says.UNKNOWN}, LAYER, unread=(f"it cannot be understood: {error}",))
    allowed = False
    could: set[Says] = set()
    doubts: list[str] = []
    for statement, body in zip(statements, _bodies(policy), strict=True):
        match = all_of((_names(body, service), _rest(statement, service)))
        says = Says.DENIES if statement.denies else Says.ALLOWS
        if match is Match.UNKNOWN:
            doubts.append(f"its statement {statement.sid or '(no Sid)'} cannot be judged")
            could.add(says)
        elif match is Match.YES and statement.denies:
            return certain(says, LAYER, sid=statement.sid)
        elif match is Match.YES:
            allowed = True
    could.add(Says.ALLOWS if allowed else Says.NOTHING)
    return settled(Ruling(frozenset(could), LAYER, unread=tuple(dict.fromkeys(doubts))))


def offers(policy: str) -> tuple[Offered, ...]:
    """What the policy's Allows say, to tell what it says instead.

    :raises BadPolicy: it is no policy.
    """
    return tuple(
        Offered(
            _services(body),
            tuple(
                f"{operator} {key} {' or '.join(values)}" for operator, key, values in statement.conditions
            ),
        )
        for statement, body in zip(parse(policy), _bodies(policy), strict=True)
        if not statement.denies
    )


def _rest(statement: Statement, service: Service) -> Match:
    context: dict[str, str | None] = {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service.name,
        "sts:externalid": None,  # services send none
    }
    if service.source_arn:
        context |= {"aws:sourcearn": service.source_arn, "aws:sourceaccount": service.account}
    return replace(statement, principals={}).matches(Request(_ANYBODY, _ASSUME, "*", context))


def _names(body: Mapping[str, Any], service: Service) -> Match:
    """Whether ``*`` is meant for services too is not documented, nor what ``NotPrincipal`` spares of them."""
    if "NotPrincipal" in body or body.get("Principal") == "*":
        return Match.UNKNOWN
    return Match.of(service.name in _services(body))


def _services(body: Mapping[str, Any]) -> tuple[str, ...]:
    principal = body.get("Principal")
    named = principal.get("Service", ()) if isinstance(principal, Mapping) else ()
    return (named,) if isinstance(named, str) else tuple(named)


def _bodies(policy: str) -> list[Mapping[str, Any]]:
    statements = json.loads(policy)["Statement"]
    return statements if isinstance(statements, list) else [statements]
