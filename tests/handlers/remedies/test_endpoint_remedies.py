"""Endpoints are made, named, routed to and opened as far as a pull needs it, in the order that EC2 wants."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from checks.model import Symptom, Unavailable
from handlers.remedies.aws.endpoint_steps import CreateEndpoint, NewEndpoint
from handlers.remedies.aws.security_group_steps import AllowHttpsIn, HttpsRule
from handlers.remedies.aws.vpc_steps import (
    DnsAttribute,
    LeadToEndpoint,
    SetEndpointPolicy,
    SetPrivateDns,
    SetVpcDns,
)
from handlers.remedy import Risk, Step
from tests.fakes.aws_account import policy
from tests.fakes.aws_network import (
    Network,
    dhcp_options,
    endpoint_network,
    endpoint_of,
    failed_pull,
    nat_network,
    of,
    routes_of,
    without_endpoint,
)
from tests.fakes.remedied import offers, only_plan, refusal

REGION = "us-west-2"
CREATE = "aws/create_endpoints"
ROUTE = "aws/add_s3_route"
PRIVATE_DNS = "aws/turn_on_private_dns"
VPC_DNS = "aws/turn_on_vpc_dns"
LAYERS = "aws/allow_layers_in_s3_endpoint"
API = NewEndpoint(REGION, "vpc-1", "com.amazonaws.us-west-2.ecr.api", ("subnet-e",), ("sg-ep",))
S3 = NewEndpoint(REGION, "vpc-1", "com.amazonaws.us-west-2.s3", route_tables=("rtb-a",))
SUPPORT = SetVpcDns(REGION, "vpc-1", DnsAttribute.SUPPORT, on=True)
HOSTNAMES = SetVpcDns(REGION, "vpc-1", DnsAttribute.HOSTNAMES, on=True)
TO_S3 = LeadToEndpoint(REGION, "vpce-s3", "rtb-a", leads=True)
OWN_BUCKETS = policy(
    {
        "Sid": "mine",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"],
    }
)


def dns(network: Network, *, support: bool = True, hostnames: bool = True) -> Network:
    network["describe_vpc_attribute", "enableDnsSupport"] = {"EnableDnsSupport": {"Value": support}}
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": hostnames}}
    return network


def unrouted(network: Network) -> Network:
    del routes_of(network, "rtb-a")[1:]
    return network


def with_policy(network: Network, text: str) -> Network:
    endpoint_of(network, "vpce-s3")["PolicyDocument"] = text
    return network


async def test_the_missing_endpoint_is_made_like_its_neighbour() -> None:
    [offer] = await offers(without_endpoint(endpoint_network(), "vpce-api"))
    assert (offer.remedy, offer.risk) == (CREATE, Risk.MEDIUM)
    assert offer.plan is not None
    assert offer.plan.steps == (CreateEndpoint(API),)
    assert offer.plan.reversible
    assert offer.plan.settles_in == timedelta(minutes=15)
    assert "bills" in offer.plan.caution
    assert offer.plan.steps[0].commands() == (
        "aws ec2 create-vpc-endpoint --region us-west-2 --vpc-id vpc-1 --vpc-endpoint-type Interface "
        "--service-name com.amazonaws.us-west-2.ecr.api --subnet-ids subnet-e --security-group-ids sg-ep "
        "--private-dns-enabled",
    )


async def test_a_missing_endpoint_for_s3_is_a_gateway_in_the_subnets_own_table() -> None:
    network = unrouted(without_endpoint(endpoint_network(), "vpce-s3"))
    plan = await only_plan(CREATE, network)
    assert plan.steps == (CreateEndpoint(S3),)
    assert "connections to S3 that are open at that moment break off" in plan.caution
    assert (
        plan.steps[0]
        .commands()[0]
        .endswith(
            "--vpc-endpoint-type Gateway --service-name com.amazonaws.us-west-2.s3 --route-table-ids rtb-a"
        )
    )


async def test_everything_that_is_missing_is_one_plan_in_the_order_that_works() -> None:
    network = unrouted(without_endpoint(dns(endpoint_network(), hostnames=False), "vpce-api"))
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = True
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = []
    found = {one.remedy: one for one in await offers(network)}
    assert found[VPC_DNS].plan is not None
    assert "first something else has to be put right" not in found[CREATE].refused
    plan = found[CREATE].plan
    assert plan is not None, found[CREATE].refused
    rule = HttpsRule(REGION, "sg-ep", egress=False, partner="sg-1")
    assert plan.steps == (HOSTNAMES, AllowHttpsIn(rule), CreateEndpoint(API), TO_S3)
    assert "not be enough" in found[ROUTE].refused


async def test_china_has_a_prefix_of_its_own() -> None:
    network = without_endpoint(endpoint_network(), "vpce-api")
    endpoint_of(network, "vpce-dkr")["ServiceName"] = "cn.com.amazonaws.us-west-2.ecr.dkr"
    [step] = (await only_plan(CREATE, network)).steps
    assert isinstance(step, CreateEndpoint)
    assert step.endpoint.service == "cn.com.amazonaws.us-west-2.ecr.api"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("pending", "look again in a few minutes"),
        ("failed", "aws ec2 delete-vpc-endpoints --region us-west-2 --vpc-endpoint-ids vpce-api"),
        ("pendingAcceptance", "A person finds out why"),
    ],
)
async def test_an_endpoint_that_is_there_but_does_not_work_is_not_made_twice(state: str, told: str) -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-api")["State"] = state
    assert told in await refusal(CREATE, network)


async def test_a_deleted_endpoint_that_is_still_listed_is_none() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-api")["State"] = "deleted"
    assert (await only_plan(CREATE, network)).steps == (CreateEndpoint(API),)


async def test_without_an_endpoint_to_go_by_a_person_chooses() -> None:
    network = without_endpoint(endpoint_network(), "vpce-api")
    endpoint_of(network, "vpce-dkr")["State"] = "deleted"
    assert "--subnet-ids SUBNETS --security-group-ids GROUPS" in await refusal(CREATE, network)


async def test_what_the_new_endpoint_reveals_is_told() -> None:
    network = unrouted(without_endpoint(endpoint_network(), "vpce-s3"))
    rules = of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"]
    rules[:] = [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-ep"}]}
    ]
    plan = {one.remedy: one for one in await offers(network)}[CREATE].plan
    assert plan is not None
    assert "not enough by itself: sg-1 lets no HTTPS out to vpce-new (for s3)" in plan.caution


async def test_a_network_that_is_not_meant_to_be_private_is_left_so() -> None:
    network = nat_network()
    del routes_of(network, "rtb-a")[-1]
    assert [one.plan for one in await offers(network)] == []


async def test_the_table_is_led_to_the_endpoint_that_is_there() -> None:
    [offer] = await offers(unrouted(endpoint_network()))
    assert (offer.remedy, offer.risk) == (ROUTE, Risk.MEDIUM)
    assert offer.plan is not None
    assert offer.plan.steps == (TO_S3,)
    assert "from the subnets of rtb-a" in offer.plan.caution
    assert offer.plan.steps[0].commands() == (
        "aws ec2 modify-vpc-endpoint --region us-west-2 --vpc-endpoint-id vpce-s3 "
        "--add-route-table-ids rtb-a",
    )


async def test_the_policy_is_put_right_before_the_table_leads_there() -> None:
    plan = await only_plan(ROUTE, with_policy(unrouted(endpoint_network()), OWN_BUCKETS))
    assert [type(one) for one in plan.steps] == [SetEndpointPolicy, LeadToEndpoint]


async def test_private_dns_is_turned_on() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-api")["PrivateDnsEnabled"] = False
    [offer] = await offers(network)
    assert (offer.remedy, offer.risk) == (PRIVATE_DNS, Risk.MEDIUM)
    assert offer.plan is not None
    assert offer.plan.steps == (SetPrivateDns(REGION, "vpce-api", on=True),)
    assert offer.plan.settles_in == timedelta(minutes=12)
    assert "from everywhere in vpc-1" in offer.plan.caution


@pytest.mark.parametrize(
    ("support", "hostnames", "first"),
    [(True, False, (HOSTNAMES,)), (False, False, (SUPPORT, HOSTNAMES))],
)
async def test_the_vpcs_own_switches_come_first(
    support: bool, hostnames: bool, first: tuple[Step, ...]
) -> None:
    network = dns(endpoint_network(), support=support, hostnames=hostnames)
    for one in ("vpce-api", "vpce-dkr"):
        endpoint_of(network, one)["PrivateDnsEnabled"] = False
    found = {one.remedy: one for one in await offers(network)}
    plan = found[PRIVATE_DNS].plan
    assert plan is not None, found[PRIVATE_DNS].refused
    assert plan.steps == (
        *first,
        SetPrivateDns(REGION, "vpce-api", on=True),
        SetPrivateDns(REGION, "vpce-dkr", on=True),
    )


async def test_an_interface_endpoint_for_s3_is_named_by_a_person() -> None:
    network = unrouted(endpoint_network())
    endpoint_of(network, "vpce-s3").update(
        VpcEndpointType="Interface", PrivateDnsEnabled=False, SubnetIds=["subnet-e"]
    )
    assert "PrivateDnsOnlyForInboundResolverEndpoint=false" in await refusal(PRIVATE_DNS, network)


async def test_host_names_are_turned_on_for_endpoints() -> None:
    [offer] = await offers(dns(endpoint_network(), hostnames=False))
    assert (offer.remedy, offer.risk) == (VPC_DNS, Risk.MEDIUM)
    assert offer.plan is not None
    assert offer.plan.steps == (HOSTNAMES,)
    assert offer.plan.steps[0].commands() == (
        "aws ec2 modify-vpc-attribute --region us-west-2 --vpc-id vpc-1 --enable-dns-hostnames",
    )
    assert HOSTNAMES.inverse().commands()[0].endswith("--no-enable-dns-hostnames")


@pytest.mark.parametrize(
    ("network", "steps"),
    [
        (dns(nat_network(), support=False, hostnames=False), (SUPPORT,)),
        (dns(endpoint_network(), support=False, hostnames=False), (SUPPORT, HOSTNAMES)),
    ],
    ids=["nat", "endpoints"],
)
async def test_only_the_switches_that_are_needed_are_turned_on(
    network: Network, steps: tuple[Step, ...]
) -> None:
    pull = failed_pull("lookup host: no such host", Symptom.DNS_FAILURE)
    plan = await only_plan(VPC_DNS, network, pull)
    assert plan.steps == steps


async def test_dns_servers_of_ones_own_are_not_ours_to_switch() -> None:
    network = dns(nat_network(), support=False)
    network["describe_dhcp_options"] = {"DhcpOptions": [dhcp_options("10.0.0.5")]}
    assert await offers(network, failed_pull("no such host", Symptom.DNS_FAILURE)) == []


def forbidden() -> Any:
    bucket = "prod-us-west-2-starport-layer-bucket.s3.us-west-2.amazonaws.com"
    return failed_pull(
        f"failed to copy: httpReadSeeker: failed open: unexpected status code https://{bucket}/x: "
        "403 Forbidden",
        Symptom.FORBIDDEN,
    )


async def test_one_statement_lets_layers_through_and_the_rest_stays() -> None:
    [offer] = await offers(with_policy(endpoint_network(), OWN_BUCKETS), forbidden())
    assert (offer.remedy, offer.risk) == (LAYERS, Risk.MEDIUM)
    assert offer.plan is not None
    [step] = offer.plan.steps
    assert isinstance(step, SetEndpointPolicy)
    assert step.before == OWN_BUCKETS
    old, new = json.loads(step.after)["Statement"]
    assert old == json.loads(OWN_BUCKETS)["Statement"][0]
    assert new == {
        "Sid": "PullbotEcrLayers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::prod-us-west-2-starport-layer-bucket/*",
    }
    assert "AWS's own" in offer.plan.caution
    assert shlex.split(step.commands()[0])[-2:] == ["--policy-document", step.after]


async def test_a_deny_is_never_touched() -> None:
    denial = {"Sid": "keepout", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    network = with_policy(endpoint_network(), policy(denial))
    told = await refusal(LAYERS, network, forbidden())
    assert "the statement keepout of the policy of vpce-s3 denies it" in told
    assert "aws ec2 modify-vpc-endpoint" in told


async def test_our_own_statement_is_not_added_twice() -> None:
    ours = {
        "Sid": "PullbotEcrLayers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::elsewhere/*",
    }
    network = with_policy(endpoint_network(), policy(ours))
    assert "already; look at it" in await refusal(LAYERS, network, forbidden())


@pytest.mark.parametrize(
    "broken",
    [
        lambda: without_endpoint(endpoint_network(), "vpce-api"),
        lambda: unrouted(endpoint_network()),
        lambda: dns(endpoint_network(), hostnames=False),
    ],
    ids=["endpoint", "route", "dns"],
)
async def test_the_network_of_another_account_is_its_owners(broken: Any) -> None:
    network = broken()
    of(network, "describe_route_tables", "rtb-a")["OwnerId"] = "999999999999"
    assert {one.plan for one in await offers(network)} <= {None}


async def test_what_could_not_be_read_is_told_once_and_not_by_every_remedy() -> None:
    network = endpoint_network()
    network["describe_route_tables"] = Unavailable("AWS denies ec2:DescribeRouteTables")
    assert await offers(network) == []


async def test_a_registry_in_another_region_is_for_a_person() -> None:
    network = without_endpoint(endpoint_network(), "vpce-api")
    endpoint_of(network, "vpce-dkr")["ServiceName"] = "com.amazonaws.eu-west-1.ecr.dkr"
    endpoint_of(network, "vpce-dkr")["ServiceRegion"] = "eu-west-1"
    pull = failed_pull()
    abroad = replace(pull, image=pull.image.replace("us-west-2", "eu-west-1"))
    assert "the registry is in eu-west-1 and the VPC in us-west-2" in await refusal(CREATE, network, abroad)
