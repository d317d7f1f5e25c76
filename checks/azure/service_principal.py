"""The service principal of a cluster that has no managed identity, as Entra ID has it.

The application holds the secrets, the service principal is what roles are assigned to; the secret that the
cluster uses is seen by nobody (learn.microsoft.com/azure/aks/update-credentials).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.azure.cluster import AksCluster
from checks.azure.facts import Arm, Graph, rows, word
from checks.graph import fact
from checks.model import NotApplicable, NotFound

READS = ("Microsoft.Resources/subscriptions/read",)
GRAPH = ("Application.Read.All",)

_CREDENTIALS = "passwordCredentials,keyCredentials"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret or certificate. ``until`` is ``None`` where Entra ID names no end."""

    key: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """``object_id`` is "" where Entra ID has no service principal of ``application``.

    ``home`` is the tenant of the application, "" if not told. ``enabled``: it may sign in.
    """

    application: str
    object_id: str
    name: str
    enabled: bool
    home: str
    credentials: tuple[Credential, ...]


@fact()
async def service_principal(cluster: AksCluster, graph: Graph) -> ServicePrincipal:
    if cluster.kubelet is not None or not cluster.service_principal:
        raise NotApplicable("the cluster has no service principal")
    id = cluster.service_principal
    select = f"id,displayName,accountEnabled,appOwnerOrganizationId,{_CREDENTIALS}"
    try:
        tree = await graph.get(f"/servicePrincipals(appId='{id}')", {"$select": select})
    except NotFound:
        return ServicePrincipal(id, "", "", enabled=False, home="", credentials=())
    return ServicePrincipal(
        application=id,
        object_id=word(tree, "id"),
        name=word(tree, "displayName"),
        enabled=tree.get("accountEnabled") is not False,
        home=word(tree, "appOwnerOrganizationId"),
        credentials=credentials(tree),
    )


@dataclass(frozen=True, slots=True)
class Application:
    """The application of a service principal. ``exists`` is false where the cluster's tenant has none;
    ``None``: another tenant has it, which is not asked.

    ``credentials`` are its own and its service principal's. ``asked`` is when.
    """

    exists: bool | None
    credentials: tuple[Credential, ...]
    asked: datetime

    @property
    def live(self) -> tuple[Credential, ...]:
        return tuple(one for one in self.credentials if one.until is None or one.until > self.asked)

    @property
    def last(self) -> datetime | None:
        """When the last of them ends, or ended."""
        return max((one.until for one in self.credentials if one.until is not None), default=None)


@fact()
async def application(
    principal: ServicePrincipal, cluster: AksCluster, graph: Graph, arm: Arm
) -> Application:
    query = {"$select": f"id,appId,{_CREDENTIALS}"}
    try:
        tree = await graph.get(f"/applications(appId='{principal.application}')", query)
    except NotFound:
        exists = None if await _is_elsewhere(principal, cluster, arm) else False
        return Application(exists, principal.credentials, datetime.now(UTC))
    both = dict.fromkeys((*credentials(tree), *principal.credentials))
    return Application(exists=True, credentials=tuple(both), asked=datetime.now(UTC))


async def _is_elsewhere(principal: ServicePrincipal, cluster: AksCluster, arm: Arm) -> bool:
    if not principal.home:
        return False
    try:
        tree = await arm.get(f"/subscriptions/{cluster.id.subscription}")
    except NotFound:
        return True
    return word(tree, "tenantId").lower() != principal.home.lower()


def credentials(tree: Mapping[str, Any]) -> tuple[Credential, ...]:
    """The secrets and certificates of an application or a service principal."""
    found = (*rows(tree, "passwordCredentials"), *rows(tree, "keyCredentials"))
    return tuple(Credential(word(one, "keyId"), _time(word(one, "endDateTime"))) for one in found)


async def named(ids: Iterable[str], graph: Graph) -> dict[str, str]:
    """What service principals are called, by object id; "" where there is none (any more).

    :raises Unavailable: see ``Graph``
    """
    wanted = tuple(ids)
    found = await asyncio.gather(*(_name(id, graph) for id in wanted))
    return dict(zip(wanted, found, strict=True))


async def _name(id: str, graph: Graph) -> str:
    try:
        tree = await graph.get(f"/servicePrincipals/{id}", {"$select": "id,displayName,appId"})
    except NotFound:
        return ""
    return word(tree, "displayName") or word(tree, "appId") or id


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
