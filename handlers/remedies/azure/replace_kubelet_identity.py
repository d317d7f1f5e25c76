"""The kubelet's managed identity was deleted: AKS cannot assign what is gone, and a new one is a new id."""

from __future__ import annotations

import shlex

from checks.azure.cluster import AksCluster
from checks.azure.kubelet_identity import IdentityResource
from checks.azure.kubelet_identity_is_on_nodes import kubelet_identity_is_on_nodes
from checks.model import NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Give the nodes another identity", cures=kubelet_identity_is_on_nodes)
def replace_kubelet_identity(cluster: AksCluster, resource: IdentityResource) -> ByHand:
    if cluster.kubelet is None or resource.exists is not False:
        raise NotApplicable("the identity is there")
    gone, name, group = cluster.kubelet.resource, cluster.id.name, cluster.id.group
    made = ("az", "identity", "create", "--resource-group", group, "--name", f"{name}-kubelet")
    used = ["az", "aks", "update", "--resource-group", group, "--name", name, "--enable-managed-identity"]
    used += ["--assign-identity", "CLUSTER_IDENTITY_ID", "--assign-kubelet-identity", "KUBELET_IDENTITY_ID"]
    return ByHand(
        f"{gone.name} is gone: who answers for {name} makes another identity for the nodes, has the cluster "
        "use it (whose own has to be user-assigned for that), and gives it the role on the registry",
        (shlex.join(made), shlex.join(used)),
        "AKS makes all nodes anew for it, which restarts all pods",
    )
