"""Have AKS put its cluster anew as it is, which gives the scale sets their identities back.

It is what a bare `az aks update` does. The scale set itself is not touched: AKS does not support that, and
would not know of it.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.cluster import AksCluster
from checks.azure.kubelet_identity import IdentityResource
from checks.azure.kubelet_identity_is_on_nodes import kubelet_identity_is_on_nodes
from checks.azure.machines import NodeMachines
from checks.azure.rights import PullRights
from checks.model import NotApplicable
from handlers.remedies.azure.cluster_steps import ReconcileCluster
from handlers.remedy import Plan, Refused, Risk, remedy

_SETTLES_IN = timedelta(minutes=15)
_CAUTION = (
    "the whole cluster is put anew, not only this: what else was changed behind AKS's back is set back, too, "
    "and cannot be undone"
)


@remedy("Reconcile the cluster", cures=kubelet_identity_is_on_nodes, risk=Risk.MEDIUM)
def reconcile_cluster(
    cluster: AksCluster, machines: NodeMachines, resource: IdentityResource, rights: PullRights | None = None
) -> Plan:
    identity = cluster.kubelet
    if identity is None or (identity.resource in machines.identities and resource.exists is not False):
        raise NotApplicable("the nodes have what the cluster says")
    if resource.exists is False:
        raise Refused(f"the identity {identity.resource.name} itself is gone; AKS cannot assign it again")
    if cluster.provisioning not in ("", "Succeeded"):
        raise Refused(
            f"AKS is busy with {cluster.id.name}, or its last operation failed ({cluster.provisioning})"
        )
    if cluster.power not in ("", "Running"):
        raise Refused(f"{cluster.id.name} is not running ({cluster.power})")
    step = ReconcileCluster(str(cluster.id), str(identity.resource), str(machines.id))
    lacking = rights is not None and (rights.denials or rights.lacking)
    caution = (
        f"{_CAUTION}; alone it does not help, as {identity.resource.name} may not pull"
        if lacking
        else _CAUTION
    )
    return Plan((step,), caution=caution, settles_in=_SETTLES_IN)
