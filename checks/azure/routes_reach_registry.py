"""Does the subnet's route table lead to the registry?

What an appliance on the way lets through is another question; where a gateway leads to is not seen from here.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.azure.cluster import AksCluster
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_errands import LOST, Destinations
from checks.azure.route_tables import Hop, Way, Ways
from checks.graph import check
from checks.model import Leg, Place, Verdict, failed, passed, unknown

# Clusters without a way out of AKS's making (learn.microsoft.com/azure/aks/egress-outboundtype).
_NO_WAY_OUT = frozenset({"none", "block"})


@check(
    "The routes lead to the registry",
    leg=Leg.CONNECTION,
    place=Place.ROUTE,
    explains=LOST,
    page="https://learn.microsoft.com/en-us/azure/virtual-network/virtual-networks-udr-overview",
)
def routes_reach_registry(
    ways: Ways, wanted: Destinations, subnet: NodeSubnet, cluster: AksCluster
) -> Verdict:
    evidence = (("Subnet", str(subnet.id)), ("Route table", str(ways.table.id or "none")))
    lost = ways.by(Hop.NOWHERE)
    if lost:
        return failed(
            f"the route {lost[0].route} of {ways.table.name} drops what goes to {_hosts(lost)}",
            *evidence,
            about=str(ways.table.id or subnet.id),
            explains=wanted.explain(one.to for one in lost),
        )
    stuck = ways.by(Hop.INTERNET) if has_no_way_out(cluster, subnet) else ()
    if stuck:
        return failed(
            f"the cluster's outbound type is {cluster.outbound}: its nodes have no way to {_hosts(stuck)}",
            *evidence,
            ("Cluster", str(cluster.id)),
            about=str(cluster.id),
            explains=wanted.explain(one.to for one in stuck),
        )
    unsure = ways.by(Hop.UNCERTAIN)
    if unsure:
        return unknown(unsure[0].why, *evidence)
    unseen = ways.by(Hop.GATEWAY)
    if unseen:
        return unknown(
            f"the route {unseen[0].route} of {ways.table.name} leads into a gateway; how it goes on to "
            f"{_hosts(unseen)} is not seen from here",
            *evidence,
        )
    through = dict.fromkeys(_through(one) for one in ways.all)
    return passed(f"{ways.table.name} leads to the registry: {', '.join(through)}", *evidence)


def has_no_way_out(cluster: AksCluster, subnet: NodeSubnet) -> bool:
    """Whether what is routed to the Internet ends there."""
    own = subnet.nat_gateway is not None or any(one.public_nodes for one in cluster.pools)
    return cluster.outbound.lower() in _NO_WAY_OUT and not own


def _hosts(ways: Iterable[Way]) -> str:
    return ", ".join(dict.fromkeys(str(one.to) for one in ways))


def _through(way: Way) -> str:
    match way.hop:
        case Hop.APPLIANCE if way.route is not None:
            return f"{way.to.host} by the appliance {way.route.address}"
        case Hop.DIRECT:
            return f"{way.to.host} by Azure's own network"
        case _:
            return f"{way.to.host} by the {way.hop.value}"
