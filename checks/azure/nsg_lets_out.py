"""Do the network security groups let HTTPS out, to everything that a pull needs?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.azure.networks import NodeSubnet
from checks.azure.outbound_addresses import blocks
from checks.azure.outbound_endpoints import EndpointSides
from checks.azure.outbound_errands import LOST, Destination, Destinations
from checks.azure.route_tables import RouteTable
from checks.azure.security_groups import SecurityGroups
from checks.azure.security_rules import Decision, Flow, Lets, SecurityGroup
from checks.graph import check
from checks.model import Leg, Place, Verdict, failed, passed, unknown


@dataclass(frozen=True, slots=True)
class Denied:
    """What one group decides about one place; ``inbound``: in front of a private endpoint."""

    group: SecurityGroup
    to: Destination
    inbound: bool
    decision: Decision

    def __str__(self) -> str:
        return f"{self.decision.rule} of {self.group.id.name} denies {self.to}"


@check(
    "The network security groups let the pull out",
    leg=Leg.CONNECTION,
    place=Place.SUBNET,
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
    ruled = _ruled(groups, wanted, subnet, sides, table)
    denied = [one for one in ruled if one.decision.lets is Lets.NO]
    if denied:
        first = denied[0]
        places = ", ".join(dict.fromkeys(str(one.to) for one in denied))
        return failed(
            f"the rule {first.decision.rule} of {first.group.id.name} denies HTTPS to {places}",
            where,
            *(("Denied", str(one)) for one in denied),
            about=str(first.group.id),
            explains=wanted.explain(one.to for one in denied),
        )
    doubtful = [one for one in ruled if one.decision.lets is Lets.MAYBE]
    if doubtful:
        return unknown(f"whether {doubtful[0]} depends on addresses or machines that are not known", where)
    unread = _unread(wanted, sides)
    if unread:
        return unknown(f"what guards the private endpoint is not known: {unread}", where)
    if not ruled:
        return passed(f"{subnet.id.name} and its nodes have no security group", where)
    names = ", ".join(dict.fromkeys(one.group.id.name for one in ruled))
    return passed(f"{names} let HTTPS through to {', '.join(one.host for one in wanted.all)}", where)


def denials(
    groups: SecurityGroups,
    wanted: Destinations,
    subnet: NodeSubnet,
    sides: EndpointSides,
    table: RouteTable | None,
) -> list[Denied]:
    """What is surely denied, the nodes' own groups first."""
    return [one for one in _ruled(groups, wanted, subnet, sides, table) if one.decision.lets is Lets.NO]


def _ruled(
    groups: SecurityGroups,
    wanted: Destinations,
    subnet: NodeSubnet,
    sides: EndpointSides,
    table: RouteTable | None,
) -> list[Denied]:
    found = [
        Denied(group, to, False, group.decide(_flow(to, subnet, table)))
        for group in groups.all
        for to in wanted.all
    ]
    for to in wanted.all:
        side = sides.at(to.address) if to.private else None
        if side and side.group:
            decision = side.group.decide(replace(_flow(to, subnet, table), inbound=True))
            found.append(Denied(side.group, to, True, decision))
    return found


def _unread(wanted: Destinations, sides: EndpointSides) -> str:
    found = (sides.at(to.address) for to in wanted.all if to.private)
    return next((one.unread for one in found if one and one.unread), "")


def _flow(to: Destination, subnet: NodeSubnet, table: RouteTable | None) -> Flow:
    sources = tuple(one for text in subnet.prefixes for one in blocks(text) or ())
    # A table that could not be read may hold a route for everything.
    return Flow(to, sources, wide=table is None or table.leads_everything)
