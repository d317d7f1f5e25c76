"""Two healthy networks as EC2 describes them: one with a NAT gateway, and one with endpoints only.

The node ``i-0abc`` (10.0.1.7) is in ``subnet-a``; the NAT gateway in the public ``subnet-p``; endpoints in
``subnet-e``. Each subnet has an ACL of its own. A test takes one and breaks one thing in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from checks.host import Host
from checks.model import FailedPull, Symptom
from tests.fakes.aws_account import ACCOUNT, Account, healthy

Network = dict[Any, Any]  # by operation, or (operation, name)
ALL = "0.0.0.0/0"
READS = (
    "describe_dhcp_options",
    "describe_nat_gateways",
    "describe_network_acls",
    "describe_route_tables",
    "describe_security_groups",
    "describe_subnets",
    "describe_vpc_attribute",
    "describe_vpc_endpoints",
    "describe_vpcs",
    "list_hosted_zones_by_vpc",
)
NODE = Host("ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())


class NoCluster:
    """The port ``Kube`` of a cluster that is not asked anything: the node is given."""

    async def get(self, path: str, **query: str) -> Any:
        raise AssertionError(path)


def failed_pull(
    message: str = "",
    symptom: Symptom = Symptom.CONNECT_TIMEOUT,
    image: str = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/app:1.2.1",
) -> FailedPull:
    """On the node."""
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=(NODE.name,),
        host_kind="nodegroup/default",
        image=image,
        symptom=symptom,
        message=message,
    )


def nat_network() -> Network:
    """A private subnet whose default route leads to a NAT gateway in a public one; no endpoints."""
    return {
        "describe_instances": _instances(),
        "describe_subnets": {
            "Subnets": [
                {"SubnetId": f"subnet-{name}", "CidrBlock": f"10.0.{number}.0/24", "OwnerId": ACCOUNT}
                for name, number in (("p", 0), ("a", 1), ("e", 9))
            ]
        },
        "describe_route_tables": {
            "RouteTables": [
                _table("rtb-main", {"Main": True}),
                _table("rtb-a", {"SubnetId": "subnet-a"}, {"NatGatewayId": "nat-1"}),
                _table("rtb-p", {"SubnetId": "subnet-p"}, {"GatewayId": "igw-1"}),
            ]
        },
        "describe_network_acls": {"NetworkAcls": [_acl(name) for name in "pae"]},
        "describe_security_groups": {
            "SecurityGroups": [
                {"GroupId": "sg-1", "IpPermissionsEgress": [rule(ALL, protocol="-1")], "IpPermissions": []},
                {
                    "GroupId": "sg-ep",
                    "IpPermissionsEgress": [rule(ALL, protocol="-1")],
                    "IpPermissions": [rule("10.0.0.0/16")],
                },
            ]
        },
        "describe_vpc_endpoints": {"VpcEndpoints": []},
        "describe_nat_gateways": {
            "NatGateways": [
                {
                    "NatGatewayId": "nat-1",
                    "State": "available",
                    "ConnectivityType": "public",
                    "SubnetId": "subnet-p",
                }
            ]
        },
        "describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1", "DhcpOptionsId": "dopt-1"}]},
        "describe_dhcp_options": {"DhcpOptions": [dhcp_options("AmazonProvidedDNS")]},
        ("describe_vpc_attribute", "enableDnsSupport"): {"EnableDnsSupport": {"Value": True}},
        ("describe_vpc_attribute", "enableDnsHostnames"): {"EnableDnsHostnames": {"Value": True}},
        "list_hosted_zones_by_vpc": {"HostedZoneSummaries": []},
    }


def endpoint_network() -> Network:
    """No way to the internet; interface endpoints for ECR and a gateway endpoint for S3."""
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = [
        {"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-s3", "State": "active"}
    ]
    network["describe_nat_gateways"] = {"NatGateways": []}
    network["describe_vpc_endpoints"] = {
        "VpcEndpoints": [
            _interface_endpoint("vpce-api", "ecr.api"),
            _interface_endpoint("vpce-dkr", "ecr.dkr"),
            {
                "VpcEndpointId": "vpce-s3",
                "VpcEndpointType": "Gateway",
                "ServiceName": "com.amazonaws.us-west-2.s3",
                "State": "available",
                "RouteTableIds": ["rtb-a"],
                "PolicyDocument": json.dumps(OPEN_POLICY),
            },
        ]
    }
    return network


OPEN_POLICY = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


def account(network: Network) -> Account:
    """An account whose node is in ``network``, and may pull."""
    made = healthy()
    made.answers |= network
    return made


def of(network: Network, operation: str, id: str) -> dict[str, Any]:
    """The one of ``operation``'s answer that has the id, to be changed in place."""
    [items] = network[operation].values()
    found: dict[str, Any] = next(one for one in items if id in one.values())
    return found


