"""One fault of a network at a time on a simulated AWS: found, planned, put right, and put back as it was.

Everything is real but the cloud's size: facts, checks, remedies, boto3, and a server that answers as AWS
does; where it does less than EC2, ``Ec2Hands`` does the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot import permissions
from bot.clouds._aws import AwsHands, AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_network import EVERYWHERE
from bot.demo.aws_world import World, seed
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Status, Symptom, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import Plan, Standing, Step, load_remedies
from tests.fakes.aws_front import Front, allowed, serve
from tests.fakes.ec2 import Ec2Hands, aws_at, described, s3_list, set_private_dns
from tests.fakes.eks import failed_pull, roots_of

CATALOG = Catalog.load()
REMEDIES = load_remedies()


@dataclass
class Story:
    world: World
    front: Front
    aws: AwsReader
    hands: Ec2Hands
    failure: FailedPull
    ec2: Any  # a client of moto's own, past the front

    @property
    def state(self) -> str:
        return described(self.ec2, self.world.vpc_id)

    @property
    def roots(self) -> dict[Any, object]:
        return roots_of(self.world, self.aws)

    async def look(self) -> dict[str, Finding]:
        found = diagnose(CATALOG, [self.failure], self.roots, Memo())
        return {one.check: one async for one in found if one.check.startswith("aws/")}

    async def offers(self, findings: Mapping[str, Finding]) -> list[Offer]:
        found = await offers_for(
            [self.failure],
            findings.values(),
            catalog=CATALOG,
            remedies=REMEDIES,
            roots=self.roots,
            memo=Memo(),
        )
        return list(found)

    async def carry_out(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Do them; gives the steps that put everything back, in their order."""
        back: list[Step] = []
        for step in steps:
            look: Any = step.look
            write: Any = step.write
            assert await look(self.hands) is Standing.BEFORE, step
            done = await write(self.hands)
            assert await look(self.hands) is Standing.AFTER, step
            inverse = done.inverse()
            assert inverse is not None
            back.insert(0, inverse)
        return tuple(back)


@dataclass
class Worlds:
    """Two healthy worlds that these tests share, and leave healthy: a seed takes seconds."""

    nat: World
    endpoints: World
    front: Front
    ec2: Any


@dataclass
class Clouds:
    """The two worlds, and clients of one test: they belong to its event loop."""

    worlds: Worlds
    aws: AwsReader
    hands: AwsHands

    def story(self, *, endpoints: bool) -> Story:
        shared = self.worlds
        world = shared.endpoints if endpoints else shared.nat
        shared.front.asked.clear()
        failure = failed_pull(world, Symptom.CONNECT_TIMEOUT)
        return Story(world, shared.front, self.aws, Ec2Hands(self.hands, shared.ec2), failure, shared.ec2)


@pytest.fixture(scope="module")
def worlds(moto_url: str) -> Iterator[Worlds]:
    with serve(moto_url) as front, aws_at(front.url):
        nat, private = (
            seed(moto_url, cluster=one, nodegroup="default", role=f"{one}-node", repository=one)
            for one in ("with-nat", "with-endpoints")
        )
        ec2 = nat.client("ec2")
        endpoints_only(private, ec2)
        yield Worlds(nat, private, front, ec2)


@pytest.fixture
def clouds(worlds: Worlds) -> Iterator[Clouds]:
    sessions = Sessions()
    made = Clouds(worlds, AwsReader(sessions, Roles()), AwsHands(sessions, Roles()))
    yield made
    made.aws.close()
    made.hands.close()


@dataclass(frozen=True)
class Fault:
    """``breaks`` makes it in a healthy VPC, with a NAT gateway or with endpoints only."""

    remedy: str
    check: str
    breaks: Callable[[Story], None]
    endpoints: bool = True

    @property
    def name(self) -> str:
        return f"{self.remedy.rpartition('/')[2]}-{'endpoints' if self.endpoints else 'nat'}"


def https_from(block: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": block}]}


def endpoints_only(world: World, ec2: Any) -> None:
    """Take the NAT gateway's route away and make the three endpoints."""
    subnet = ec2.create_subnet(VpcId=world.vpc_id, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_security_group(GroupName="endpoints", Description="endpoints", VpcId=world.vpc_id)
    ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[https_from("10.0.0.0/16")])
    for service in ("ecr.api", "ecr.dkr"):
        ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=world.vpc_id,
            ServiceName=f"com.amazonaws.{world.region}.{service}",
            SubnetIds=[subnet],
            SecurityGroupIds=[made["GroupId"]],
            PrivateDnsEnabled=True,
        )
    ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock=EVERYWHERE)
    ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway",
        VpcId=world.vpc_id,
        ServiceName=f"com.amazonaws.{world.region}.s3",
        RouteTableIds=[world.route_table_id],
    )


def group_of(story: Story, name: str) -> dict[str, Any]:
    wanted = [
        {"Name": "vpc-id", "Values": [story.world.vpc_id]},
        {"Name": "group-name", "Values": [name]},
    ]
    [found] = story.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    return dict(found)


def endpoint_of(story: Story, service: str) -> str:
    vpc = [{"Name": "vpc-id", "Values": [story.world.vpc_id]}]
    found = story.ec2.describe_vpc_endpoints(Filters=vpc)["VpcEndpoints"]
    there = [one for one in found if one["State"] != "deleted"]
    [id] = [one["VpcEndpointId"] for one in there if one["ServiceName"].endswith(f".{service}")]
    return str(id)


