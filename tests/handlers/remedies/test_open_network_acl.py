"""A network ACL is opened for what is denied, before the rule that denies it and no earlier."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.remedies.aws.network_acl_steps import AddAclEntry, AllowTcp
from handlers.remedy import Risk, Step
from tests.fakes.aws_network import (
    ALL,
    Network,
    endpoint_network,
    entry,
    nat_network,
    of,
    routes_of,
)
from tests.fakes.remedied import offers, only_plan, refusal

ACL = "aws/open_network_acl"
HTTPS = (443, 443)
HIGH = (32768, 60999)
EVERYTHING_OUT = entry(100, egress=True, protocol="-1")
EVERYTHING_IN = entry(100, protocol="-1")


def with_entries(network: Network, *entries: Any, acl: str = "acl-a") -> Network:
    of(network, "describe_network_acls", acl)["Entries"] = [*entries]
    return network


def adds(
    number: int, ports: tuple[int, int], block: str = ALL, *, egress: bool = False, acl: str = "acl-a"
) -> Step:
    return AddAclEntry(AllowTcp("us-west-2", acl, number, egress, block, *ports))


async def test_answers_are_let_back_in_after_the_rules_that_are_there() -> None:
    network = with_entries(nat_network(), EVERYTHING_OUT, entry(105, ports=HTTPS))
    [offer] = await offers(network)
    assert offer.risk is Risk.MEDIUM
    assert offer.plan is not None
    assert offer.plan.steps == (adds(110, HIGH),)
    assert offer.plan.reversible
    assert offer.plan.caution == "it holds for everything in subnet-a"
    assert offer.plan.steps[0].commands() == (
        "aws ec2 create-network-acl-entry --region us-west-2 --network-acl-id acl-a --ingress "
        "--rule-number 110 --protocol tcp --port-range From=32768,To=60999 --cidr-block 0.0.0.0/0 "
        "--rule-action allow",
    )


async def test_both_directions_are_one_plan() -> None:
    plan = await only_plan(ACL, with_entries(nat_network()))
    assert plan.steps == (adds(10, HTTPS, egress=True), adds(10, HIGH))


@pytest.mark.parametrize(
    ("others", "number"),
    [
        ((), 90),
        ((80,), 90),
        ((90,), 99),
        ((95,), 99),
        ((98, 99), 97),
        ((90, 99), 98),
    ],
)
async def test_it_goes_just_before_the_rule_that_denies(others: tuple[int, ...], number: int) -> None:
    kept = [entry(one, egress=True, ports=(80, 80)) for one in others]
    denial = entry(100, egress=True, action="deny", ports=HTTPS)
    everything = entry(200, egress=True, protocol="-1")
    network = with_entries(nat_network(), EVERYTHING_IN, *kept, denial, everything)
    plan = await only_plan(ACL, network)
    assert plan.steps == (adds(number, HTTPS, egress=True),)
    assert "intentional denial: rule 100 of acl-a" in plan.caution


async def test_of_several_denials_it_goes_before_the_first() -> None:
    network = with_entries(
        nat_network(),
        EVERYTHING_OUT,
        entry(50, action="deny", block="34.0.0.0/8"),
        entry(60, action="deny", ports=(32768, 40000)),
        entry(70, protocol="-1"),
    )
    plan = await only_plan(ACL, network)
    assert plan.steps == (adds(40, HIGH),)
    assert "rule 50 of acl-a, rule 60 of acl-a" in plan.caution


async def test_numbers_of_other_protocols_are_taken() -> None:
    denial = entry(3, egress=True, action="deny", ports=HTTPS)
    udp = entry(2, egress=True, protocol="17", ports=(53, 53))
    ipv6 = {"RuleNumber": 1, "RuleAction": "allow", "Egress": True, "Protocol": "-1", "Ipv6CidrBlock": "::/0"}
    network = with_entries(nat_network(), EVERYTHING_IN, ipv6, udp, denial)
    assert "no number is free before rule 3" in await refusal(ACL, network)


async def test_a_full_acl_is_for_a_person() -> None:
    many = [entry(number, ports=(number, number)) for number in range(1, 20)]
    assert "has 20 rules" in await refusal(ACL, with_entries(nat_network(), EVERYTHING_OUT, *many))


async def test_the_subnet_of_the_nat_gateway_needs_the_mirror_image() -> None:
    network = with_entries(nat_network(), EVERYTHING_OUT, entry(100, ports=HTTPS), acl="acl-p")
    plan = await only_plan(ACL, network)
    assert plan.steps == (adds(110, (1024, 65535), acl="acl-p"),)
    assert plan.caution == "it holds for everything in subnet-p"


async def test_the_subnet_of_an_endpoint_lets_in_the_subnet_that_pulls() -> None:
    plan = await only_plan(ACL, with_entries(endpoint_network(), EVERYTHING_OUT, acl="acl-e"))
    assert plan.steps == (adds(10, HTTPS, "10.0.1.0/24", acl="acl-e"),)


async def test_where_another_errand_stays_uncertain_nobody_promises_help() -> None:
    some_of_s3 = entry(100, egress=True, protocol="-1", block="52.0.0.0/6")
    network = with_entries(endpoint_network(), some_of_s3, EVERYTHING_IN)
    assert "whether it would help is not known: for some addresses" in await refusal(ACL, network)


async def test_the_network_of_another_account_is_its_owners() -> None:
    network = with_entries(nat_network())
    of(network, "describe_route_tables", "rtb-a")["OwnerId"] = "999999999999"
    told = await refusal(ACL, network)
    assert told.startswith("the network belongs to account 999999999999; its owner would do: aws ec2 create-")


async def test_nothing_is_opened_to_an_unknown_network() -> None:
    network = with_entries(nat_network())
    routes_of(network, "rtb-a")[-1] = {
        "DestinationCidrBlock": ALL,
        "TransitGatewayId": "tgw-1",
        "State": "active",
    }
    assert "is not known: the route 0.0.0.0/0 to tgw-1" in await refusal(ACL, network)


async def test_another_fault_offers_no_acl_entry() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    assert {one.remedy for one in await offers(network)} == {"aws/open_security_group"}
