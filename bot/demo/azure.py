"""What there is in a simulated Azure: resources by id, in the shapes that Azure documents.

What is put is there, and nothing follows from it but what ``providers`` play.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]

_MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"


class Refused(Exception):
    """What a provider does not do; its status, code and words are what Azure answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Azure:
    """What there is. ``resources`` by id in small letters; ``entra`` by (kind, application id).

    ``groups``: who is in which group, as object ids: role assignments to a group reach its members.
    ``slow``: types of resources whose changes are operations, and how often one is looked at until it ends.
    ``providers``: by type, what becomes of what was there and what is wanted, if it is not ``Refused``.
    ``removers``: what becomes of the rest where one is deleted.
    """

    resources: dict[str, Tree] = field(default_factory=dict)
    entra: dict[tuple[str, str], Tree] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    activity: list[Tree] = field(default_factory=list)
    slow: dict[str, int] = field(default_factory=dict)
    providers: dict[str, Callable[[Azure, Tree, Tree], Tree]] = field(default_factory=dict)
    removers: dict[str, Callable[[Azure, Tree], None]] = field(default_factory=dict)

    def put(self, tree: Tree) -> Tree:
        self.resources[tree["id"].lower()] = tree
        return tree

    def get(self, id: str) -> Tree:
        """:raises KeyError: there is none"""
        return self.resources[id.rstrip("/").lower()]

    def listed(self, path: str) -> list[Tree]:
        """The resources of the type that ``path`` ends with, anywhere below what is before it."""
        if path == "/subscriptions":
            return [tree for tree in self.resources.values() if "subscriptionId" in tree]
        scope, _, kind = path.lower().rpartition("/providers/")
        first, _, nested = kind.partition("/")
        wanted = [part for part in nested.split("/") if part]
        found = []
        for id, tree in self.resources.items():
            if not id.startswith(f"{scope}/"):
                continue
            namespace, _, rest = id.rpartition("/providers/")[2].partition("/")
            parts = rest.split("/")
            inside = id.rpartition("/providers/")[0]
            is_one = namespace == first and len(parts) == len(wanted) + 1 and parts[: len(wanted)] == wanted
            below = len(wanted) == 1 and "/resourcegroups/" not in scope
            if len(wanted) % 2 and is_one and (inside == scope or below):
                found.append(tree)
        return found

    def assigned(self, scope: str, principal: str, kind: str) -> list[Tree]:
        """Assignments at ``scope`` and above; those to ``principal`` and to the groups that it is in."""
        reached = {principal, *(group for group, members in self.groups.items() if principal in members)}
        return [
            tree
            for id, tree in self.resources.items()
            if f"/providers/microsoft.authorization/{kind}/" in id
            and _is_within(scope, said(tree, "scope"))
            and (not principal or said(tree, "principalId") in reached)
        ]


def said(tree: Tree, name: str) -> str:
    """A text of the properties; "" for none: stories break what they like."""
    properties = tree.get("properties")
    found = properties.get(name) if isinstance(properties, dict) else None
    return found if isinstance(found, str) else ""


def _is_within(scope: str, above: str) -> bool:
    """There is one management group, and all is in it."""
    if above.lower().startswith(_MANAGEMENT_GROUPS):
        return True
    return f"{scope.lower()}/".startswith(f"{above.rstrip('/').lower()}/")


def merged(tree: Tree, changes: Tree) -> Tree:
    """As ARM patches: objects are merged, everything else is replaced."""
    made = dict(tree)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(made.get(name), dict)
        made[name] = merged(made[name], value) if both else value
    return made
