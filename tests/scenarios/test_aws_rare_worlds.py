"""What an account may hold besides the usual: IPv6, registries of AWS itself, names with loose ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from checks.model import Status
from tests.fakes.aws_account import ACCOUNT, policy
from tests.fakes.aws_door import DENIED, Door
from tests.fakes.aws_network import (
    Network,
    account,
    endpoint_network,
    entry,
    nat_network,
    of,
    routes_of,
    rule,
)
from tests.fakes.aws_world import FORBIDDEN, HOST, REGION, SILENCE, UNAUTHORIZED, Seen, on_eks
from tests.fakes.ecs_shop import NO_TOKEN
from tests.fakes.ecs_shop import TIMEOUT as NO_ADDRESS
from tests.fakes.ecs_worlds import ecs_account, ecs_either_role, on_ecs, stop

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


async def test_without_its_metadata_service_an_instance_has_a_role_for_nothing() -> None:
    network = nat_network()
    [instance] = network["describe_instances"]["Reservations"][0]["Instances"]
    instance["MetadataOptions"] = {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    }
    assert not causes(await seen(network, UNAUTHORIZED))
    instance["MetadataOptions"]["HttpEndpoint"] = "disabled"
    assert causes(await seen(network, UNAUTHORIZED)) == {"aws/instance_has_role"}


async def test_where_either_of_two_roles_pulls_both_are_let() -> None:
    world = await ecs_either_role()
    found = await world.look(Door(world.aws))
    assert causes(found) == {"aws/role_can_pull"}
    [offer] = [one for one in found.offers if one.plan is not None]
    assert offer.plan is not None
    commands = [command for step in offer.plan.steps for command in step.commands()]
    assert ["--role-name web-execution" in commands[0], "--role-name eks-node" in commands[1]] == [True, True]
    assert "both" in offer.plan.caution
    assert offer.plan.reversible


async def test_a_public_address_alone_may_not_be_enough() -> None:
    aws = ecs_account()
    of(aws.account.answers, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    stop(aws, NO_ADDRESS)
    world = await on_ecs(aws)
    offers = {one.remedy: one for one in (await world.look(Door(world.aws))).offers}
    plan = offers["aws/assign_public_ip"].plan
    assert plan is not None
    assert "not enough by itself: sg-1 lets no HTTPS out" in plan.caution
    assert offers["aws/open_security_group"].refused.startswith("first it needs a public address")


async def test_a_public_address_that_would_be_blocked_is_not_given() -> None:
    aws = ecs_account()
    of(aws.account.answers, "describe_subnets", "subnet-p")["BlockPublicAccessStates"] = {
        "InternetGatewayBlockMode": "block-bidirectional"
    }
    stop(aws, NO_ADDRESS)
    world = await on_ecs(aws)
    [offer] = [
        one for one in (await world.look(Door(world.aws))).offers if one.remedy == "aws/assign_public_ip"
    ]
    assert offer.plan is None
    assert "Block Public Access" in offer.refused


async def test_a_private_nat_gateway_before_a_public_one_is_not_accused() -> None:
    network = nat_network()
    [public] = network["describe_nat_gateways"]["NatGateways"]
    private = {**public, "NatGatewayId": "nat-2", "ConnectivityType": "private", "SubnetId": "subnet-e"}
    network["describe_nat_gateways"]["NatGateways"].append(private)
    routes_of(network, "rtb-a")[1]["NatGatewayId"] = "nat-2"
    routes_of(network, "rtb-main").append({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"})
    found = await seen(network, SILENCE)
    assert found.findings["aws/nat_gateway_works"].verdict.status is Status.UNKNOWN
    private["State"] = "failed"
    assert causes(await seen(network, SILENCE)) == {"aws/nat_gateway_works"}


NO_STS = (
    "operation error STS: AssumeRoleWithWebIdentity, request send failed, "
    'Post "https://sts.us-west-2.amazonaws.com/": dial tcp 52.94.1.1:443: i/o timeout'
)


async def test_a_pull_as_a_service_accounts_role_asks_sts_first() -> None:
    found = await seen(endpoint_network(), NO_STS)
    assert causes(found) == {"aws/endpoints_are_complete"}
    verdict = found.findings["aws/endpoints_are_complete"].verdict
    assert dict(verdict.evidence)["Missing"] == "sts"
    [offer] = [one for one in found.offers if one.remedy == "aws/create_endpoints"]
    assert offer.plan is not None
    assert "com.amazonaws.us-west-2.sts" in offer.plan.steps[0].commands()[0]
    assert not causes(await seen(nat_network(), NO_STS))


async def test_nobody_else_asks_sts() -> None:
    found = await seen(endpoint_network(), SILENCE)
    assert not failing(found)
    assert not [one for each in found.findings.values() for one in each.verdict.evidence if "(sts)" in one[0]]


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


def only_from(key: str, value: str) -> Mapping[str, Any]:
    """The policy of a repository whose owner wants its pulls to come one way."""
    condition = {"StringNotEquals": {key: value}}
    deny = {"Sid": "OneWay", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": condition}
    return {"policyText": policy(deny)}


@pytest.mark.parametrize(
    ("network", "key", "value", "stops"),
    [
        (endpoint_network, "aws:SourceVpce", "vpce-dkr", False),
        (endpoint_network, "aws:SourceVpce", "vpce-other", True),
        (endpoint_network, "aws:sourceVpc", "vpc-1", False),
        (endpoint_network, "aws:SourceVpc", "vpc-other", True),
        (nat_network, "aws:SourceVpce", "vpce-dkr", True),
        (nat_network, "aws:SourceVpc", "vpc-1", True),
    ],
)
async def test_a_repository_may_ask_from_which_network_it_is_pulled(
    network: Callable[[], Network], key: str, value: str, stops: bool
) -> None:
    found = await seen({**network(), "get_repository_policy": only_from(key, value)}, FORBIDDEN)
    assert causes(found) == ({"aws/repository_policy_allows_pull"} if stops else set())
    status = found.findings["aws/repository_policy_allows_pull"].verdict.status
    assert status is (Status.FAIL if stops else Status.PASS)


async def test_where_the_way_is_not_seen_nobody_is_accused() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"}
    network["get_repository_policy"] = only_from("aws:SourceVpce", "vpce-dkr")
    found = await seen(network, FORBIDDEN)
    assert found.findings["aws/repository_policy_allows_pull"].verdict.status is Status.UNKNOWN


async def test_an_unread_network_matters_to_nobody_but_who_asks_for_it() -> None:
    world = on_eks(account(nat_network()), FORBIDDEN, kind="nodegroup/default")
    blind = Door(world.aws, {"ec2:DescribeRouteTables": DENIED("ec2:DescribeRouteTables")})
    found = await world.look(blind)
    assert found.findings["aws/repository_policy_allows_pull"].verdict.status is Status.PASS
    assert found.findings["aws/role_can_pull"].verdict.status is Status.PASS


async def test_a_task_on_fargate_is_not_known_to_come_from_its_vpc_when_it_asks_for_a_token() -> None:
    aws = ecs_account()
    aws.account.answers |= endpoint_network()
    for one in aws.account.answers["describe_subnets"]["Subnets"]:
        one["VpcId"] = "vpc-1"
    aws.ecs.services["web"]["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = ["subnet-a"]
    from_here = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    own = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*", "Condition": from_here}
    aws.account.answers["list_attached_role_policies"] = {"AttachedPolicies": [{"PolicyArn": "arn:own"}]}
    aws.account.answers["get_policy_version"] = {"PolicyVersion": {"Document": json.loads(policy(own))}}
    stop(aws, NO_TOKEN, subnet="subnet-a")
    world = await on_ecs(aws)
    found = await world.look(Door(world.aws))
    assert causes(found) == {"aws/role_can_pull"}
    evidence = dict(found.findings["aws/role_can_pull"].verdict.evidence)
    assert evidence["Missing actions"] == "ecr:GetAuthorizationToken"
    assert "Fargate" in evidence["Comes from"]
