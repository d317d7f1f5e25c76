"""May the puller pull from this repository, by Azure's roles?

A registry knows two ways. By default a role at the registry or above it that allows
``registries/pull/read`` is enough for all its repositories. In ABAC mode only *data* actions count, per
repository, and AcrPull is not honoured at all, nor are Reader, Contributor and Owner
(learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.conditions import Holds, holds
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.azure.roles import Assignment, Assignments, Denial, Denials, Role, Roles
from checks.graph import fact
from checks.image.reference import Repository

PULL = "Microsoft.ContainerRegistry/registries/pull/read"
CONTENT = "Microsoft.ContainerRegistry/registries/repositories/content/read"
METADATA = "Microsoft.ContainerRegistry/registries/repositories/metadata/read"

# In a deny assignment the id of nobody stands for everybody.
_EVERYBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Grant:
    """An assignment with its role. ``holds``: whether its condition does, for this repository."""

    assignment: Assignment
    role: Role
    holds: Holds


@dataclass(frozen=True, slots=True)
class PullRights:
    """``grants`` allow the pull, or may; ``ignored`` would in the registry's other mode."""

    puller: Puller
    registry: Registry
    repository: Repository
    grants: tuple[Grant, ...]
    ignored: tuple[Grant, ...]
    denials: tuple[Denial, ...]
    unread: str


@fact()
def pull_rights(
    registry: Registry,
    repository: Repository,
    puller: Puller,
    assigned: Assignments,
    roles: Roles,
    denials: Denials | None,
) -> PullRights:
    granting, ignored = [], []
    for one in assigned.all:
        if not registry.id.is_within(one.scope):
            continue
        role = roles.of(one)
        grant = Grant(one, role, holds(one.condition, repository.path))
        if role.permissions is None or _allows(role, by_repository=registry.by_repository):
            granting.append(grant)
        elif _allows(role, by_repository=not registry.by_repository):
            ignored.append(grant)
    return PullRights(
        puller=puller,
        registry=registry,
        repository=repository,
        grants=tuple(granting),
        ignored=tuple(ignored),
        denials=() if denials is None else tuple(_hitting(denials, puller, registry)),
        unread="" if denials is not None else "the deny assignments could not be read",
    )


def _allows(role: Role, *, by_repository: bool) -> bool:
    if by_repository:
        return all(
            any(one.allows_data(action) for one in role.permissions or ()) for action in (CONTENT, METADATA)
        )
    return any(one.allows(PULL) for one in role.permissions or ())


def _hitting(denials: Denials, puller: Puller, registry: Registry) -> list[Denial]:
    wanted = (CONTENT,) if registry.by_repository else (PULL,)
    return [
        one
        for one in denials.all
        if {_EVERYBODY, puller.object_id} & one.principals
        and puller.object_id not in one.spared
        and registry.id.is_within(one.scope)
        and any(
            permission.allows_data(action) if registry.by_repository else permission.allows(action)
            for permission in one.permissions
            for action in wanted
        )
    ]
