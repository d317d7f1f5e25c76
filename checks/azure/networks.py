"""The subnet that a node is in, its network, and what that is peered with.

Where AKS made the network itself the cluster names none: then the scale set does, or it is the one network of
the nodes' resource group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.cluster import AksCluster
from checks.azure.facts import Arm, ResourceId, block, rows, word, words
from checks.azure.machines import NodeMachines
from checks.azure.registry import Registry
from checks.graph import fact
from checks.host import Host
from checks.model import NotApplicable, NotFound, Unavailable

READS = (
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
)

# What AKS says of a node's pool, and the older name of the same.
_POOL_LABELS = ("kubernetes.azure.com/agentpool", "agentpool")
_NETWORKS = "/providers/Microsoft.Network/virtualNetworks"


@dataclass(frozen=True, slots=True)
class NodePlace:
    """The subnet of a node's primary interface."""

    subnet: ResourceId

    @property
    def network(self) -> ResourceId:
        return self.subnet.parent


# The three facts are tried in the order of their names.
@fact()
def place_by_machine(machines: NodeMachines | None) -> NodePlace:
    if machines is None or machines.subnet is None:
        raise NotApplicable("the node's machine names no subnet")
    return NodePlace(machines.subnet)


@fact()
def place_by_pool(cluster: AksCluster, host: Host) -> NodePlace:
    named = next((found for label in _POOL_LABELS if (found := host.label(label))), "")
    pool = cluster.pool(named)
    candidates = {one.subnet for one in cluster.pools} if pool is None else {pool.subnet}
    if len(candidates) == 1 and (only := candidates.pop()) is not None:
        return NodePlace(only)
    if len(candidates) > 1:
        raise Unavailable(f"which of the cluster's pools {host.name} belongs to is not known, nor its subnet")
    raise NotApplicable("the cluster names no subnet: AKS made the network")


@fact()
async def place_in_node_group(cluster: AksCluster, arm: Arm) -> NodePlace:
    group = f"/subscriptions/{cluster.id.subscription}/resourceGroups/{cluster.node_group}"
    try:
        listed = await arm.get(f"{group}{_NETWORKS}")
    except NotFound:
        raise Unavailable(f"Azure has no resource group {cluster.node_group}") from None
    subnets = [
        ResourceId(word(subnet, "id"))
        for one in rows(listed, "value")
        for subnet in rows(one, "properties", "subnets")
        if word(subnet, "id")
    ]
    if len(subnets) != 1:
        raise Unavailable(f"which subnet of {cluster.node_group} the nodes are in is not known")
    return NodePlace(subnets[0])


@dataclass(frozen=True, slots=True)
class PrivateWay:
    """The registry has private endpoints: what matters only then asks for it, or Azure is asked in vain."""


@fact()
def private_way(registry: Registry) -> PrivateWay:
    if not registry.private:
        raise NotApplicable(f"{registry.host} has no private endpoint")
    return PrivateWay()


@dataclass(frozen=True, slots=True)
class NodeSubnet:
    """``service_endpoints`` are services such as ``Microsoft.ContainerRegistry``.

    ``private_endpoint_policies``: whether security groups and routes hold for private endpoints in it
    (Disabled, Enabled, NetworkSecurityGroupEnabled, RouteTableEnabled).
    """

    id: ResourceId
    prefixes: tuple[str, ...]
    security_group: ResourceId | None
    route_table: ResourceId | None
    nat_gateway: ResourceId | None
    service_endpoints: tuple[str, ...]
    private_endpoint_policies: str

    @property
    def network(self) -> ResourceId:
        return self.id.parent


@fact()
async def node_subnet(place: NodePlace, arm: Arm) -> NodeSubnet:
    try:
        return subnet(await arm.get(str(place.subnet)), place.subnet)
    except NotFound:
        raise Unavailable(f"Azure has no subnet {place.subnet} (deleted, or not shown to us)") from None


