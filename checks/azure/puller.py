"""Who pulls on an AKS node: the kubelet's managed identity, or the cluster's service principal."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.cluster import AksCluster
from checks.azure.service_principal import ServicePrincipal
from checks.graph import fact
from checks.model import NotApplicable, Unavailable


@dataclass(frozen=True, slots=True)
class Puller:
    """``object_id`` is what roles are assigned to; ``words`` names it to people."""

    object_id: str
    words: str
    managed: bool


@fact()
def managed_puller(cluster: AksCluster) -> Puller:
    if cluster.kubelet is None:
        raise NotApplicable("the nodes have no managed identity")
    name = cluster.kubelet.resource.name or cluster.kubelet.client_id
    return Puller(cluster.kubelet.object_id, f"the kubelet identity {name}", managed=True)


@fact()
def principal_puller(principal: ServicePrincipal) -> Puller:
    if not principal.object_id:
        raise Unavailable(
            f"Entra ID knows no service principal of the application {principal.application}, so nobody can "
            "say what it may do"
        )
    words = f"the service principal {principal.name or principal.application}"
    return Puller(principal.object_id, words, managed=False)


@fact()
def unnamed_puller(cluster: AksCluster) -> Puller:
    """Tried last: Azure names neither."""
    raise Unavailable(f"Azure does not say which identity the nodes of {cluster.id.name} pull with")
