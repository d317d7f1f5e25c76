"""Role assignments on a registry and above it, and what the roles allow.

A role's wildcards, and the actions that it takes back, are as Azure documents them
(learn.microsoft.com/azure/role-based-access-control/role-definitions).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.actions import any_matches
from checks.azure.facts import Arm, ResourceId, block, rows, word, words
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.Authorization/denyAssignments/read",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
)

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"

ROLE_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
_DENY_ASSIGNMENTS = "/providers/Microsoft.Authorization/denyAssignments"
_MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"


@dataclass(frozen=True, slots=True)
class Permission:
    """One of a role's sets of permissions: patterns of what it allows, without what it takes back."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        return any_matches(self.actions, action) and not any_matches(self.not_actions, action)

    def allows_data(self, action: str) -> bool:
        return any_matches(self.data_actions, action) and not any_matches(self.not_data_actions, action)


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

    def is_by_group(self, puller: Puller) -> bool:
        return self.principal.lower() != puller.object_id.lower()

    def reaches(self, puller: Puller, registry: Registry) -> bool:
        if self.is_by_group(puller) and self.principal_type == "ServicePrincipal":
            return False
        return reaches_from(self.scope, registry)


@dataclass(frozen=True, slots=True)
class Assignments:
    """Those that reach the puller, at the registry and above."""

    all: tuple[Assignment, ...]


@fact()
async def assignments(registry: Registry, puller: Puller, arm: Arm) -> Assignments:
    # `assignedTo` follows groups, which `principalId` does not.
    query = {"$filter": f"atScope() and assignedTo('{puller.object_id}')"}
    try:
        found = await arm.get(f"{registry.id}{ROLE_ASSIGNMENTS}", query)
    except NotFound:
        raise Unavailable(
            f"Azure does not know {puller.words} ({puller.object_id}), or {registry.host} is gone"
        ) from None
    listed = map(assignment, rows(found, "value"))
    return Assignments(tuple(one for one in listed if one.role and one.reaches(puller, registry)))


def reaches_from(scope: str, registry: Registry) -> bool:
    """Whether what is said at ``scope`` is said of the registry, too.

    Of management groups Azure lists those alone that the registry is in.
    """
    return registry.id.is_within(scope) or scope.lower().startswith(_MANAGEMENT_GROUPS)


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
    """The same assignments, each with its role."""

    held: tuple[tuple[Assignment, Role], ...]


@fact()
async def roles(assigned: Assignments, arm: Arm) -> Roles:
    wanted = sorted({one.role.lower(): one.role for one in assigned.all}.values())
    found = await asyncio.gather(*(_role(id, arm) for id in wanted))
    by_id = {role.id.lower(): role for role in found}
    return Roles(tuple((one, by_id[one.role.lower()]) for one in assigned.all))


async def _role(id: str, arm: Arm) -> Role:
    """:raises Unavailable: what the role allows is not known, and so not whether it allows the pull"""
    try:
        tree = await arm.get(id)
    except NotFound:
        return Role(id, id.rpartition("/")[2], None)
    has = block(tree, "properties")
    permissions = tuple(map(permission, rows(has, "permissions")))  # Azure has no role without any
    return Role(id, word(has, "roleName") or word(tree, "name"), permissions or None)


def permission(tree: Mapping[str, Any]) -> Permission:
    return Permission(
        words(tree, "actions"),
        words(tree, "notActions"),
        words(tree, "dataActions"),
        words(tree, "notDataActions"),
    )


@dataclass(frozen=True, slots=True)
class Denial:
    """A deny assignment that reaches the registry. ``principals`` and ``spared`` are (object id, type).

    ``conditional``: it has a condition, which is not judged.
    """

    id: ResourceId
    name: str
    principals: frozenset[tuple[str, str]]
    spared: frozenset[tuple[str, str]]
    permissions: tuple[Permission, ...]
    conditional: bool


@dataclass(frozen=True, slots=True)
class Denials:
    """``unread`` says why they could not be read, or ""."""

    all: tuple[Denial, ...]
    unread: str = ""


@fact()
async def denials(registry: Registry, arm: Arm) -> Denials:
    try:
        found = await arm.get(f"{registry.id}{_DENY_ASSIGNMENTS}", {"$filter": "atScope()"})
    except NotFound:
        return Denials(())  # of a registry that is gone; `assignments` says so
    except Unavailable as why:
        return Denials((), str(why))
    return Denials(
        tuple(_denial(one) for one in rows(found, "value") if _is_said_of(registry, block(one, "properties")))
    )


def _is_said_of(registry: Registry, has: Mapping[str, Any]) -> bool:
    scope = word(has, "scope")
    if has.get("doNotApplyToChildScopes") is True:
        return ResourceId(scope) == registry.id
    return reaches_from(scope, registry)


def _denial(tree: Mapping[str, Any]) -> Denial:
    has = block(tree, "properties")
    return Denial(
        id=ResourceId(word(tree, "id")),
        name=word(has, "denyAssignmentName") or word(tree, "name"),
        principals=_principals(has, "principals"),
        spared=_principals(has, "excludePrincipals"),
        permissions=tuple(map(permission, rows(has, "permissions"))),
        conditional=bool(word(has, "condition")),
    )


def _principals(has: Mapping[str, Any], which: str) -> frozenset[tuple[str, str]]:
    return frozenset((word(one, "id").lower(), word(one, "type")) for one in rows(has, which))
