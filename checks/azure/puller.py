"""Who pulls on an AKS node: the kubelet's managed identity, or the cluster's service principal."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.cluster import AksCluster
from checks.azure.facts import Graph, word
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = ()
GRAPH = ("Application.Read.All",)


@dataclass(frozen=True, slots=True)
class Puller:
    """``object_id`` is what roles are assigned to; ``words`` names it to people."""

    object_id: str
    words: str
    managed: bool


@fact()
async def puller(cluster: AksCluster, graph: Graph) -> Puller:
    if cluster.kubelet is not None:
        name = cluster.kubelet.resource.name or cluster.kubelet.client_id
        return Puller(cluster.kubelet.object_id, f"the kubelet identity {name}", managed=True)
    if not cluster.service_principal:
        raise Unavailable(f"Azure does not say which identity the nodes of {cluster.id.name} pull with")
    application = cluster.service_principal
    try:
        principal = await graph.get(f"/servicePrincipals(appId='{application}')", {"$select": "id"})
    except NotFound:
        raise Unavailable(f"Entra ID knows no service principal of the application {application}") from None
    return Puller(word(principal, "id"), f"the service principal {application}", managed=False)
