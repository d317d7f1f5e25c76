"""A security group is opened to where the pull goes, and to nobody else; what would be in vain is refused."""

from __future__ import annotations

import pytest

from handlers.remedies.aws.security_group_steps import AllowHttpsIn, AllowHttpsOut, HttpsRule
from handlers.remedy import Risk
from tests.fakes.aws_network import (
    ALL,
    Network,
    endpoint_network,
    endpoint_of,
    entry,
    nat_network,
    of,
    routes_of,
    rule,
    without_endpoint,
)
from tests.fakes.remedied import offers, only_plan, refusal

OUT = "aws/open_security_group"
IN = "aws/open_endpoint_security_group"


def out_of(network: Network, *rules: object, group: str = "sg-1") -> Network:
    of(network, "describe_security_groups", group)["IpPermissionsEgress"] = list(rules)
    return network


def into(network: Network, *rules: object, group: str = "sg-ep") -> Network:
    of(network, "describe_security_groups", group)["IpPermissions"] = list(rules)
    return network


def out_to(partner: str, group: str = "sg-1") -> AllowHttpsOut:
    return AllowHttpsOut(HttpsRule("us-west-2", group, egress=True, partner=partner))


def in_from(partner: str, group: str = "sg-ep") -> AllowHttpsIn:
    return AllowHttpsIn(HttpsRule("us-west-2", group, egress=False, partner=partner))


async def test_what_goes_to_public_addresses_needs_everywhere() -> None:
    plan = await only_plan(OUT, out_of(nat_network()))
    assert plan.steps == (out_to(ALL),)
    assert plan.reversible
    assert "everything that is in sg-1" in plan.caution
    assert plan.steps[0].commands() == (
        "aws ec2 authorize-security-group-egress --region us-west-2 --group-id sg-1 "
        "--ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'",
    )


async def test_endpoints_are_named_by_their_group_and_s3_by_its_prefix_list() -> None:
    plan = await only_plan(OUT, out_of(endpoint_network()))
    assert plan.steps == (out_to("sg-ep"), out_to("pl-s3"))


@pytest.mark.parametrize(
    ("open_already", "missing"),
    [(rule(groups=("sg-ep",)), "pl-s3"), (rule(lists=("pl-s3",)), "sg-ep")],
    ids=["layers", "ecr"],
)
async def test_only_what_is_shut_is_opened(open_already: object, missing: str) -> None:
    plan = await only_plan(OUT, out_of(endpoint_network(), open_already))
    assert plan.steps == (out_to(missing),)


async def test_everywhere_makes_narrower_openings_needless() -> None:
    network = endpoint_network()
    routes_of(network, "rtb-a").append({"DestinationCidrBlock": ALL, "GatewayId": "igw-1", "State": "active"})
    without_endpoint(network, "vpce-s3")
    routes_of(network, "rtb-a")[:] = [
        one for one in routes_of(network, "rtb-a") if one.get("GatewayId") != "vpce-s3"
    ]
    network["describe_instances"]["Reservations"][0]["Instances"][0]["NetworkInterfaces"][1] |= {
        "Association": {"PublicIp": "34.1.2.3"}
    }
    found = [one for one in await offers(out_of(network)) if one.plan is not None]
    assert [one.plan.steps for one in found if one.plan] == [(out_to(ALL),)]


async def test_each_group_of_the_interface_is_a_choice() -> None:
    network = out_of(nat_network())
    network["describe_security_groups"]["SecurityGroups"].append(
        {"GroupId": "sg-2", "IpPermissionsEgress": [], "IpPermissions": []}
    )
    network["describe_instances"]["Reservations"][0]["Instances"][0]["NetworkInterfaces"][1]["Groups"] = [
        {"GroupId": "sg-2"},
        {"GroupId": "sg-1"},
    ]
    found = await offers(network)
    assert [one.plan.choice for one in found if one.plan] == ["sg-1", "sg-2"]
    assert {one.risk for one in found} == {Risk.LOW}


async def test_a_group_is_not_opened_to_an_unknown_network() -> None:
    network = out_of(nat_network())
    routes_of(network, "rtb-a")[-1] = {
        "DestinationCidrBlock": ALL,
        "TransitGatewayId": "tgw-1",
        "State": "active",
    }
    assert "is not known" in await refusal(OUT, network)


async def test_where_nothing_leads_out_a_person_comes_first() -> None:
    network = out_of(nat_network())
    del routes_of(network, "rtb-a")[-1]
    assert {one.plan for one in await offers(network)} == {None}


async def test_a_broken_nat_gateway_comes_first() -> None:
    network = out_of(nat_network())
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    told = await refusal(OUT, network)
    assert "nat-1 is failed" in told
    assert "aws ec2 create-nat-gateway --region us-west-2" in told


async def test_of_two_faults_the_first_is_offered_and_says_what_stays() -> None:
    network = out_of(nat_network())
    of(network, "describe_network_acls", "acl-a")["Entries"] = [entry(100, egress=True, protocol="-1")]
    found = {one.remedy: one for one in await offers(network)}
    plan = found[OUT].plan
    assert plan is not None
    assert "not enough by itself: the implicit rule 32767 (*) of acl-a" in plan.caution


async def test_an_endpoint_lets_in_the_group_that_pulls() -> None:
    plan = await only_plan(IN, into(endpoint_network()))
    assert plan.steps == (in_from("sg-1"),)
    assert plan.steps[0].commands() == (
        "aws ec2 authorize-security-group-ingress --region us-west-2 --group-id sg-ep "
        "--ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-1}]'",
    )


async def test_only_the_endpoint_that_is_shut_is_opened() -> None:
    network = endpoint_network()
    network["describe_security_groups"]["SecurityGroups"].append(
        {"GroupId": "sg-dkr", "IpPermissionsEgress": [], "IpPermissions": []}
    )
    endpoint_of(network, "vpce-dkr")["Groups"] = [{"GroupId": "sg-dkr"}]
    plan = await only_plan(IN, network)
    assert plan.steps == (in_from("sg-1", "sg-dkr"),)


async def test_an_endpoint_whose_groups_are_not_shown_is_left_alone() -> None:
    network = into(endpoint_network())
    endpoint_of(network, "vpce-dkr")["Groups"] = [{"GroupId": "sg-elsewhere"}]
    assert "does not show sg-elsewhere of vpce-dkr" in await refusal(IN, network)
