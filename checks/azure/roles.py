"""Role assignments on a registry and above it, and what the roles allow.

A role's wildcards, and the actions that it takes back, are as Azure documents them
(learn.microsoft.com/azure/role-based-access-control/role-definitions).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.facts import Arm, ResourceId, block, rows, word, words
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotFound

READS = (
    "Microsoft.Authorization/denyAssignments/read",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
)

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"

_AUTHORIZATION = "/providers/Microsoft.Authorization"


@dataclass(frozen=True, slots=True)
class Permission:
    """One of a role's sets of permissions: patterns of what it allows, without what it takes back."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        return _any(self.actions, action) and not _any(self.not_actions, action)

    def allows_data(self, action: str) -> bool:
        return _any(self.data_actions, action) and not _any(self.not_data_actions, action)


@dataclass(frozen=True, slots=True)
class Role:
    """``permissions`` is ``None`` where the role could not be read; ``name`` is then its id."""

    id: str
    name: str
    permissions: tuple[Permission, ...] | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """``principal`` is whom the role is assigned to: the puller itself, or a group that it is in."""

    id: ResourceId
    scope: str
    role: str
    principal: str
    principal_type: str
    condition: str


@dataclass(frozen=True, slots=True)
class Assignments:
    """Those that reach the puller, at the registry and above."""

    all: tuple[Assignment, ...]


@fact()
async def assignments(registry: Registry, puller: Puller, arm: Arm) -> Assignments:
    # `assignedTo` follows groups, which Azure's own `principalId` does not.
    found = await arm.get(
        f"{registry.id}{_AUTHORIZATION}/roleAssignments",
        {"$filter": f"atScope() and assignedTo('{puller.object_id}')"},
    )
    return Assignments(tuple(map(assignment, rows(found, "value"))))


def assignment(tree: Mapping[str, Any]) -> Assignment:
    has = block(tree, "properties")
    return Assignment(
        id=ResourceId(word(tree, "id")),
        scope=word(has, "scope"),
        role=word(has, "roleDefinitionId"),
        principal=word(has, "principalId"),
        principal_type=word(has, "principalType"),
        condition=word(has, "condition"),
    )


@dataclass(frozen=True, slots=True)
class Roles:
    """The definitions of the roles that are assigned, by id in small letters."""

    by_id: tuple[tuple[str, Role], ...]

    def of(self, one: Assignment) -> Role:
        return dict(self.by_id)[one.role.lower()]


@fact()
async def roles(assigned: Assignments, arm: Arm) -> Roles:
    wanted = sorted({one.role for one in assigned.all})
    found = await asyncio.gather(*(_role(id, arm) for id in wanted))
    return Roles(tuple((id.lower(), role) for id, role in zip(wanted, found, strict=True)))


async def _role(id: str, arm: Arm) -> Role:
    """:raises Unavailable: what the role allows is not known, and so not whether it allows the pull"""
    try:
        tree = await arm.get(id)
    except NotFound:
        return Role(id, id.rpartition("/")[2], None)
    has = block(tree, "properties")
    return Role(
        id, word(has, "roleName") or word(tree, "name"), tuple(map(permission, rows(has, "permissions")))
    )


def permission(tree: Mapping[str, Any]) -> Permission:
    return Permission(
        words(tree, "actions"),
        words(tree, "notActions"),
        words(tree, "dataActions"),
        words(tree, "notDataActions"),
    )


@dataclass(frozen=True, slots=True)
class Denial:
    """A deny assignment: ``principals`` and ``spared`` are object ids, or the id of nobody for everybody."""

    name: str
    scope: str
    principals: frozenset[str]
    spared: frozenset[str]
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Denials:
    all: tuple[Denial, ...]


@fact()
async def denials(registry: Registry, arm: Arm) -> Denials:
    found = await arm.get(f"{registry.id}{_AUTHORIZATION}/denyAssignments", {"$filter": "atScope()"})
    return Denials(tuple(map(_denial, rows(found, "value"))))


def _denial(tree: Mapping[str, Any]) -> Denial:
    has = block(tree, "properties")
    return Denial(
        name=word(has, "denyAssignmentName") or word(tree, "name"),
        scope=word(has, "scope"),
        principals=frozenset(word(one, "id") for one in rows(has, "principals")),
        spared=frozenset(word(one, "id") for one in rows(has, "excludePrincipals")),
        permissions=tuple(map(permission, rows(has, "permissions"))),
    )


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(_matches(pattern, action) for pattern in patterns)


def _matches(pattern: str, action: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, action, re.IGNORECASE) is not None
