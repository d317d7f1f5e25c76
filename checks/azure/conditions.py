"""Conditions of role assignments, as far as Azure's own guides for repositories write them.

``(!(ActionMatches{'…/content/read'}) AND …) OR (@Request[…repositories:name] StringEqualsIgnoreCase 'app')``:
an action that the condition names is bound to names of repositories, any other is not bound. What else may
stand in a condition is not judged, unless the rest decides without it
(learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from checks.azure.actions import matches

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\))
    | (?P<and>AND\b|&&) | (?P<or>OR\b|\|\|) | (?P<not>NOT\b|!)
    | ActionMatches\s*\{\s*'(?P<action>[^']*)'\s*\}
    | @Request\[Microsoft\.ContainerRegistry/registries/repositories:name\]\s+
      (?P<operator>StringEqualsIgnoreCase|StringStartsWithIgnoreCase)\s+'(?P<value>[^']*)'
    | (?P<other>(?:Exists\s+)?@\w+\[[^\]]*\](?:\s+[A-Za-z:]+\s+(?:'[^']*'|\{[^}]*\}|[\w.]+))?
      |SubOperationMatches\s*\{[^}]*\})
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_DEEPEST = 30


class Holds(Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class _Unreadable(Exception):
    """It is not written as conditions are."""


def holds(condition: str, repository: str, action: str) -> Holds:
    """Whether an assignment's condition (``""`` for none) lets this action be done on this repository."""
    if not condition.strip():
        return Holds.YES
    try:
        return _Reader(condition, repository.lower(), action).whole()
    except _Unreadable:
        return Holds.UNKNOWN


class _Reader:
    """Reads and judges in one go. What is not known stays so, unless the other side decides."""

    def __init__(self, condition: str, repository: str, action: str) -> None:
        self._tokens = list(_tokens(condition))
        self._repository = repository
        self._action = action
        self._depth = 0

    def whole(self) -> Holds:
        found = self._either()
        if self._tokens:
            raise _Unreadable
        return found

    def _either(self) -> Holds:
        found = [self._both()]
        while self._took("or"):
            found.append(self._both())
        return _first(found, Holds.YES, Holds.UNKNOWN, otherwise=Holds.NO)

    def _both(self) -> Holds:
        found = [self._one()]
        while self._took("and"):
            found.append(self._one())
        return _first(found, Holds.NO, Holds.UNKNOWN, otherwise=Holds.YES)

    def _one(self) -> Holds:
        self._depth += 1
        if not self._tokens or self._depth > _DEEPEST:
            raise _Unreadable
        kind, text, value = self._tokens.pop(0)
        match kind:
            case "not":
                found = _TURNED[self._one()]
            case "open":
                found = self._either()
                if not self._took("close"):
                    raise _Unreadable
            case "action":
                found = _judged(matches(text, self._action))
            case "operator" if text.lower() == "stringequalsignorecase":
                found = _judged(self._repository == value)
            case "operator":
                found = _judged(self._repository.startswith(value))
            case "other":
                found = Holds.UNKNOWN
            case _:
                raise _Unreadable
        self._depth -= 1
        return found

    def _took(self, kind: str) -> bool:
        if self._tokens and self._tokens[0][0] == kind:
            self._tokens.pop(0)
            return True
        return False


_TURNED = {Holds.YES: Holds.NO, Holds.NO: Holds.YES, Holds.UNKNOWN: Holds.UNKNOWN}


def _judged(true: bool) -> Holds:
    return Holds.YES if true else Holds.NO


def _first(found: list[Holds], *wanted: Holds, otherwise: Holds) -> Holds:
    return next((one for one in wanted if one in found), otherwise)


def _tokens(condition: str) -> Iterator[tuple[str, str, str]]:
    """Kind, text, and for a comparison the value in small letters."""
    place, text = 0, condition.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _Unreadable
        kind = next(
            name
            for name in ("open", "close", "and", "or", "not", "action", "operator", "other")
            if found[name]
        )
        yield kind, found[kind], (found["value"] or "").lower()
        place = found.end()
