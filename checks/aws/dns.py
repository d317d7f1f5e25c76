"""How a VPC resolves names. What could not be read is a value here: most paths are known without it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact
from checks.model import NotFound, Unavailable

GRANTS = (
    Grant(
        (
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            "route53:ListHostedZonesByVPC",
        )
    ),
)

AMAZON_DNS = "AmazonProvidedDNS"
_NO_SET = "default"  # EC2's word for a VPC without a set of DHCP options


@dataclass(frozen=True, slots=True)
class DnsAttributes:
    """The VPC's ``enableDnsSupport`` and ``enableDnsHostnames``; endpoints' private names need both.

    ``unread`` says why they could not be read; most of the paths are known nevertheless.
    """

    support: bool = True
    hostnames: bool = True
    unread: str = ""


@fact()
async def dns_attributes(vpc: VpcId, aws: Aws) -> DnsAttributes:
    async def enabled(attribute: str, key: str) -> bool:
        answer = await aws(
            "ec2", "describe_vpc_attribute", region=vpc.region, VpcId=vpc.id, Attribute=attribute
        )
        return bool(answer[key]["Value"])

    try:
        # Two calls: EC2 tells one attribute at a time.
        support, hostnames = await asyncio.gather(
            enabled("enableDnsSupport", "EnableDnsSupport"),
            enabled("enableDnsHostnames", "EnableDnsHostnames"),
        )
    except NotFound:
        return DnsAttributes(unread=f"EC2 does not show the VPC {vpc.id}")
    except Unavailable as why:
        return DnsAttributes(unread=str(why))
    return DnsAttributes(support, hostnames)


@dataclass(frozen=True, slots=True)
class DnsServers:
    """The servers that DHCP hands out. ``unread`` says why they are not known.

    Without a set of DHCP options nobody chose servers of his own, so whoever resolves names asks Amazon's;
    but ``handed_out`` is false, and a machine may not know of them.
    """

    servers: tuple[str, ...] = ()
    unread: str = ""
    handed_out: bool = True

    @property
    def amazon(self) -> bool:
        """Whether it is the VPC's own resolver, the only one that is sure to know the endpoints' names."""
        return self.servers == (AMAZON_DNS,)


@fact()
async def dns_servers(vpc: VpcId, aws: Aws) -> DnsServers:
    try:
        answer = await aws("ec2", "describe_vpcs", region=vpc.region, VpcIds=[vpc.id])
        options = answer["Vpcs"][0].get("DhcpOptionsId") or _NO_SET
        if options == _NO_SET:
            return DnsServers((AMAZON_DNS,), handed_out=False)
        answer = await aws("ec2", "describe_dhcp_options", region=vpc.region, DhcpOptionsIds=[options])
        configurations = answer["DhcpOptions"][0].get("DhcpConfigurations", ())
    except (NotFound, LookupError):
        return DnsServers(unread=f"EC2 does not show the DHCP options of {vpc.id}")
    except Unavailable as why:
        return DnsServers(unread=str(why))
    found = [
        value["Value"]
        for one in configurations
        if one.get("Key") == "domain-name-servers"
        for value in one.get("Values", ())
    ]
    return DnsServers(tuple(found), "" if found else f"{options} names no DNS server")


@dataclass(frozen=True, slots=True)
class HostedZones:
    """The private hosted zones that the VPC sees: they beat what the world says of a name."""

    names: tuple[str, ...] = ()
    unread: str = ""

    def zone_of(self, host: str) -> str:
        """The zone that answers for ``host``, or ""."""
        return next((one for one in self.names if host == one or host.endswith(f".{one}")), "")


@fact()
async def hosted_zones(vpc: VpcId, aws: Aws) -> HostedZones:
    try:
        answer = await aws(
            "route53", "list_hosted_zones_by_vpc", region=vpc.region, VPCId=vpc.id, VPCRegion=vpc.region
        )
    except (NotFound, Unavailable) as why:
        return HostedZones(unread=str(why))
    return HostedZones(tuple(sorted(one["Name"].rstrip(".") for one in answer["HostedZoneSummaries"])))
