"""Where a subnet's route table sends what goes to a public address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network

from checks.aws.addresses import EVERYWHERE, PUBLIC, common, without
from checks.aws.vpc import Route, RouteTable


class Way(Enum):
    """How an errand leaves, or why it does not. ELSEWHERE: into a network that we do not see.

    UNCERTAIN: what we know allows more than one answer.
    """

    ENDPOINT = "interface endpoint"
    GATEWAY = "gateway endpoint"
    NAT = "NAT gateway"
    INTERNET = "internet gateway"
    ELSEWHERE = "another network"
    UNCERTAIN = "uncertain"
    NO_ADDRESS = "internet gateway, without a public address"
    BLACKHOLE = "blackhole"
    NOWHERE = "no route"


# Sure to lose every packet.
DEAD = (Way.NO_ADDRESS, Way.BLACKHOLE, Way.NOWHERE)


@dataclass(frozen=True, slots=True)
class Outward:
    way: Way
    route: Route | None = None
    why: str = ""


def outward(table: RouteTable, public_address: str, dialled: str = "") -> Outward:
    """The way to a public address: to ``dialled`` where that is known, else to any.

    Addresses of ECR and S3 are no fixed list, so without ``dialled`` the default route decides; routes for
    some public addresses only leave it open where the default route leads nowhere.
    """
    routes = sorted(
        (one for one in table.routes if isinstance(one.to, IPv4Network) and one.via != "local"),
        key=lambda one: one.to.prefixlen if isinstance(one.to, IPv4Network) else 0,
        reverse=True,
    )
    if dialled:
        wanted = IPv4Network(dialled)
        found = [one for one in routes if isinstance(one.to, IPv4Network) and wanted.subnet_of(one.to)]
        return _by(found[0], public_address) if found else Outward(Way.NOWHERE)
    used, left = _covering(routes)
    ways = [_by(one, public_address) for one in used]
    default = next((one for one in ways if one.route and one.route.to == EVERYWHERE), None)
    if default is None and not left and len({one.way for one in ways}) == 1:
        default = ways[-1]  # 0.0.0.0/1 and 128.0.0.0/1
    if default is not None and default.way not in DEAD:
        return default
    lists = [one for one in table.routes if isinstance(one.to, str) and not one.via.startswith("vpce-")]
    if any(one.way not in DEAD for one in ways) or lists:
        return Outward(Way.UNCERTAIN, why=f"{table.id} has routes for some public addresses only")
    return default or Outward(Way.NOWHERE)


def to_other_networks(table: RouteTable) -> tuple[Route, ...]:
    """Routes into networks where somebody else's endpoints, proxies or exits may be."""
    return tuple(
        one
        for one in table.routes
        if one.active and not one.via.startswith(("local", "igw-", "nat-", "vpce-", "eigw-"))
    )


def _covering(routes: Iterable[Route]) -> tuple[list[Route], bool]:
    """The routes that some public address takes, and whether there are addresses without any."""
    left, used = PUBLIC, []
    for one in routes:
        if isinstance(one.to, IPv4Network) and common(left, one.to):
            used.append(one)
            left = without(left, one.to)
    return used, bool(left)


def _by(route: Route, public_address: str) -> Outward:
    if not route.active:
        return Outward(Way.BLACKHOLE, route)
    if route.via.startswith("igw-"):
        return Outward(Way.INTERNET if public_address else Way.NO_ADDRESS, route)
    if route.via.startswith("nat-"):
        return Outward(Way.NAT, route)
    return Outward(Way.ELSEWHERE, route)