def routes_of(network: Network, table: str) -> list[dict[str, Any]]:
    routes: list[dict[str, Any]] = of(network, "describe_route_tables", table)["Routes"]
    return routes


def endpoint_of(network: Network, id: str) -> dict[str, Any]:
    return of(network, "describe_vpc_endpoints", id)


def without_endpoint(network: Network, id: str) -> Network:
    items = network["describe_vpc_endpoints"]["VpcEndpoints"]
    items[:] = [one for one in items if one["VpcEndpointId"] != id]
    return network


def rule(
    *blocks: str,
    protocol: str = "tcp",
    ports: tuple[int, int] = (443, 443),
    groups: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A rule of a security group, as EC2 describes it."""
    found: dict[str, Any] = {
        "IpProtocol": protocol,
        "IpRanges": [{"CidrIp": one} for one in blocks],
        "UserIdGroupPairs": [{"GroupId": one, "UserId": ACCOUNT} for one in groups],
        "PrefixListIds": [{"PrefixListId": one} for one in lists],
    }
    if protocol != "-1":
        found |= {"FromPort": ports[0], "ToPort": ports[1]}
    return found


def entry(
    number: int,
    *,
    action: str = "allow",
    egress: bool = False,
    block: str = ALL,
    protocol: str = "6",
    ports: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """An entry of a network ACL, as EC2 describes it."""
    found = {
        "RuleNumber": number,
        "RuleAction": action,
        "Egress": egress,
        "Protocol": protocol,
        "CidrBlock": block,
    }
    if ports:
        found["PortRange"] = {"From": ports[0], "To": ports[1]}
    return found


def dhcp_options(*servers: str) -> dict[str, Any]:
    values = [{"Value": one} for one in servers]
    return {"DhcpConfigurations": [{"Key": "domain-name-servers", "Values": values}]}


def _instances() -> Mapping[str, Any]:
    """With a second interface for pods, listed first: it must not be taken for the node's own."""
    pods = {"Attachment": {"DeviceIndex": 1}, "SubnetId": "subnet-pods", "Groups": [{"GroupId": "sg-pods"}]}
    primary = {
        "Attachment": {"DeviceIndex": 0, "NetworkCardIndex": 0},
        "VpcId": "vpc-1",
        "SubnetId": "subnet-a",
        "Groups": [{"GroupId": "sg-1"}],
        "PrivateIpAddress": "10.0.1.7",
    }
    instance = {
        "VpcId": "vpc-1",
        "SubnetId": "subnet-a",
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node"},
        "NetworkInterfaces": [pods, primary],
    }
    return {"Reservations": [{"OwnerId": ACCOUNT, "Instances": [instance]}]}


def _table(
    id: str, association: Mapping[str, Any], default: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    routes: list[dict[str, Any]] = [
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    ]
    if default:
        routes.append({"DestinationCidrBlock": ALL, "State": "active", **default})
    return {"RouteTableId": id, "OwnerId": ACCOUNT, "Associations": [association], "Routes": routes}


def _acl(name: str) -> Mapping[str, Any]:
    both = [
        one
        for egress in (True, False)
        for one in (
            entry(100, egress=egress, protocol="-1"),
            entry(32767, egress=egress, protocol="-1", action="deny"),
        )
    ]
    return {
        "NetworkAclId": f"acl-{name}",
        "IsDefault": False,
        "Associations": [{"SubnetId": f"subnet-{name}"}],
        "Entries": both,
    }


def _interface_endpoint(id: str, service: str) -> Mapping[str, Any]:
    return {
        "VpcEndpointId": id,
        "VpcEndpointType": "Interface",
        "ServiceName": f"com.amazonaws.us-west-2.{service}",
        "State": "available",
        "PrivateDnsEnabled": True,
        "SubnetIds": ["subnet-e"],
        "Groups": [{"GroupId": "sg-ep"}],
        "PolicyDocument": json.dumps(OPEN_POLICY),
    }
