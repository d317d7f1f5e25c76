"""Does the NAT gateway that the subnet routes to work?

It has to be available and public, and its own subnet has to lead to an internet gateway; in the private
subnet that it serves it would talk to itself.
"""

from __future__ import annotations

from checks.aws.clue import LOST
from checks.aws.paths import Paths
from checks.aws.routing import Way, outward
from checks.aws.subnet_routes_out import errands
from checks.aws.vpc import NatGateway, NatGateways, RouteTables
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@check(
    "The NAT gateway works",
    leg=Leg.CONNECTION,
    place=Place.GATEWAY,
    explains=LOST,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
)
def nat_gateway_works(paths: Paths, gateways: NatGateways, tables: RouteTables) -> Verdict:
    through = paths.by(Way.NAT)
    if not through:
        raise NotApplicable("nothing goes through a NAT gateway")
    doubts = []
    for id in sorted({one.via for one in through}):
        gateway = gateways.get(id)
        served = [one for one in through if one.via == id]
        evidence = (
            ("NAT gateway", id),
            ("State", gateway.state),
            ("Its subnet", gateway.subnet or "regional"),
        )
        wrong, doubt = _state(gateway) or "", ""
        if not wrong:
            wrong, doubt = _way_on(gateway, tables)
        if wrong:
            return failed(
                f"{wrong}: {errands(served)} cannot be reached",
                *evidence,
                *paths.evidence(),
                about=id,
                explains=paths.explain(served),
            )
        if doubt:
            doubts.append(doubt)
    if doubts:
        return unknown("; ".join(doubts), *paths.evidence())
    return passed(f"{through[0].via} is available and leads to the internet", *paths.evidence())


def _state(gateway: NatGateway) -> str:
    if gateway.state == "available":
        return ""
    why = f" ({gateway.failure})" if gateway.failure else ""
    return f"{gateway.id} is {gateway.state or 'in no known state'}{why}"


def _way_on(gateway: NatGateway, tables: RouteTables) -> tuple[str, str]:
    """What is wrong with the way from the gateway to the internet, and what of it we do not see."""
    if not gateway.subnet:
        return "", ""  # a regional gateway brings its own routes
    table = tables.of(gateway.subnet)
    found = outward(table, public_address="its own" if gateway.public else "")
    # A private gateway may well send on to a public one; what comes of that is not documented.
    onward = not gateway.public and found.way is Way.NAT and found.route and found.route.via != gateway.id
    match Way.ELSEWHERE if onward else found.way:
        case Way.INTERNET:
            return "", ""
        case Way.ELSEWHERE | Way.UNCERTAIN:
            return "", f"{gateway.id} leads on to {found.route or 'a network'}, which is not seen from here"
        case Way.NO_ADDRESS:
            return (
                f"{gateway.id} is a private NAT gateway, and {table.id} leads it to an internet gateway",
                "",
            )
        case Way.NAT:
            return (
                f"{gateway.id} is in {gateway.subnet}, whose route {found.route} leads to a NAT gateway",
                "",
            )
        case _:
            return f"{table.id} of its subnet {gateway.subnet} leads {gateway.id} nowhere", ""
