"""IAM's policy language, as far as pulls need it: does a statement match a request?

Three answers: yes, no, and *unknown* where a condition asks for something that we do not know. Unknown
is never taken for either; whether it matters is decided by who combines the statements.
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any


class BadPolicy(ValueError):
    """The text is no policy; the message says why."""


class Match(Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, holds: bool) -> Match:
        return cls.YES if holds else cls.NO

    def inverted(self) -> Match:
        return {Match.YES: Match.NO, Match.NO: Match.YES}.get(self, Match.UNKNOWN)


def all_of(parts: Iterable[Match]) -> Match:
    found = set(parts)
    if Match.NO in found:
        return Match.NO
    return Match.UNKNOWN if Match.UNKNOWN in found else Match.YES


def any_of(parts: Iterable[Match]) -> Match:
    return all_of(part.inverted() for part in parts).inverted()


@dataclass(frozen=True, slots=True)
class Caller:
    """A role and its session; ``id`` (``AROA…``) and ``session`` are empty where not known."""

    role_arn: str
    id: str = ""
    session: str = ""

    @property
    def account(self) -> str:
        return self.role_arn.split(":")[4]

    @property
    def session_prefix(self) -> str:
        """The ARN of every session of the role, up to the session's name."""
        partition = self.role_arn.split(":")[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.role_arn.rpartition('/')[2]}/"


@dataclass(frozen=True, slots=True)
class Request:
    """``context``: condition keys in lower case; ``None``: known to be absent; not listed: not known."""

    caller: Caller
    action: str
    resource: str
    context: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with lists made of single values. ``sid`` may be empty."""

    sid: str
    denies: bool
    body: Mapping[str, Any]

    def matches(self, request: Request) -> Match:
        return all_of(
            (
                self._principal(request.caller),
                self._listed("Action", request.action.lower(), like_lower),
                self._listed("Resource", request.resource, like),
                conditions_hold(self.body.get("Condition", {}), request.context),
            )
        )

    def _listed(self, element: str, value: str, alike: Callable[[str, str], bool]) -> Match:
        """``Action`` or ``Resource``, or their opposites; a repository's policy has no ``Resource``."""
        opposite = f"Not{element}"
        if opposite in self.body:
            return Match.of(not any(alike(one, value) for one in listed(self.body[opposite])))
        if element not in self.body:
            return Match.of(element == "Resource")
        return Match.of(any(alike(one, value) for one in listed(self.body[element])))

    def _principal(self, caller: Caller) -> Match:
        if "NotPrincipal" in self.body:
            return names(self.body["NotPrincipal"], caller).inverted()
        if "Principal" not in self.body:
            return Match.YES  # an identity policy: its principal is whom it is attached to
        return names(self.body["Principal"], caller)


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a policy.

    :raises BadPolicy: it is no JSON, or not of a policy's shape.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadPolicy(f"it is no JSON ({error})") from error
    if not isinstance(document, Mapping):
        raise BadPolicy("it is no JSON object")
    return tuple(_statement(one) for one in listed(document.get("Statement", [])))


def _statement(body: Any) -> Statement:
    if not isinstance(body, Mapping) or body.get("Effect") not in ("Allow", "Deny"):
        raise BadPolicy("a statement has no Effect of Allow or Deny")
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        if not all(isinstance(one, str) for one in listed(body.get(element, []))):
            raise BadPolicy(f"{element} is no list of texts")
    if not isinstance(body.get("Condition", {}), Mapping):
        raise BadPolicy("Condition is no object")
    return Statement(str(body.get("Sid", "")), body["Effect"] == "Deny", body)


def names(principal: Any, caller: Caller) -> Match:
    """Whether a ``Principal`` names the caller, by role, session, unique id, account or ``*``."""
    if isinstance(principal, Mapping):
        principal = principal.get("AWS", [])
    return any_of(_is(one, caller) for one in listed(principal))


def _is(principal: str, caller: Caller) -> Match:
    account = caller.account
    partition = caller.role_arn.split(":")[1]
    if principal in ("*", account, f"arn:{partition}:iam::{account}:root", caller.role_arn):
        return Match.YES
    if principal.startswith(caller.session_prefix):
        session = principal.removeprefix(caller.session_prefix)
        return Match.of(session == caller.session) if caller.session else Match.UNKNOWN
    if principal.startswith("AROA"):
        return Match.of(principal == caller.id) if caller.id else Match.UNKNOWN
    return Match.NO


def conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str | None]) -> Match:
    return all_of(
        _holds(operator, key, [str(value) for value in listed(values)], context)
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str | None]) -> Match:
    name = operator.lower()
    key = key.lower()
    if key not in context or ":" in name:  # ForAnyValue: and ForAllValues: are for keys of many values
        return Match.UNKNOWN
    actual = context[key]
    if name == "null":
        return Match.of((actual is None) == (values[0].lower() == "true"))
    optional, name = name.endswith("ifexists"), name.removesuffix("ifexists")
    negated = "not" in name
    test = _OPERATORS.get(name.replace("not", ""))
    if test is None:
        return Match.UNKNOWN
    if actual is None:
        return Match.of(optional or negated)
    known = [_filled_in(value, context) for value in values]
    found = any_of(Match.UNKNOWN if value is None else Match.of(test(value, actual)) for value in known)
    return found.inverted() if negated else found


def _filled_in(value: str, context: Mapping[str, str | None]) -> str | None:
    """The value with its policy variables (``${aws:PrincipalAccount}``) filled in, if all are known."""
    for variable in re.findall(r"\$\{([^}]+)\}", value):
        known = context.get(variable.lower())
        if known is None:
            return None
        value = value.replace(f"${{{variable}}}", known)
    return value


def like(pattern: str, value: str) -> bool:
    """IAM's patterns: ``*`` is any text, ``?`` any character."""
    return _compiled(pattern).fullmatch(value) is not None


def like_lower(pattern: str, value: str) -> bool:
    return like(pattern.lower(), value.lower())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.compile("".join(parts), re.DOTALL)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda wanted, actual: wanted == actual,
    "stringequalsignorecase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "stringlike": like,
    "arnequals": like,  # AWS: ArnEquals and ArnLike behave alike
    "arnlike": like,
    "bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
