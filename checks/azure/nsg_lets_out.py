"""Do the network security groups let HTTPS out, to everything that a pull needs?"""

from __future__ import annotations

from checks.azure.networks import NodeSubnet
from checks.azure.outbound_addresses import blocks
from checks.azure.outbound_endpoints import EndpointSides
from checks.azure.outbound_errands import LOST, Destination, Destinations
from checks.azure.route_tables import RouteTable
from checks.azure.security_groups import SecurityGroups
from checks.azure.security_rules import Decision, Flow, Lets, SecurityGroup
from checks.graph import check
from checks.model import Leg, Verdict, failed, passed, unknown

Denied = tuple[SecurityGroup, Destination, Decision]


@check(
    "The network security groups let the pull out",
    leg=Leg.CONNECTION,
    explains=LOST,
    page="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview",
)
def nsg_lets_out(
    groups: SecurityGroups,
    wanted: Destinations,
    subnet: NodeSubnet,
    sides: EndpointSides,
    table: RouteTable | None,
) -> Verdict:
    where = ("Subnet", str(subnet.id))
    ruled = [
        (group, to, group.decide(flow_to(to, subnet, table))) for group in groups.all for to in wanted.all
    ]
    far = [(sides.at(to.address), to) for to in wanted.all if to.private]
    ruled += [
        (side.group, to, side.group.decide(flow_to(to, subnet, table, inbound=True)))
        for side, to in far
        if side and side.group
    ]
    denied = [one for one in ruled if one[2].lets is Lets.NO]
    if denied:
        group, _, decision = denied[0]
        places = ", ".join(dict.fromkeys(str(to) for _, to, _ in denied))
        return failed(
            f"the rule {decision.rule} of {group.id.name} denies HTTPS to {places}",
            where,
            *(("Denied", _told(one)) for one in denied),
            about=str(group.id),
            explains=wanted.explain(to for _, to, _ in denied),
        )
    doubtful = [one for one in ruled if one[2].lets is Lets.MAYBE]
    if doubtful:
        return unknown(
            f"whether {_told(doubtful[0])} depends on addresses or machines that are not known", where
        )
    unread = next((side.unread for side, _ in far if side and side.unread), "")
    if unread:
        return unknown(f"what guards the private endpoint is not known: {unread}", where)
    if not ruled:
        return passed(f"{subnet.id.name} and its nodes have no security group", where)
    names = ", ".join(dict.fromkeys(group.id.name for group, _, _ in ruled))
    return passed(f"{names} let HTTPS through to {', '.join(one.host for one in wanted.all)}", where)


def flow_to(to: Destination, subnet: NodeSubnet, table: RouteTable | None, *, inbound: bool = False) -> Flow:
    sources = tuple(one for text in subnet.prefixes for one in blocks(text) or ())
    # A table that could not be read may hold a route for everything.
    return Flow(to, sources, inbound, wide=table is None or table.leads_everything)


def _told(one: Denied) -> str:
    group, to, decision = one
    return f"{decision.rule} of {group.id.name} denies {to}"
