"""IAM's policy language, as far as pulls need it: does a statement match a request?

Three answers: yes, no, and *unknown* where it depends on what we do not know. Unknown is never taken
for either; whether it matters is decided by who combines the statements. A policy that AWS would not
have stored is a ``BadPolicy``, and nothing is concluded from it.
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from checks.aws.conditions import Conditions, conditions_hold
from checks.aws.match import Match, all_of, any_of
from checks.aws.policy_values import Context, action_alike, resource_alike


class BadPolicy(ValueError):
    """The text is no policy; the message says why."""


class Way(Enum):
    """How a ``Principal`` names a caller."""

    EVERYONE = "*"
    ACCOUNT = "its account"
    ROLE = "its role, by ARN or unique id"
    SESSION = "its session"


ANY_WAY = frozenset(Way)


@dataclass(frozen=True, slots=True)
class Caller:
    """A role and its session; ``id`` (``AROA…``) and ``session`` are empty where not known.

    ``role_arn`` lacks the role's path unless ``path_known``. ``bounded``: whether the role has a
    permissions boundary; ``None``: not known.
    """

    role_arn: str
    id: str = ""
    session: str = ""
    path_known: bool = True
    bounded: bool | None = False

    @property
    def account(self) -> str:
        return self.role_arn.split(":")[4]

    @property
    def partition(self) -> str:
        return self.role_arn.split(":")[1]

    @property
    def session_prefix(self) -> str:
        """The ARN of every session of the role, up to the session's name."""
        name = self.role_arn.rpartition("/")[2]
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{name}/"


@dataclass(frozen=True, slots=True)
class Request:
    caller: Caller
    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with lists made of single values. ``sid`` may be empty.

    ``elements``: ``Action``, ``NotAction``, ``Resource`` and ``NotResource``, those that it has;
    ``principals``: ``Principal`` or ``NotPrincipal``, of AWS only, if it has one.
    ``variables``: whether ``${…}`` is a variable, which it is since version 2012-10-17.
    """

    sid: str
    denies: bool
    elements: Mapping[str, tuple[str, ...]]
    principals: Mapping[str, tuple[str, ...]]
    conditions: Conditions
    variables: bool

    def matches(self, request: Request, ways: Collection[Way] = ANY_WAY) -> Match:
        """``ways``: in which the principal has to be named, to count."""
        values = request.context if self.variables else None

        def resource(wanted: str, negated: bool) -> Match:
            return resource_alike(wanted, request.resource, values, negated=negated)

        return all_of(
            (
                self._principal(request.caller, ways),
                self._listed("Action", lambda one, _: action_alike(one, request.action)),
                self._listed("Resource", resource),
                conditions_hold(self.conditions, request.context, variables=self.variables),
            )
        )

    def _listed(self, element: str, alike: Callable[[str, bool], Match]) -> Match:
        """``Action`` or ``Resource``, or their opposites; a repository's policy has no ``Resource``."""
        if element in self.elements:
            return any_of(alike(one, False) for one in self.elements[element])
        if f"Not{element}" in self.elements:
            return any_of(alike(one, True) for one in self.elements[f"Not{element}"]).inverted()
        return Match.YES

    def _principal(self, caller: Caller, ways: Collection[Way]) -> Match:
        if "NotPrincipal" in self.principals:
            return self._not_principal(self.principals["NotPrincipal"], caller)
        if "Principal" not in self.principals:
            return Match.YES  # an identity policy: its principal is whom it is attached to
        return names(self.principals["Principal"], caller, ways)

    def _not_principal(self, spared: tuple[str, ...], caller: Caller) -> Match:
        """Whom ``NotPrincipal`` spares for certain: who is named with role, session and account.

        Who is named in part only may be denied nevertheless, and a role with a permissions boundary
        always is; with an Allow it is not supported
        (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html).
        """
        if not self.denies:
            return Match.NO if names(spared, caller) is Match.YES else Match.UNKNOWN
        if caller.bounded:
            return Match.YES
        if names(spared, caller) is Match.NO:
            return Match.YES
        in_full = all_of(names(spared, caller, {way}) for way in (Way.ACCOUNT, Way.ROLE, Way.SESSION))
        everyone = names(spared, caller, {Way.EVERYONE})
        certain = any_of((in_full, everyone)) is Match.YES and caller.bounded is False
        return Match.NO if certain else Match.UNKNOWN


