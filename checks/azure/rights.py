"""May the puller pull from this repository, by Azure's roles?

A registry knows two ways. By default a role at the registry or above it that allows
``registries/pull/read`` is enough for all its repositories. In ABAC mode only *data* actions count, per
repository, and AcrPull is not honoured at all, nor are Reader, Contributor and Owner
(learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
A deny assignment wins over every role.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.azure.actions import CONTENT, METADATA, PULL
from checks.azure.conditions import Holds, holds
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.azure.roles import Assignment, Denial, Denials, Permission, Role, Roles
from checks.graph import fact
from checks.image.reference import Repository

# In a deny assignment the id of nobody stands for everybody.
_EVERYBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Grant:
    """An assignment with its role. ``holds``: whether it allows the pull, for this repository."""

    assignment: Assignment
    role: Role
    holds: Holds


@dataclass(frozen=True, slots=True)
class PullRights:
    """``grants`` allow the pull, or may, or would for another repository (``holds``).

    ``ignored`` would in the registry's other mode. ``denials`` forbid it; ``doubts`` say why it cannot be
    said for sure that nothing else does.
    """

    puller: Puller
    registry: Registry
    repository: Repository
    grants: tuple[Grant, ...]
    ignored: tuple[Grant, ...]
    denials: tuple[Denial, ...]
    doubts: tuple[str, ...]

    @property
    def allowing(self) -> tuple[Grant, ...]:
        return tuple(one for one in self.grants if one.holds is Holds.YES)

    @property
    def narrow(self) -> tuple[Grant, ...]:
        """Those that are for other repositories."""
        return tuple(one for one in self.grants if one.holds is Holds.NO)

    @property
    def undecided(self) -> tuple[Grant, ...]:
        return tuple(one for one in self.grants if one.holds is Holds.UNKNOWN)

    @property
    def lacking(self) -> bool:
        """No role allows it, for sure."""
        return not self.allowing and not self.undecided


@fact()
def pull_rights(
    registry: Registry, repository: Repository, puller: Puller, roles: Roles, denials: Denials
) -> PullRights:
    hits = {one: _hits(one, puller, registry) for one in denials.all}
    unsure = [f"the deny assignment {one.name} may forbid it" for one in hits if hits[one] is Holds.UNKNOWN]
    return PullRights(
        puller=puller,
        registry=registry,
        repository=repository,
        grants=tuple(_grants(roles, repository, by_repository=registry.by_repository)),
        ignored=tuple(_grants(roles, repository, by_repository=not registry.by_repository)),
        denials=tuple(one for one in hits if hits[one] is Holds.YES),
        doubts=(*unsure, *filter(None, [denials.unread])),
    )


def _grants(roles: Roles, repository: Repository, *, by_repository: bool) -> Iterable[Grant]:
    for assigned, role in roles.held:
        said = [
            _allowed(role, assigned, repository, action)
            for action in ((CONTENT, METADATA) if by_repository else (PULL,))
        ]
        if said[0] is None:  # without it the others are worth nothing
            continue
        sure = said[0] is Holds.NO or all(one is Holds.YES for one in said)
        yield Grant(assigned, role, said[0] if sure else Holds.UNKNOWN)


def _allowed(role: Role, assigned: Assignment, repository: Repository, action: str) -> Holds | None:
    """``None``: the role has nothing to do with it."""
    if role.permissions is None:
        return Holds.UNKNOWN
    if not any(_covers(one, action) for one in role.permissions):
        return None
    return holds(assigned.condition, repository.path, action)


def _covers(permission: Permission, action: str) -> bool:
    return permission.allows(action) if action == PULL else permission.allows_data(action)


def _hits(denial: Denial, puller: Puller, registry: Registry) -> Holds:
    wanted = CONTENT if registry.by_repository else PULL
    if not any(_covers(one, wanted) for one in denial.permissions):
        return Holds.NO
    me = puller.object_id.lower()
    if me in {id for id, _ in denial.spared}:
        return Holds.NO
    named = bool({me, _EVERYBODY} & {id for id, _ in denial.principals})
    perhaps = any(_may_be_group(kind) for _, kind in (denial.spared if named else denial.principals))
    if not named:
        return Holds.UNKNOWN if perhaps else Holds.NO
    return Holds.UNKNOWN if perhaps or denial.conditional else Holds.YES


def _may_be_group(kind: str) -> bool:
    """Who is in a group is not asked; an unnamed type may be one."""
    return kind not in ("ServicePrincipal", "User", "SystemDefined")
