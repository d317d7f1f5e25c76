"""The public addresses that a registry sees the nodes come from.

A route to an appliance goes before a NAT gateway, that before a node's own public address, and all of them
before the cluster's load balancer (learn.microsoft.com/azure/nat-gateway/nat-gateway-resource). Nobody is
asked where the registry admits everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from checks.azure.cluster import AksCluster, Machine
from checks.azure.facts import Arm, ResourceId, block, rows, word
from checks.azure.firewalls import Firewalls
from checks.azure.networks import NodePlace, NodeSubnet
from checks.azure.outbound_addresses import Match, holds_address
from checks.azure.outbound_errands import Errand, proxied
from checks.azure.paths import Kind, RegistryPath, TurnedAway
from checks.azure.registry import Registry
from checks.azure.route_tables import Hop, Way, Ways
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

READS = (
    "Microsoft.Compute/virtualMachineScaleSets/publicIPAddresses/read",
    "Microsoft.Network/natGateways/read",
    "Microsoft.Network/publicIPAddresses/read",
    "Microsoft.Network/publicIPPrefixes/read",
)

_BY_BALANCER = frozenset({"loadbalancer", "managednatgateway", "managednatgatewayv2", ""})


@dataclass(frozen=True, slots=True)
class Asks:
    """The registry lets in only some addresses, and the nodes come from the Internet."""


@fact()
def asks(registry: Registry, path: RegistryPath, place: NodePlace | None) -> Asks:
    if path.kind is not Kind.PUBLIC or not registry.public or registry.admits_all:
        raise NotApplicable("the registry asks nobody where he comes from")
    if place is not None and place.subnet in registry.admitted_subnets:
        raise NotApplicable("the registry admits the nodes' subnet")
    return Asks()


@dataclass(frozen=True, slots=True)
class Exit:
    """An address, or a whole prefix. ``of`` is the resource that holds it; ``stays``: for as long as that."""

    address: str
    of: ResourceId
    stays: bool = True


@dataclass(frozen=True, slots=True)
class Outbound:
    """``through`` tells in words what they belong to; ``shared``: more than this cluster goes through it."""

    exits: tuple[Exit, ...]
    through: str
    shared: bool = False


@dataclass(frozen=True, slots=True)
class WayOutside:
    """The nodes leave to the Internet by themselves: no appliance, gateway or service endpoint is between."""


@fact()
def way_outside(_: Asks, ways: Ways) -> WayOutside:
    if _to_registry(ways).hop is not Hop.INTERNET:
        raise NotApplicable("something else is on the way")
    return WayOutside()


# The facts are tried in the order of their names; what is asked of Azure depends on which it is.
@fact()
async def by_agreement(_: Asks, refused: TurnedAway, cluster: AksCluster, arm: Arm) -> Outbound:
    """What the registry says of who came, and Azure of the cluster: then no route need be known."""
    if not refused.address or cluster.outbound.lower() not in _BY_BALANCER:
        raise NotApplicable("the two do not speak of the same")
    try:
        found = await _by_cluster(cluster, arm)
    except Unavailable as why:
        raise NotApplicable(str(why)) from None
    if not any(holds_address(one.address, refused.address) is Match.YES for one in found.exits):
        raise NotApplicable("the two do not agree")
    return found


@fact()
async def by_aks_itself(_: Asks, cluster: AksCluster, registry: Registry, arm: Arm) -> Outbound:
    """A network of AKS's making has no way out but the one that the cluster names."""
    theirs = any(one.subnet is not None or one.public_nodes for one in cluster.pools)
    if theirs or cluster.outbound.lower() not in _BY_BALANCER or proxied(cluster, registry.host):
        raise NotApplicable("its nodes may leave otherwise")
    return await _by_cluster(cluster, arm)


@fact()
async def by_appliance(_: Asks, ways: Ways, firewalls: Firewalls, arm: Arm) -> Outbound:
    way = _to_registry(ways)
    if way.hop is not Hop.APPLIANCE or way.route is None:
        raise NotApplicable("no appliance is on the way")
    firewall = firewalls.at(way.route.address)
    if firewall is None:
        raise Unavailable(
            f"the nodes leave through the appliance {way.route.address}, and with which address is not known"
        )
    return Outbound(
        await _addresses(firewall.public_ips, arm), f"the firewall {firewall.id.name}", shared=True
    )