def names(principals: tuple[str, ...], caller: Caller, ways: Collection[Way] = ANY_WAY) -> Match:
    """Whether one of the AWS principals is the caller, named in one of the ``ways``."""
    found = (_is(one, caller) for one in principals)
    return any_of(match for way, match in found if way in ways)


def _is(principal: str, caller: Caller) -> tuple[Way, Match]:
    if principal == "*":
        return Way.EVERYONE, Match.YES
    if principal in (caller.account, f"arn:{caller.partition}:iam::{caller.account}:root"):
        return Way.ACCOUNT, Match.YES
    if principal.startswith(caller.session_prefix):
        session = principal.removeprefix(caller.session_prefix)
        return Way.SESSION, Match.of(session == caller.session) if caller.session else Match.UNKNOWN
    if principal.startswith("AROA"):
        return Way.ROLE, Match.of(principal == caller.id) if caller.id else Match.UNKNOWN
    if caller.path_known:
        return Way.ROLE, Match.of(principal == caller.role_arn)
    head, _, name = caller.role_arn.rpartition("/")
    namesake = principal.startswith(f"{head}/") and principal.endswith(f"/{name}")
    return Way.ROLE, Match.UNKNOWN if namesake else Match.NO


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a policy.

    :raises BadPolicy: it is no JSON, or not of a policy's shape.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_number)
    except RecursionError:
        raise BadPolicy("it is nested too deeply") from None
    except BadPolicy:
        raise
    except ValueError as error:
        raise BadPolicy(f"it is no JSON ({error})") from error
    if not isinstance(document, dict):
        raise BadPolicy("it is no JSON object")
    if "Statement" not in document:
        raise BadPolicy("it has no Statement")
    variables = document.get("Version") == "2012-10-17"
    return tuple(_statement(one, variables) for one in _listed(document["Statement"]))


_ELEMENTS = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS = ("Principal", "NotPrincipal")
_KNOWN = frozenset((*_ELEMENTS, *_PRINCIPALS, "Sid", "Effect", "Condition"))


def _statement(body: Any, variables: bool) -> Statement:
    if not isinstance(body, dict) or body.get("Effect") not in ("Allow", "Deny"):
        raise BadPolicy("a statement has no Effect of Allow or Deny")
    if strange := sorted(body.keys() - _KNOWN):
        raise BadPolicy(f"a statement has an element {strange[0]}")
    for one in ("Action", "Resource", "Principal"):
        if one in body and f"Not{one}" in body:
            raise BadPolicy(f"a statement has both {one} and Not{one}")
    if "Action" not in body and "NotAction" not in body:
        raise BadPolicy("a statement has no Action")
    sid = body.get("Sid", "")
    if not isinstance(sid, str):
        raise BadPolicy("Sid is no text")
    return Statement(
        sid,
        body["Effect"] == "Deny",
        {one: _texts(one, body[one]) for one in _ELEMENTS if one in body},
        {one: _aws_principals(one, body[one]) for one in _PRINCIPALS if one in body},
        tuple(_conditions(body.get("Condition", {}))),
        variables,
    )


def _aws_principals(element: str, value: Any) -> tuple[str, ...]:
    """Those that may be roles: services and the like are left out."""
    if value == "*":
        return ("*",)
    if not isinstance(value, dict):
        raise BadPolicy(f"{element} is neither * nor an object")
    found = {kind: _texts(element, names) for kind, names in value.items()}
    return found.get("AWS", ())


def _conditions(value: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not isinstance(value, dict) or not all(isinstance(tests, dict) for tests in value.values()):
        raise BadPolicy("Condition is no object of objects")
    for operator, tests in value.items():
        for key, wanted in tests.items():
            values = _listed(wanted)
            if not all(isinstance(one, str | bool | int | float) for one in values):
                raise BadPolicy(f"the values of {key} are no texts")
            # AWS takes true and 1 for "true" and "1".
            yield operator, key, tuple(one if isinstance(one, str) else json.dumps(one) for one in values)


def _texts(element: str, value: Any) -> tuple[str, ...]:
    found = _listed(value)
    if not all(isinstance(one, str) for one in found):
        raise BadPolicy(f"{element} is no list of texts")
    return tuple(found)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadPolicy("a name stands twice in one object")
    return found


def _no_number(text: str) -> None:
    raise BadPolicy(f"{text} is no JSON")
