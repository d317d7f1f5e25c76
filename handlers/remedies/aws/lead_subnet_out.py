"""A route out of a subnet costs money, and it is a way out for everything that is in there."""

from __future__ import annotations

from ipaddress import IPv4Network

from checks.aws.addresses import EVERYWHERE
from checks.aws.connection import Connection
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import subnet_routes_out
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Lead the subnet out", cures=subnet_routes_out)
def lead_subnet_out(connection: Connection) -> ByHand:
    paths, region = connection.paths, connection.interface.region
    if paths.by(Way.NO_ADDRESS):
        return _to_an_address(connection)
    broken = [one.route.to for one in paths.by(Way.BLACKHOLE) if one.route is not None]
    to = next((one for one in broken if isinstance(one, IPv4Network)), EVERYWHERE)
    where = ("--route-table-id", paths.table, "--destination-cidr-block", str(to))
    verb = "replace-route" if broken else "create-route"
    return ByHand(
        f"A person who may change {paths.table} decides whether it may lead out, and through which gateway",
        (aws("ec2", verb, region, *where, "--nat-gateway-id", "NAT_GATEWAY_ID"),),
        "the route is for every subnet of that table, and a NAT gateway is billed by hour and byte",
    )


def _to_an_address(now: Connection) -> ByHand:
    """A subnet's switch is only for instances that are started later; a running one takes an Elastic IP."""
    region, subnet = now.interface.region, now.interface.subnet
    interface = ("--network-interface-id", "ENI_ID", "--allocation-id", "EIP_ALLOCATION_ID")
    return ByHand(
        f"A person decides whether {now.interface.how} gets a public address (the first two commands; the "
        f"third is for what is started in {subnet} later), or moves to a subnet that leads to a NAT gateway",
        (
            aws("ec2", "allocate-address", region, "--domain", "vpc"),
            aws("ec2", "associate-address", region, *interface),
            aws("ec2", "modify-subnet-attribute", region, "--subnet-id", subnet, "--map-public-ip-on-launch"),
        ),
        "with a public address it can be reached from the internet where a security group lets somebody in",
    )
