"""The borders of subnets that the packets of an errand cross, there and back.

Network ACLs are asked at each: at the subnet that pulls, and at that of the endpoint or the NAT gateway if it
is another one. The answer comes back to the port that the question came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from checks.aws.addresses import EVERYWHERE, PUBLIC, Space, is_private
from checks.aws.network_acls import Ports
from checks.aws.paths import Path, Paths
from checks.aws.routing import Way
from checks.aws.vpc import NatGateways, Subnets

_NAT_PORTS: Ports = (1024, 65535)  # docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html


@dataclass(frozen=True, slots=True)
class Crossing:
    """Packets that leave ``subnet`` (``egress``) or enter it, to one of ``ports``, from or to ``space``."""

    subnet: str
    egress: bool
    ports: Ports
    space: Space


def crossings(
    path: Path, paths: Paths, subnets: Subnets, gateways: NatGateways
) -> list[tuple[Crossing, ...]]:
    """What an errand crosses, for each of the ways that it may take; nothing where it gets nowhere by IPv4.

    :raises Unavailable: EC2 does not show a subnet or a NAT gateway on the way.
    """
    if path.six:
        return []
    match path.way:
        case Way.ENDPOINT:
            return list(_to_endpoint(path, paths, subnets))
        case Way.NAT:
            return [(*_own(path, paths, PUBLIC), *_at_nat(path, paths, subnets, gateways))]
        case Way.GATEWAY | Way.INTERNET:
            return [_own(path, paths, PUBLIC)]
        case Way.ELSEWHERE | Way.UNCERTAIN:
            return [] if _stays(path, paths, subnets) else [_own(path, paths, (EVERYWHERE,))]
        case _:
            return []


def _stays(path: Path, paths: Paths, subnets: Subnets) -> bool:
    """Whether the address that was dialled is in the very subnet: there no ACL applies."""
    dialled = paths.clue.dialled(path.errand)
    if not path.inside or ":" in dialled:
        return False
    block = subnets.get(paths.interface.subnet).block
    return block is not None and IPv4Network(dialled).subnet_of(block)


def _own(path: Path, paths: Paths, space: Space) -> tuple[Crossing, ...]:
    own = paths.interface.subnet
    return (
        Crossing(own, egress=True, ports=_to(path), space=space),
        Crossing(own, egress=False, ports=paths.interface.ports, space=space),
    )


def _to_endpoint(path: Path, paths: Paths, subnets: Subnets) -> Iterator[tuple[Crossing, ...]]:
    """The name gives the endpoint's addresses in all its subnets, in any order."""
    dialled = paths.clue.dialled(path.errand)
    known = IPv4Network(dialled) if dialled and ":" not in dialled and is_private(dialled) else None
    places = [subnets.get(one) for one in path.endpoint.subnets] if path.endpoint else []
    if known is not None:
        places = [one for one in places if one.block and known.subnet_of(one.block)] or places
    for one in places:
        if one.id == paths.interface.subnet or one.block is None:
            yield ()  # ACLs do not apply within a subnet
            continue
        client = _client(paths, subnets)
        yield (
            *_own(path, paths, (one.block,)),
            Crossing(one.id, egress=False, ports=_to(path), space=client),
            Crossing(one.id, egress=True, ports=paths.interface.ports, space=client),
        )


def _at_nat(path: Path, paths: Paths, subnets: Subnets, gateways: NatGateways) -> tuple[Crossing, ...]:
    subnet = gateways.get(path.via).subnet
    if subnet in ("", paths.interface.subnet):
        return ()
    client = _client(paths, subnets)
    return (
        Crossing(subnet, egress=False, ports=_to(path), space=client),
        Crossing(subnet, egress=True, ports=_to(path), space=PUBLIC),
        Crossing(subnet, egress=False, ports=_NAT_PORTS, space=PUBLIC),
        Crossing(subnet, egress=True, ports=paths.interface.ports, space=client),
    )


def _to(path: Path) -> Ports:
    return (path.port, path.port)


def _client(paths: Paths, subnets: Subnets) -> Space:
    if paths.interface.address is not None:
        return (IPv4Network(paths.interface.address),)
    block = subnets.get(paths.interface.subnet).block
    return (block,) if block else ()
