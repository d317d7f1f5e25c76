"""What pulling is called in Azure's roles, and how a pattern of a role or a condition meets an action."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Where a role at the registry is for all its repositories.
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
# Where rights are given per repository: these are data actions.
CONTENT = "Microsoft.ContainerRegistry/registries/repositories/content/read"
METADATA = "Microsoft.ContainerRegistry/registries/repositories/metadata/read"


def any_matches(patterns: Iterable[str], action: str) -> bool:
    return any(matches(pattern, action) for pattern in patterns)


def matches(pattern: str, action: str) -> bool:
    """``*`` stands for anything, slashes too."""
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, action, re.IGNORECASE) is not None
