"""A healthy VPC on moto: a public subnet with a NAT gateway, and a private one whose nodes go through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Vpc:
    """Ids of what was made. ``table`` is the route table of the private subnet."""

    id: str
    private_subnet: str
    table: str


def make_vpc(ec2: Any, zone: str) -> Vpc:
    """:param ec2: a boto3 client; :param zone: the availability zone of both subnets"""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    _turn_dns_on(ec2, vpc)
    public = _subnet(ec2, vpc, "10.0.0.0/24", zone)
    private = _subnet(ec2, vpc, "10.0.1.0/24", zone)
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    _lead(ec2, vpc, public, GatewayId=internet)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    table = _lead(ec2, vpc, private, NatGatewayId=nat)
    return Vpc(vpc, private, table)


def _turn_dns_on(ec2: Any, vpc: str) -> None:
    """EC2 takes one attribute at a time; a VPC made through the API has no host names at first."""
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    servers = [{"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}]
    options = ec2.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)


def _subnet(ec2: Any, vpc: str, block: str, zone: str) -> str:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)
    return str(made["Subnet"]["SubnetId"])


def _lead(ec2: Any, vpc: str, subnet: str, **target: str) -> str:
    """Give the subnet a route table whose default route leads to ``target``."""
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, **target)
    return str(table)
