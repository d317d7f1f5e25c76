"""Principals in a repository policy that were meant for a role, and can never match it.

* An instance profile's ARN: a profile holds the role, it is no principal.
* A role's ARN without its path: ``role/eks-node`` for ``role/team/eks-node``.
* One session of the role: sessions carry the instance's id, and instances come and go.
* A bare ``AROA…``: IAM stores principals by unique id and shows the id once the role is deleted; a new
  role of the same name has another id
  (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.policy_language import parse

_PROFILE = re.compile(r"arn:[\w-]+:iam::\d{12}:instance-profile/.+")
_SESSION = re.compile(r"arn:[\w-]+:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<session>.+)")
_ROLE = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):role/(?:.+/)?(?P<role>[^/]+)")
_ROLE_ID = re.compile(r"AROA[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Misnamed:
    """``principal`` stands in the Allow ``sid``; ``why`` says why it cannot match the role."""

    sid: str
    principal: str
    why: str


@dataclass(frozen=True, slots=True)
class Role:
    """``session``: the name of the session that pulls, "" if not known; ``id`` (``AROA…``) likewise."""

    arn: str
    id: str = ""
    session: str = ""


def misnamed(policy: str, role: Role) -> tuple[Misnamed, ...]:
    """Principals of Allow statements that may have been meant for ``role``, in the policy's order.

    :raises BadPolicy: it is no policy.
    """
    parse(policy)
    found = []
    for statement in _statements(policy):
        if statement.get("Effect") != "Allow":
            continue
        for principal in _named(statement):
            why = _why_never(principal, role)
            if why:
                found.append(Misnamed(statement.get("Sid", ""), principal, why))
    return tuple(found)


def _why_never(principal: str, role: Role) -> str:
    if _PROFILE.fullmatch(principal):
        return "it is an instance profile, and only the role in it can be named"
    if _ROLE_ID.fullmatch(principal) and role.id and principal != role.id:
        return "it is the id of a role that was deleted; a new role of the same name has another id"
    mine = _ROLE.fullmatch(role.arn)
    if mine is None:
        return ""
    session = _SESSION.fullmatch(principal)
    if session and (session["account"], session["role"]) == (mine["account"], mine["role"]):
        same = not role.session or session["session"] == role.session
        return "" if same else "it is one session of the role, that of another instance"
    other = _ROLE.fullmatch(principal)
    if (
        other
        and principal != role.arn
        and (other["account"], other["role"]) == (mine["account"], mine["role"])
    ):
        return "it is the role's name with another path, and the path is part of the ARN"
    return ""


def corrected(policy: str, wrong: str, right: str) -> str:
    """The policy's text with ``right`` in place of ``wrong`` among the principals of its Allow statements.

    It has to be a policy that ``misnamed`` takes for one.
    """
    document = json.loads(policy)
    statements = document["Statement"]
    single = isinstance(statements, Mapping)
    changed = [_renamed(one, wrong, right) for one in ([statements] if single else statements)]
    document["Statement"] = changed[0] if single else changed
    return json.dumps(document, indent=2 if "\n" in policy else None)


def _renamed(statement: Mapping[str, Any], wrong: str, right: str) -> Mapping[str, Any]:
    if statement.get("Effect") != "Allow" or wrong not in _named(statement):
        return statement
    principal = statement["Principal"]
    if isinstance(principal["AWS"], str):
        return {**statement, "Principal": {**principal, "AWS": right}}
    names = list(dict.fromkeys(right if one == wrong else one for one in principal["AWS"]))
    return {**statement, "Principal": {**principal, "AWS": names}}


def _statements(policy: str) -> list[Mapping[str, Any]]:
    statements = json.loads(policy)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _named(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return []
    named = principal.get("AWS", [])
    return [named] if isinstance(named, str) else named