def shut_the_way_out(story: Story) -> None:
    group = group_of(story, "default")
    story.ec2.revoke_security_group_egress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
    )


def shut_the_way_in(story: Story) -> None:
    group = group_of(story, "endpoints")["GroupId"]
    story.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[https_from("10.0.0.0/16")])


def forget_the_answers(story: Story) -> None:
    """An ACL that lets everything out, and in again only what is asked for on 443."""
    ec2, world = story.ec2, story.world
    acl = ec2.create_network_acl(VpcId=world.vpc_id)["NetworkAcl"]["NetworkAclId"]
    rule = {"NetworkAclId": acl, "RuleAction": "allow", "RuleNumber": 100, "CidrBlock": EVERYWHERE}
    ec2.create_network_acl_entry(**rule, Egress=True, Protocol="-1")
    ec2.create_network_acl_entry(**rule, Egress=False, Protocol="6", PortRange={"From": 443, "To": 443})
    [old] = [
        association["NetworkAclAssociationId"]
        for one in ec2.describe_network_acls()["NetworkAcls"]
        for association in one["Associations"]
        if association["SubnetId"] == world.subnet_id
    ]
    ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)


def delete_one_endpoint(story: Story) -> None:
    story.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_of(story, "ecr.api")])


def take_the_route_to_s3_away(story: Story) -> None:
    table = story.world.route_table_id
    story.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_of(story, "s3"), RemoveRouteTableIds=[table])
    story.ec2.delete_route(RouteTableId=table, DestinationPrefixListId=s3_list(story.ec2))


def turn_private_dns_off(story: Story) -> None:
    for service in ("ecr.api", "ecr.dkr"):
        set_private_dns(story.world.region, endpoint_of(story, service), on=False)


def turn_all_names_off(story: Story) -> None:
    turn_private_dns_off(story)
    turn_host_names_off(story)


def turn_host_names_off(story: Story) -> None:
    story.ec2.modify_vpc_attribute(VpcId=story.world.vpc_id, EnableDnsHostnames={"Value": False})


def let_only_own_buckets_through(story: Story) -> None:
    own = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [own]}, indent=3)
    story.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_of(story, "s3"), PolicyDocument=text)
    bucket = f"prod-{story.world.region}-starport-layer-bucket.s3.{story.world.region}.amazonaws.com"
    message = (
        f"failed to copy: httpReadSeeker: failed open: unexpected status https://{bucket}/x: 403 Forbidden"
    )
    story.failure = replace(story.failure, symptom=Symptom.FORBIDDEN, message=message)


FAULTS = (
    Fault("aws/open_security_group", "aws/security_group_lets_out", shut_the_way_out, endpoints=False),
    Fault("aws/open_security_group", "aws/security_group_lets_out", shut_the_way_out),
    Fault("aws/open_network_acl", "aws/network_acl_lets_through", forget_the_answers, endpoints=False),
    Fault("aws/create_endpoints", "aws/endpoints_are_complete", delete_one_endpoint),
    Fault("aws/add_s3_route", "aws/endpoints_are_complete", take_the_route_to_s3_away),
    Fault("aws/turn_on_private_dns", "aws/endpoint_private_dns_is_on", turn_private_dns_off),
    Fault("aws/turn_on_vpc_dns", "aws/vpc_dns_is_on", turn_host_names_off),
    Fault("aws/open_endpoint_security_group", "aws/endpoint_security_group_lets_in", shut_the_way_in),
    Fault(
        "aws/allow_layers_in_s3_endpoint",
        "aws/s3_endpoint_policy_allows_layers",
        let_only_own_buckets_through,
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
async def test_a_fault_is_found_put_right_and_put_back(fault: Fault, clouds: Clouds) -> None:
    story = clouds.story(endpoints=fault.endpoints)
    fault.breaks(story)
    await is_put_right_and_back(fault.remedy, fault.check, story)


async def test_the_vpcs_dns_and_the_endpoints_are_turned_on_in_one_plan(clouds: Clouds) -> None:
    story = clouds.story(endpoints=True)
    turn_all_names_off(story)
    plan = await is_put_right_and_back("aws/turn_on_private_dns", "aws/endpoint_private_dns_is_on", story)
    assert [type(one).__name__ for one in plan.steps] == ["SetVpcDns", "SetPrivateDns", "SetPrivateDns"]


async def is_put_right_and_back(remedy: str, check: str, story: Story) -> Plan:
    broken = story.state
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [check]
    assert failing(findings) == {check}
    plan = only_plan(await story.offers(findings), remedy)
    back = await story.carry_out(plan.steps)
    findings = await story.look()
    assert failing(findings) == set()
    assert findings[check].verdict.status is Status.PASS
    assert story.state != broken
    assert only_granted(remedy, story)
    await story.carry_out(back)
    assert story.state == broken
    assert failing(await story.look()) == {check}
    assert only_granted(remedy, story)
    await story.carry_out(plan.steps)  # the others find a healthy world again
    return plan


def failing(findings: Mapping[str, Finding]) -> set[str]:
    return {name for name, one in findings.items() if one.verdict.status is not Status.PASS}


def only_plan(offers: list[Offer], remedy: str) -> Plan:
    """Nothing else is offered, nor refused."""
    [offer] = offers
    assert offer.plan is not None, offer.refused
    assert offer.remedy == remedy
    assert offer.plan.reversible
    return offer.plan


def only_granted(remedy: str, story: Story) -> bool:
    assert set(story.front.asked) <= allowed(permissions.aws_reads(), permissions.aws_writes([remedy]))
    return True
