"""What an account may hold besides the usual: IPv6, registries of AWS itself, names with loose ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.model import Status
from tests.fakes.aws_account import ACCOUNT
from tests.fakes.aws_door import Door
from tests.fakes.aws_network import Network, account, entry, nat_network, of, routes_of, rule
from tests.fakes.aws_world import HOST, REGION, SILENCE, UNAUTHORIZED, Seen, on_eks

ADD_ON = f"602401143452.dkr.ecr.{REGION}.amazonaws.com/eks/coredns:v1.11.1"
DUAL_STACK = f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws"
OUT_BY_IPV6 = {
    "DestinationIpv6CidrBlock": "::/0",
    "EgressOnlyInternetGatewayId": "eigw-1",
    "State": "active",
}
BY_NAT64 = {"DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1", "State": "active"}


async def seen(network: Network, message: str, **more: Any) -> Seen:
    world = on_eks(account(network), message, kind="nodegroup/default", **more)
    return await world.look(Door(world.aws))


def causes(found: Seen) -> set[str]:
    return {check for check, one in found.findings.items() if one.is_cause}


def failing(found: Seen) -> set[str]:
    return {check for check, one in found.findings.items() if one.verdict.status is Status.FAIL}


async def test_a_registry_of_aws_itself_asks_for_credentials_too() -> None:
    network = nat_network()
    [instance] = network["describe_instances"]["Reservations"][0]["Instances"]
    del instance["IamInstanceProfile"]
    assert causes(await seen(network, UNAUTHORIZED, image=ADD_ON)) == {"aws/instance_has_role"}


def only(*routes: Mapping[str, Any]) -> Network:
    """Its subnet's routes lead nowhere by IPv4."""
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = [dict(one) for one in routes]
    return network


async def test_a_dual_stack_name_may_be_reached_by_ipv6() -> None:
    message = SILENCE.replace(HOST, DUAL_STACK)
    found = await seen(only(OUT_BY_IPV6), message, image=f"{DUAL_STACK}/app:1.2.1")
    assert not failing(found)
    assert found.findings["aws/subnet_routes_out"].verdict.status is Status.UNKNOWN
    assert "eigw-1" in found.findings["aws/subnet_routes_out"].verdict.summary


async def test_filters_of_ipv4_are_not_blamed_for_what_goes_by_ipv6() -> None:
    network = only(OUT_BY_IPV6)
    by_ipv6 = {**rule(protocol="-1"), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [by_ipv6]
    of(network, "describe_network_acls", "acl-a")["Entries"] = [
        entry(32767, egress=egress, protocol="-1", action="deny") for egress in (True, False)
    ]
    message = SILENCE.replace(HOST, DUAL_STACK)
    assert not failing(await seen(network, message, image=f"{DUAL_STACK}/app:1.2.1"))


async def test_the_usual_name_has_no_address_of_ipv6() -> None:
    assert causes(await seen(only(OUT_BY_IPV6), SILENCE)) == {"aws/subnet_routes_out"}


async def test_behind_nat64_addresses_of_ipv4_are_reached_by_ipv6() -> None:
    found = await seen(only(OUT_BY_IPV6, BY_NAT64), SILENCE)
    assert not failing(found)
    assert "DNS64" in found.findings["aws/subnet_routes_out"].verdict.summary


@pytest.mark.parametrize("gone", [OUT_BY_IPV6, BY_NAT64])
async def test_a_dead_route_of_ipv6_leads_nowhere_either(gone: Mapping[str, Any]) -> None:
    found = await seen(only({**gone, "State": "blackhole"}), SILENCE)
    assert causes(found) == {"aws/subnet_routes_out"}


async def test_blocks_with_bits_behind_their_prefix_are_read_as_aws_means_them() -> None:
    network = nat_network()
    of(network, "describe_subnets", "subnet-a")["CidrBlock"] = "10.0.1.7/24"
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = [rule("10.0.1.7/16")]
    of(network, "describe_network_acls", "acl-a")["Entries"].append(entry(200, block="10.0.1.7/8"))
    found = await seen(network, SILENCE)
    assert not failing(found)
    assert found.findings["aws/network_acl_lets_through"].verdict.status is Status.PASS