@fact()
async def by_nat_gateway(_: WayOutside, subnet: NodeSubnet, arm: Arm) -> Outbound:
    if subnet.nat_gateway is None:
        raise NotApplicable("no NAT gateway is on the way")
    try:
        gateway = block(await arm.get(str(subnet.nat_gateway)), "properties")
    except NotFound:
        raise Unavailable(f"Azure has no NAT gateway {subnet.nat_gateway} (deleted meanwhile?)") from None
    named = (*rows(gateway, "publicIpAddresses"), *rows(gateway, "publicIpPrefixes"))
    found = await _addresses((ResourceId(word(one, "id")) for one in named), arm)
    return Outbound(found, f"the NAT gateway {subnet.nat_gateway.name}")


@fact()
async def by_node_address(
    _: WayOutside, cluster: AksCluster, place: NodePlace, machine: Machine, arm: Arm
) -> Outbound:
    mine = [one for one in cluster.pools if one.subnet in (None, place.subnet)]
    if not machine.scale_set or not any(one.public_nodes for one in mine):
        raise NotApplicable("the nodes have no addresses of their own")
    try:
        listed = await arm.get(f"{machine.id}/publicipaddresses")
    except NotFound:
        raise Unavailable(f"Azure has no scale set {machine.id.name} (deleted meanwhile?)") from None
    found = tuple(
        Exit(word(one, "properties", "ipAddress"), machine.id, stays=False)
        for one in rows(listed, "value")
        if word(one, "properties", "ipAddress")
    )
    if not found:
        raise NotApplicable("no node of this pool has an address of its own")
    return Outbound(found, f"each node of {machine.scale_set} by itself")


@fact()
async def by_outbound_type(_: WayOutside, cluster: AksCluster, arm: Arm) -> Outbound:
    if cluster.outbound.lower() not in _BY_BALANCER:
        raise Unavailable(
            f"with which address the nodes leave is not known; the outbound type is {cluster.outbound}"
        )
    return await _by_cluster(cluster, arm)


@fact()
def by_proxy(_: Asks, cluster: AksCluster, registry: Registry) -> Outbound:
    if not proxied(cluster, registry.host):
        raise NotApplicable("no proxy is on the way")
    raise Unavailable(f"the nodes go through the proxy {cluster.proxy.https}, whose address is not known")


@fact()
def by_unseen_way(_: Asks, ways: Ways, registry: Registry) -> Outbound:
    """Whatever it was that the others did not know."""
    way = _to_registry(ways)
    if way.hop is Hop.DIRECT:
        raise Unavailable(
            f"the nodes come to {registry.host} by a service endpoint; which subnets it admits, Azure's API "
            "does not tell"
        )
    raise Unavailable(
        way.why or f"where the route {way.route} leads, and with which address that comes out, is not known"
    )


async def _by_cluster(cluster: AksCluster, arm: Arm) -> Outbound:
    what = "the NAT gateway" if "nat" in cluster.outbound.lower() else "the load balancer"
    return Outbound(await _addresses(cluster.outbound_ips, arm), f"{what} of {cluster.id.name}")


def _to_registry(ways: Ways) -> Way:
    return next(one for one in ways.all if one.to.errand is Errand.REGISTRY)


async def _addresses(ids: Iterable[ResourceId], arm: Arm) -> tuple[Exit, ...]:
    """Of IPv4: a registry knows no other.

    :raises Unavailable: one cannot be told; some of them would be no answer
    """
    found = await asyncio.gather(*(_address(one, arm) for one in ids))
    known = tuple(one for one in found if ":" not in one.address)
    if not known:
        raise Unavailable("Azure names no public address that the nodes leave with")
    return known


async def _address(id: ResourceId, arm: Arm) -> Exit:
    try:
        tree = await arm.get(str(id))
    except NotFound:
        raise Unavailable(
            f"Azure has no public address {id} (deleted meanwhile, or not shown to us)"
        ) from None
    has = block(tree, "properties")
    address = word(has, "ipPrefix") or word(has, "ipAddress")
    if not address:
        raise Unavailable(f"the public address {id.name} has no value yet")
    return Exit(address, id, stays=word(has, "publicIPAllocationMethod") != "Dynamic")
