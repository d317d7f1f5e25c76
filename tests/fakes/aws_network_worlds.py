"""Worlds in which a pull does not get out, or not in."""

from __future__ import annotations

from tests.fakes.aws_account import Account, policy
from tests.fakes.aws_network import (
    account,
    endpoint_network,
    endpoint_of,
    nat_network,
    of,
    routes_of,
    without_endpoint,
)
from tests.fakes.aws_world import (
    BUCKET,
    NO_LAYERS,
    SELF_MANAGED,
    SILENCE,
    TIMEOUT,
    World,
    on_eks,
)


def shut_endpoint(message: str = TIMEOUT) -> World:
    """No way but endpoints, whose security group lets nobody in."""
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = []
    return on_eks(account(network), message, kind="nodegroup/default")


def shut_endpoint_unnamed() -> World:
    """The message does not tell which address was dialled."""
    return shut_endpoint(SILENCE)


def shut_node() -> World:
    """Nothing gets out of the node."""
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def shut_subnet() -> World:
    """The network ACL of the endpoints' subnet denies everything."""
    network = endpoint_network()
    of(network, "describe_network_acls", "acl-e")["Entries"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def missing_endpoint() -> World:
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def hardly_any_endpoint() -> World:
    """One is there that nobody is let into, another is missing, nothing leads to the third; DNS is off."""
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = []
    del routes_of(network, "rtb-a")[1:]
    endpoint_of(network, "vpce-s3")["RouteTableIds"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def unrouted_layers() -> World:
    """The route table does not lead to the endpoint for S3."""
    network = endpoint_network()
    del routes_of(network, "rtb-a")[1:]
    endpoint_of(network, "vpce-s3")["RouteTableIds"] = []
    return on_eks(account(network), NO_LAYERS, kind="nodegroup/default")


def own_buckets_only() -> World:
    """The endpoint for S3 lets nobody at ECR's layers."""
    network = endpoint_network()
    own = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/*"}
    endpoint_of(network, "vpce-s3")["PolicyDocument"] = policy(own)
    said = f"failed to copy: httpReadSeeker: failed open: unexpected status https://{BUCKET}/x: 403 Forbidden"
    return on_eks(account(network), said, kind="nodegroup/default")


def no_vpc_dns() -> World:
    network = endpoint_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def no_names_at_all() -> World:
    world = no_vpc_dns()
    assert isinstance(world.aws, Account)
    for id in ("vpce-api", "vpce-dkr"):
        endpoint_of(world.aws.answers, id)["PrivateDnsEnabled"] = False
    return world


def no_private_dns() -> World:
    """An endpoint that nobody finds by its name."""
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = False
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def broken_nat_gateway() -> World:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    return on_eks(account(network), TIMEOUT.replace("10.0.9.9", "34.210.1.1"), host=SELF_MANAGED)