def subnet(tree: Mapping[str, Any], id: ResourceId) -> NodeSubnet:
    has = block(tree, "properties")
    single = word(has, "addressPrefix")
    return NodeSubnet(
        id=id,
        prefixes=words(has, "addressPrefixes") or ((single,) if single else ()),
        security_group=_id(has, "networkSecurityGroup"),
        route_table=_id(has, "routeTable"),
        nat_gateway=_id(has, "natGateway"),
        service_endpoints=tuple(word(one, "service") for one in rows(has, "serviceEndpoints")),
        private_endpoint_policies=word(has, "privateEndpointNetworkPolicies"),
    )


@dataclass(frozen=True, slots=True)
class Peering:
    """One side of a peering: what its network knows of the ``remote`` one.

    ``state``: Initiated, Connected or Disconnected; ``sync``: FullyInSync, or which side is not. ``known``
    are the prefixes of the remote network that are routed; ``current`` those that it has by now. ``whole``:
    it is for all subnets of both.
    """

    id: ResourceId
    remote: ResourceId
    state: str
    sync: str
    lets_in: bool
    forwards: bool
    gateway_for_remote: bool
    gateway_of_remote: bool
    known: tuple[str, ...]
    current: tuple[str, ...]
    whole: bool
    provisioning: str


@dataclass(frozen=True, slots=True)
class Network:
    """``dns_servers`` is empty where Azure's own resolver answers; ``gateway``: it has a gateway's subnet."""

    id: ResourceId
    location: str
    prefixes: tuple[str, ...]
    dns_servers: tuple[str, ...]
    gateway: bool


@fact()
async def node_network(place: NodePlace, _: PrivateWay, arm: Arm) -> Network:
    try:
        tree = await arm.get(str(place.network))
    except NotFound:
        raise Unavailable(f"Azure has no network {place.network} (deleted, or not shown to us)") from None
    has = block(tree, "properties")
    return Network(
        id=place.network,
        location=word(tree, "location"),
        prefixes=words(has, "addressSpace", "addressPrefixes"),
        dns_servers=words(has, "dhcpOptions", "dnsServers"),
        gateway=any(word(one, "name").lower() == "gatewaysubnet" for one in rows(has, "subnets")),
    )


@dataclass(frozen=True, slots=True)
class Peerings:
    """One network's sides of its peerings."""

    network: ResourceId
    all: tuple[Peering, ...]

    def to(self, other: ResourceId) -> Peering | None:
        return next((one for one in self.all if one.remote == other), None)


@fact()
async def node_peerings(place: NodePlace, _: PrivateWay, arm: Arm) -> Peerings:
    try:
        return await peerings_of(place.network, arm)
    except NotFound:
        raise Unavailable(f"Azure has no network {place.network} (deleted, or not shown to us)") from None


async def peerings_of(network: ResourceId, arm: Arm) -> Peerings:
    """:raises NotFound: there is no such network"""
    listed = await arm.get(f"{network}/virtualNetworkPeerings")
    return Peerings(network, tuple(map(_peering, rows(listed, "value"))))


def _peering(tree: Mapping[str, Any]) -> Peering:
    has = block(tree, "properties")
    known = words(has, "remoteAddressSpace", "addressPrefixes")
    return Peering(
        id=ResourceId(word(tree, "id")),
        remote=ResourceId(word(has, "remoteVirtualNetwork", "id")),
        state=word(has, "peeringState"),
        sync=word(has, "peeringSyncLevel"),
        lets_in=has.get("allowVirtualNetworkAccess") is not False,
        forwards=has.get("allowForwardedTraffic") is True,
        gateway_for_remote=has.get("allowGatewayTransit") is True,
        gateway_of_remote=has.get("useRemoteGateways") is True,
        known=known,
        current=words(has, "remoteVirtualNetworkAddressSpace", "addressPrefixes") or known,
        whole=has.get("peerCompleteVnets") is not False,
        provisioning=word(has, "provisioningState"),
    )


def _id(tree: Mapping[str, Any], name: str) -> ResourceId | None:
    text = word(tree, name, "id")
    return ResourceId(text) if text else None
