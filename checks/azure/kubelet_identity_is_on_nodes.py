"""Is the kubelet's managed identity assigned to the node's scale set, and does it still exist?

AKS assigns it. Who takes it away in the portal, or by a policy, leaves nodes that get no token at all: they
pull anonymously, from every registry.
"""

from __future__ import annotations

from checks.azure.cluster import AksCluster
from checks.azure.kubelet_identity import IdentityResource
from checks.azure.machines import NodeMachines
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The kubelet identity is on the nodes",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://learn.microsoft.com/en-us/troubleshoot/azure/azure-kubernetes/extensions/cannot-pull-image-from-acr-to-aks-cluster",
)
def kubelet_identity_is_on_nodes(
    cluster: AksCluster, machines: NodeMachines, resource: IdentityResource
) -> Verdict:
    identity = cluster.kubelet
    if identity is None:
        raise NotApplicable("the nodes have no managed identity")
    name = identity.resource.name
    evidence = (("Identity", str(identity.resource)), ("Nodes", str(machines.id)))
    if resource.exists is False:
        return failed(f"the kubelet identity {name} was deleted", *evidence, about=str(identity.resource))
    if identity.resource.text and identity.resource not in machines.identities:
        others = ", ".join(one.name for one in machines.identities) or "none"
        return failed(
            f"the kubelet identity {name} is not assigned to {machines.id.name}",
            *evidence,
            ("Assigned are", others),
            about=str(machines.id),
        )
    if resource.exists is None:
        return unknown(
            f"whether the kubelet identity still exists is not known: {resource.unread}", *evidence
        )
    return passed(f"{machines.id.name} has the kubelet identity {name}", *evidence)
