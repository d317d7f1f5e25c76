"""What a VPC says of itself: subnets, routes and NAT gateways. One fact for each read.

A denied read takes away one fact, so only the checks that need it say *unknown*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from checks.aws.addresses import network
from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact
from checks.model import Unavailable

GRANTS = (
    Grant(
        (
            "ec2:DescribeNatGateways",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSubnets",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Subnet:
    """``blocked``: how VPC Block Public Access treats internet gateways here, as AWS calls it, or ""."""

    id: str
    block: IPv4Network | None
    blocked: str


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class Subnets:
    items: tuple[Subnet, ...]

    def get(self, id: str) -> Subnet:
        """:raises Unavailable: EC2 does not show it to us."""
        for one in self.items:
            if one.id == id:
                return one
        raise Unavailable(f"EC2 does not show the subnet {id}")


@fact()
async def subnets(vpc: VpcId, aws: Aws) -> Subnets:
    answer = await aws("ec2", "describe_subnets", region=vpc.region, Filters=vpc.filters)
    return Subnets(tuple(_subnet(one) for one in answer.get("Subnets", ())))


def _subnet(one: Mapping[str, Any]) -> Subnet:
    mode = one.get("BlockPublicAccessStates", {}).get("InternetGatewayBlockMode", "off")
    block = one.get("CidrBlock")  # none in a subnet of IPv6 only
    return Subnet(one["SubnetId"], network(block) if block else None, "" if mode == "off" else mode)


@dataclass(frozen=True, slots=True)
class Route:
    """``to`` is a CIDR block of IPv4, or the id of a prefix list. ``via`` is the target's id."""

    to: IPv4Network | str
    via: str
    active: bool

    def __str__(self) -> str:
        return f"{self.to} to {self.via}"


@dataclass(frozen=True, slots=True)
class RouteTable:
    """``six``: where the world is by IPv6; ``nat64``: where its IPv4 addresses are by IPv6; "": nowhere."""

    id: str
    owner: str
    main: bool
    subnets: tuple[str, ...]
    routes: tuple[Route, ...]
    six: str = ""
    nat64: str = ""


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class RouteTables:
    items: tuple[RouteTable, ...]

    def of(self, subnet: str) -> RouteTable:
        """The table that is associated with the subnet, or else the VPC's main one.

        :raises Unavailable: EC2 shows us neither.
        """
        for one in self.items:
            if subnet in one.subnets:
                return one
        for one in self.items:
            if one.main:
                return one
        raise Unavailable(f"EC2 does not show the route table of {subnet}")


@fact()
async def route_tables(vpc: VpcId, aws: Aws) -> RouteTables:
    answer = await aws("ec2", "describe_route_tables", region=vpc.region, Filters=vpc.filters)
    return RouteTables(tuple(_table(one) for one in answer.get("RouteTables", ())))


def _table(one: Mapping[str, Any]) -> RouteTable:
    associations = one.get("Associations", ())
    return RouteTable(
        id=one["RouteTableId"],
        owner=one.get("OwnerId", ""),
        main=any(each.get("Main") for each in associations),
        subnets=tuple(sorted(each["SubnetId"] for each in associations if each.get("SubnetId"))),
        routes=tuple(_route(each) for each in one.get("Routes", ()) if _goes_by_ipv4(each)),
        six=_by_ipv6(one.get("Routes", ()), _WORLD),
        nat64=_by_ipv6(one.get("Routes", ()), _NAT64, "nat-"),
    )


_WORLD = IPv6Network("2000::/3")  # all public addresses of IPv6
_NAT64 = IPv6Network("64:ff9b::/96")  # docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html


def _by_ipv6(routes: Iterable[Mapping[str, Any]], to: IPv6Network, kind: str = "") -> str:
    """The id of what leads to all of it and begins with ``kind``, or ""."""
    for one in routes:
        block = one.get("DestinationIpv6CidrBlock")
        covers = block and to.subnet_of(IPv6Network(block, strict=False)) and _is_active(one)
        if covers and _target(one).startswith(kind):
            return _target(one)
    return ""


_TARGETS = (
    "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "LocalGatewayId", "CarrierGatewayId",
    "EgressOnlyInternetGatewayId", "CoreNetworkArn", "NetworkInterfaceId", "InstanceId", "GatewayId",
)  # fmt: skip


def _goes_by_ipv4(route: Mapping[str, Any]) -> bool:
    return bool(route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId"))


def _route(one: Mapping[str, Any]) -> Route:
    block = one.get("DestinationCidrBlock")
    return Route(
        to=network(block) if block else one["DestinationPrefixListId"],
        via=_target(one),
        active=_is_active(one),
    )


def _target(route: Mapping[str, Any]) -> str:
    return next((str(route[name]) for name in _TARGETS if route.get(name)), "an unknown target")


def _is_active(route: Mapping[str, Any]) -> bool:
    return str(route.get("State", "active")).lower() == "active"


@dataclass(frozen=True, slots=True)
class NatGateway:
    """``subnet`` is empty for a regional gateway, which is in none. ``failure`` is in AWS's words, or ""."""

    id: str
    state: str
    public: bool
    subnet: str
    failure: str


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class NatGateways:
    items: tuple[NatGateway, ...]

    def get(self, id: str) -> NatGateway:
        """:raises Unavailable: EC2 does not show it to us."""
        for one in self.items:
            if one.id == id:
                return one
        raise Unavailable(f"EC2 does not show the NAT gateway {id} (another account's, or deleted long ago)")


@fact()
async def nat_gateways(vpc: VpcId, aws: Aws) -> NatGateways:
    # Here the parameter is called Filter, unlike everywhere else.
    answer = await aws("ec2", "describe_nat_gateways", region=vpc.region, Filter=vpc.filters)
    return NatGateways(
        tuple(
            NatGateway(
                id=one["NatGatewayId"],
                state=one.get("State", "").lower(),
                public=one.get("ConnectivityType", "public") == "public",
                subnet=one.get("SubnetId", ""),
                failure=": ".join(one[name] for name in ("FailureCode", "FailureMessage") if one.get(name)),
            )
            for one in answer.get("NatGateways", ())
        )
    )
