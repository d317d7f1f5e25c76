"""Conditions of role assignments, as far as Azure's own guides for repositories write them.

``((!(ActionMatches{'…/content/read'}) …) OR (@Request[…repositories:name] StringEqualsIgnoreCase 'app'))``:
reading content is bound to names of repositories. Any other form is not judged
(learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
"""

from __future__ import annotations

import re
from enum import Enum

_NAME = r"@Request\[Microsoft\.ContainerRegistry/registries/repositories:name\]"
_NAMED = re.compile(
    rf"{_NAME}\s+(?P<operator>StringEqualsIgnoreCase|StringStartsWithIgnoreCase)\s+'(?P<value>[^']*)'", re.I
)
_ACTIONS = re.compile(
    r"!\s*\(\s*ActionMatches\s*\{\s*'Microsoft\.ContainerRegistry/registries/repositories/[a-z/]+'\s*\}\s*\)",
    re.I,
)
_JOINED = re.compile(r"[\s()]*(?:\bAND\b[\s()]*)*(?:\bOR\b[\s()]*)?", re.I)


class Holds(Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def holds(condition: str, repository: str) -> Holds:
    """Whether an assignment's condition (``""`` for none) lets this repository be read."""
    if not condition.strip():
        return Holds.YES
    rest = _ACTIONS.sub(" A ", condition)
    names = [(one["operator"].lower(), one["value"].lower()) for one in _NAMED.finditer(rest)]
    shape = re.sub(r"\s+", "", _NAMED.sub(" N ", rest)).upper()
    if not names or not re.fullmatch(r"\(*\(*A(?:ANDA)*\)*OR\(*N(?:ORN)*\)*", shape.replace("(A)", "A")):
        return Holds.UNKNOWN
    path = repository.lower()
    fits = any(
        path == value if operator == "stringequalsignorecase" else path.startswith(value)
        for operator, value in names
    )
    return Holds.YES if fits else Holds.NO
