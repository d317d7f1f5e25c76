"""Do the interface's security groups let HTTPS out, or the registry's own port, to wherever each errand goes?

The public addresses of registries are no fixed list, so only an opening to everywhere is sure; a narrower one
may or may not be enough. A gateway endpoint has a prefix list of its own, and an interface endpoint can be
named by its security group. The VPC's own resolver is reached whatever the groups say; DNS servers of one's
own are not (docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Network

from checks.aws.addresses import EVERYWHERE, PUBLIC, Lets, Space
from checks.aws.clue import LOST
from checks.aws.destinations import HTTPS, Errand
from checks.aws.dns import AMAZON_DNS, DnsServers
from checks.aws.paths import Path, Paths
from checks.aws.routing import DEAD, Way
from checks.aws.security_groups import Openings, SecurityGroups
from checks.aws.subnet_routes_out import errands
from checks.aws.vpc import Subnets
from checks.graph import check
from checks.model import Leg, Place, Symptom, Verdict, failed, passed, unknown


@check(
    "The security group lets HTTPS out",
    leg=Leg.CONNECTION,
    place=Place.INTERFACE,
    explains=LOST | {Symptom.DNS_FAILURE},
    page="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
)
def security_group_lets_out(
    paths: Paths, groups: SecurityGroups, subnets: Subnets, servers: DnsServers
) -> Verdict:
    ids = paths.interface.security_groups
    if paths.interface.unread:
        return unknown(paths.interface.unread, *paths.evidence())
    seen = groups.of(ids)
    out, dns = Openings(), Openings()
    port = paths.destination.port
    for one in seen:
        out, dns = out | one.out_to(port), dns | one.dns_out
    found = {path: _reaches(out, path, paths, subnets) for path in paths.items}
    evidence = (
        *paths.evidence(),
        ("Security groups", ", ".join(ids)),
        (f"Open on TCP {port} to", _told(out)),
    )
    shut = [path for path, lets in found.items() if lets is Lets.NONE]
    unseen = sorted(set(ids) - {one.id for one in seen})
    if unseen and any(lets is not Lets.ALL for lets in found.values()):
        return unknown(f"EC2 does not show {', '.join(unseen)} in this VPC; it may open more", *evidence)
    if shut:
        return failed(
            f"{', '.join(ids)} {_lets(ids)} no {_what(port)} out to {_whither(shut, paths)}: "
            f"{errands(shut)} cannot be reached",
            *evidence,
            about=", ".join(ids),
            explains=paths.explain(shut),
        )
    if _no_server_is_reached(dns, servers) and not unseen:
        return failed(
            f"{', '.join(ids)} {_lets(ids)} no DNS out to {', '.join(servers.servers)}: no name is resolved",
            *evidence,
            about=", ".join(ids),
            explains=paths.clue.nameless_explains(),
        )
    partly = [path for path, lets in found.items() if lets is Lets.SOME]
    if partly:
        return unknown(
            f"{', '.join(ids)} {_lets(ids)} {_what(port)} out to {_told(out)} only; whether that is enough "
            f"for {errands(partly)} is not known",
            *evidence,
        )
    return passed(f"{', '.join(ids)} {_lets(ids)} {_what(port)} out", *evidence)


def _reaches(out: Openings, path: Path, paths: Paths, subnets: Subnets) -> Lets:
    space: Space = PUBLIC
    names: tuple[str, ...] = ()
    lists = set(out.prefix_lists)
    layers = next((one for one in paths.items if one.errand is Errand.LAYERS), None)
    if layers is not None and layers.way is Way.GATEWAY and layers.route is not None:
        if path is layers and layers.route.to in lists:
            return Lets.ALL
        lists.discard(str(layers.route.to))  # S3 alone is in it
    if path.way is Way.ENDPOINT and path.endpoint is not None:
        blocks = (subnets.get(one).block for one in path.endpoint.subnets)
        space, names = tuple(one for one in blocks if one is not None), path.endpoint.security_groups
    elif path.way in (Way.ELSEWHERE, Way.UNCERTAIN, *DEAD):
        space = (EVERYWHERE,)
    reach = _exactly(out, path, paths, out.reach(space, names), space)
    hidden = lists or (space == (EVERYWHERE,) and out.groups) or (path.six and out.six)
    if reach is Lets.NONE and hidden:
        reach = Lets.SOME  # nobody says here what is in a prefix list, behind a group, or there by IPv6
    # Where nothing gets through anyway it is not known what would have to be open.
    return Lets.ALL if path.way in DEAD and reach is Lets.SOME else reach


def _exactly(out: Openings, path: Path, paths: Paths, reach: Lets, space: Space) -> Lets:
    """An address that was dialled may settle that it is shut; open it is only to all of them."""
    dialled = paths.clue.dialled(path.errand)
    if reach is not Lets.SOME or not dialled or ":" in dialled:
        return reach
    address = IPv4Network(dialled)
    if not any(address.subnet_of(one) for one in space):
        return reach
    return Lets.NONE if out.reach((address,)) is Lets.NONE else reach


def _no_server_is_reached(dns: Openings, servers: DnsServers) -> bool:
    """Of DNS servers of one's own, which the VPC's resolver is none of."""
    if servers.unread or AMAZON_DNS in servers.servers or dns.groups or dns.prefix_lists:
        return False
    try:
        addresses = [IPv4Network(one) for one in servers.servers]
    except AddressValueError:
        return False
    return all(dns.reach((one,)) is Lets.NONE for one in addresses)


def _what(port: int) -> str:
    return "HTTPS" if port == HTTPS else f"TCP {port}"


def _lets(ids: tuple[str, ...]) -> str:
    return "let" if len(ids) > 1 else "lets"


def _told(out: Openings) -> str:
    return ", ".join([*(str(one) for one in out.blocks), *out.groups, *out.prefix_lists]) or "nobody"


def _whither(shut: Iterable[Path], paths: Paths) -> str:
    return ", ".join(dict.fromkeys(_end(one, paths) for one in shut))


def _end(path: Path, paths: Paths) -> str:
    if path.inside:
        return paths.clue.dialled(path.errand)
    return path.via if path.way in (Way.ENDPOINT, Way.GATEWAY) else "public addresses"
