"""The AKS cluster that a node belongs to, as ARM has it: its identities, its pools, its way out.

A node's ``providerID`` names the machine, and with it the resource group that AKS made for the nodes; who
manages that group is the cluster (learn.microsoft.com/azure/aks/faq).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.facts import Arm, ResourceId, block, rows, word, words
from checks.graph import fact
from checks.host import Cluster, Host
from checks.model import NotApplicable, NotFound, Unavailable

READS = (
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)

_TYPE = "Microsoft.ContainerService/managedClusters"
_PROVIDER_ID = re.compile(
    r"azure:///subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.Compute/(?:virtualMachineScaleSets/(?P<set>[^/]+)/)?virtualMachines/(?P<machine>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The virtual machine of a node in Azure. ``scale_set`` is empty for one that stands alone."""

    subscription: str
    group: str
    scale_set: str
    name: str

    @property
    def home(self) -> str:
        """The resource group's id."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def id(self) -> ResourceId:
        """Of the scale set, or of the machine that is in none: whose identities the node has."""
        kind = "virtualMachineScaleSets" if self.scale_set else "virtualMachines"
        return ResourceId(f"{self.home}/providers/Microsoft.Compute/{kind}/{self.scale_set or self.name}")


@fact()
def machine(host: Host) -> Machine:
    found = _PROVIDER_ID.match(host.provider_id)
    if found is None:
        raise NotApplicable(f"{host.name} is no node in Azure")
    return Machine(found["subscription"], found["group"], found["set"] or "", found["machine"])


@dataclass(frozen=True, slots=True)
class AksId:
    id: ResourceId


# The two are tried in the order of their names.
@fact()
def aks_as_configured(cluster: Cluster, host: Host | None) -> AksId:
    """Then the node may be gone, or not ours to read. On one that is elsewhere another identity pulls."""
    if not cluster.cloud_id or (host is not None and not _PROVIDER_ID.match(host.provider_id)):
        raise NotApplicable("the nodes tell whose they are")
    return AksId(ResourceId(cluster.cloud_id))


@fact()
async def aks_of_machine(machine: Machine, arm: Arm) -> AksId:
    try:
        group = await arm.get(machine.home)
    except NotFound:
        raise Unavailable(
            f"the nodes' resource group {machine.group} is not in subscription {machine.subscription}: "
            "is this an old node, or does Azure know it under another tenant?"
        ) from None
    manager = word(group, "managedBy")
    if _TYPE.lower() in manager.lower():
        return AksId(ResourceId(manager))
    return AksId(await _of_group(machine, arm))


async def _of_group(machine: Machine, arm: Arm) -> ResourceId:
    """The cluster whose nodes are in the machine's group, where the group itself does not name it."""
    try:
        listed = await arm.get(f"/subscriptions/{machine.subscription}/providers/{_TYPE}")
    except NotFound:
        listed = {}
    for one in rows(listed, "value"):
        if word(one, "properties", "nodeResourceGroup").lower() == machine.group.lower():
            return ResourceId(word(one, "id"))
    raise NotApplicable(f"AKS does not manage the resource group {machine.group}")


@dataclass(frozen=True, slots=True)
class KubeletIdentity:
    """The managed identity that the nodes pull with."""

    object_id: str
    client_id: str
    resource: ResourceId


@dataclass(frozen=True, slots=True)
class Pool:
    """``subnet`` is ``None`` where AKS made the network itself."""

    name: str
    subnet: ResourceId | None
    operating_system: str
    kind: str
    public_nodes: bool


@dataclass(frozen=True, slots=True)
class Proxy:
    """What AKS tells the nodes of a proxy; all empty where there is none."""

    http: str
    https: str
    exempt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AksCluster:
    """``kubelet`` is ``None`` for a cluster of a service principal, whose application id is then given.

    ``outbound`` is how nodes reach the Internet: loadBalancer, userDefinedRouting, managedNATGateway, …;
    ``outbound_ips`` are the ids of the addresses or prefixes that AKS says it uses for that.
    """

    id: ResourceId
    location: str
    kubelet: KubeletIdentity | None
    service_principal: str
    node_group: str
    outbound: str
    outbound_ips: tuple[ResourceId, ...]
    pools: tuple[Pool, ...]
    proxy: Proxy
    provisioning: str
    power: str

    def pool(self, name: str) -> Pool | None:
        return next((one for one in self.pools if one.name == name), None)


@fact()
async def aks_cluster(where: AksId, arm: Arm) -> AksCluster:
    try:
        tree = await arm.get(str(where.id))
    except NotFound:
        raise Unavailable(f"Azure has no cluster {where.id} (deleted, or not shown to us)") from None
    return _cluster(where.id, tree)


def _cluster(id: ResourceId, tree: Mapping[str, Any]) -> AksCluster:
    has = block(tree, "properties")
    principal = word(has, "servicePrincipalProfile", "clientId")
    network = block(has, "networkProfile")
    return AksCluster(
        id=id,
        location=word(tree, "location"),
        kubelet=_kubelet(block(has, "identityProfile", "kubeletidentity")),
        service_principal="" if principal == "msi" else principal,  # AKS's word for "a managed identity"
        node_group=word(has, "nodeResourceGroup"),
        outbound=word(network, "outboundType"),
        outbound_ips=tuple(
            ResourceId(word(one, "id"))
            for profile in ("loadBalancerProfile", "natGatewayProfile")
            for one in rows(network, profile, "effectiveOutboundIPs")
            if word(one, "id")
        ),
        pools=tuple(_pool(one) for one in rows(has, "agentPoolProfiles")),
        proxy=_proxy(block(has, "httpProxyConfig")),
        provisioning=word(has, "provisioningState"),
        power=word(has, "powerState", "code"),
    )


def _kubelet(identity: Mapping[str, Any]) -> KubeletIdentity | None:
    if not word(identity, "objectId"):
        return None
    return KubeletIdentity(
        word(identity, "objectId"), word(identity, "clientId"), ResourceId(word(identity, "resourceId"))
    )


def _pool(tree: Mapping[str, Any]) -> Pool:
    subnet = word(tree, "vnetSubnetID")
    return Pool(
        name=word(tree, "name"),
        subnet=ResourceId(subnet) if subnet else None,
        operating_system=word(tree, "osType"),
        kind=word(tree, "type"),
        public_nodes=tree.get("enableNodePublicIP") is True,
    )


def _proxy(tree: Mapping[str, Any]) -> Proxy:
    if tree.get("enabled") is False:
        return Proxy("", "", ())
    return Proxy(word(tree, "httpProxy"), word(tree, "httpsProxy"), words(tree, "noProxy"))
