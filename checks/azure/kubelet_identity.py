"""The managed identity's own resource: it can be deleted while the cluster still names it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.cluster import AksCluster
from checks.azure.facts import Arm
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

READS = ("Microsoft.ManagedIdentity/userAssignedIdentities/read",)


@dataclass(frozen=True, slots=True)
class IdentityResource:
    """``exists`` is ``None`` where that could not be read; ``unread`` then says why."""

    exists: bool | None
    unread: str = ""


@fact()
async def identity_resource(cluster: AksCluster, arm: Arm) -> IdentityResource:
    if cluster.kubelet is None:
        raise NotApplicable("the nodes have no managed identity")
    if not cluster.kubelet.resource.text:
        return IdentityResource(None, f"Azure does not name the kubelet identity of {cluster.id.name}")
    try:
        await arm.get(str(cluster.kubelet.resource))
    except NotFound:
        return IdentityResource(exists=False)
    except Unavailable as why:
        return IdentityResource(None, str(why))
    return IdentityResource(exists=True)
