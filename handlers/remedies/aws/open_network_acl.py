"""Let the pull through the network ACLs on its way, there and back: one entry for each crossing denied.

An explicit denial that it goes before may be intentional; it is named. None is ever taken away.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from checks.aws.addresses import EVERYWHERE, PUBLIC, Space
from checks.aws.connection import Connection
from checks.aws.crossings import Crossing, crossings
from checks.aws.network_acl_lets_through import network_acl_lets_through
from checks.aws.network_acls import NetworkAcls
from checks.aws.paths import Path
from checks.aws.routing import Way
from checks.model import NotApplicable, Status
from handlers.outlook import joined
from handlers.remedies.aws.acl_entries import Opening, opening
from handlers.remedies.aws.network_acl_steps import AddAclEntry
from handlers.remedies.aws.outlook import must_be_ours, must_fail, must_help
from handlers.remedy import Plan, Refused, Risk, remedy


@remedy("Let the pull through the network ACL", cures=network_acl_lets_through, risk=Risk.MEDIUM)
def open_network_acl(connection: Connection | None) -> Plan:
    now = must_fail(network_acl_lets_through, connection)
    then, found = now, list[Opening]()
    for path in _dead(now):
        for crossing, block in _to_open(path, now):
            acl = NetworkAcls(then.acls).of(crossing.subnet)
            made = opening(acl, crossing, block, now.interface.region)
            if made is not None:
                then = then.with_acl(made.acl)
                found.append(made)
    stays = must_help(network_acl_lets_through, now, then)
    steps = tuple(AddAclEntry(one.entry) for one in found)
    must_be_ours(now, steps)
    return Plan(steps, caution=joined(_shared(found), _intended(found), stays))


def _dead(now: Connection) -> list[Path]:
    found = []
    for one in now.paths.items:
        verdict = now.says(network_acl_lets_through, only=(one,))
        if verdict is not None and verdict.status is Status.FAIL:
            found.append(one)
    return found


def _to_open(path: Path, now: Connection) -> list[tuple[Crossing, IPv4Network]]:
    """:raises Refused: where the path goes is not seen from here."""
    subnets, gateways = now.filters.subnets, now.filters.gateways
    if subnets is None or gateways is None:
        raise NotApplicable("the check said nothing without them")
    if path.way in (Way.ELSEWHERE, Way.UNCERTAIN):
        where = path.why or f"the route {path.route} leads into another network"
        raise Refused(f"to where it would have to be open for {path.errand} is not known: {where}")
    ways = crossings(path, now.paths, subnets, gateways)
    own = subnets.get(now.interface.subnet).block
    return [(one, _block(one.space, own)) for way in ways for one in way]


def _block(space: Space, own: IPv4Network | None) -> IPv4Network:
    """One block for an entry: public addresses are everywhere, and a node is known by its subnet."""
    if space == PUBLIC:
        return EVERYWHERE
    [block] = space
    return own if own is not None and block.subnet_of(own) else block


def _shared(found: list[Opening]) -> str:
    subnets = sorted({subnet for one in found for subnet in one.acl.subnets})
    return f"it holds for everything in {', '.join(subnets)}" if subnets else ""


def _intended(found: list[Opening]) -> str:
    denials = dict.fromkeys(f"rule {number} of {one.acl.id}" for one in found for number in one.overruled)
    return f"it goes before what may be an intentional denial: {', '.join(denials)}" if denials else ""
