"""Where nobody lets the puller pull: who else may, and whether it is of another tenant. Asked only then.

A role that was given to the identity of before is the usual reason after a cluster got another one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from checks.azure.cluster import AksCluster
from checks.azure.facts import Arm, Graph, rows, word
from checks.azure.rights import PullRights
from checks.azure.roles import ACR_PULL, REPOSITORY_READER, ROLE_ASSIGNMENTS, assignment
from checks.azure.service_principal import named
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

READS = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Resources/subscriptions/read",
)
GRAPH = ("Application.Read.All",)

_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Stranger:
    """Another identity that has the role at the registry itself. ``name``: "" for one that is gone.

    ``name`` is ``None`` where it could not be read.
    """

    object_id: str
    assignment: str
    name: str | None

    @property
    def words(self) -> str:
        if self.name is None:
            return self.object_id
        return f"{self.name} ({self.object_id})" if self.name else f"{self.object_id}, which is gone"


@dataclass(frozen=True, slots=True)
class Strangers:
    role: str
    all: tuple[Stranger, ...]


@fact()
async def strangers(rights: PullRights, arm: Arm, graph: Graph) -> Strangers:
    if not rights.lacking:
        raise NotApplicable("it may pull, or nobody knows")
    registry = rights.registry
    id, role = (REPOSITORY_READER, "Repository Reader") if registry.by_repository else (ACR_PULL, "AcrPull")
    try:
        found = await arm.get(f"{registry.id}{ROLE_ASSIGNMENTS}", {"$filter": "atScope()"})
    except NotFound:
        raise Unavailable(f"{registry.host} is gone") from None
    holders = {
        one.principal.lower(): str(one.id)
        for one in map(assignment, rows(found, "value"))
        if one.role.lower().endswith(f"/{id}")
        and registry.id.key == one.scope.rstrip("/").lower()
        and one.principal_type in ("", "ServicePrincipal")
        and one.principal.lower() != rights.puller.object_id.lower()
    }
    asked = sorted(holders)[:_MOST_NAMES]
    try:
        names: dict[str, str] = await named(asked, graph)
    except Unavailable:
        names = {}
    return Strangers(role, tuple(Stranger(id, holders[id], names.get(id)) for id in sorted(holders)))


@dataclass(frozen=True, slots=True)
class Tenants:
    """Of the cluster's subscription, and of the registry's. ``unread`` says why they are not known, or ""."""

    cluster: str
    registry: str
    unread: str = ""

    @property
    def differ(self) -> bool:
        return not self.unread and self.cluster != self.registry


@fact()
async def tenants(rights: PullRights, cluster: AksCluster, arm: Arm) -> Tenants:
    ours, theirs = cluster.id.subscription, rights.registry.id.subscription
    if not rights.lacking or ours.lower() == theirs.lower():
        raise NotApplicable("one subscription has one tenant")
    try:
        found = await asyncio.gather(*(arm.get(f"/subscriptions/{id}") for id in (ours, theirs)))
    except NotFound as why:
        raise NotApplicable(f"a subscription is not shown to us: {why}") from None
    except Unavailable as why:
        return Tenants("", "", str(why))
    of_ours, of_theirs = (word(one, "tenantId").lower() for one in found)
    if not of_ours or not of_theirs:
        raise NotApplicable(f"Azure does not say of which tenant {ours} and {theirs} are")
    return Tenants(of_ours, of_theirs)
