"""A node whose network loses its pulls, on a simulated AWS: the dead leg is found, and by which rule.

Everything is real but the cloud's size: facts, checks, boto3, and a server that answers as AWS does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot import permissions
from bot.clouds._aws import AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_network import EVERYWHERE
from bot.demo.aws_world import World, seed
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Status, Symptom, causes
from checks.resolve import Memo
from tests.fakes.aws_front import Front, allowed, serve
from tests.fakes.eks import failed_pull, roots_of

ACL = "aws/network_acl_lets_through"
ENDPOINT_GROUP = "aws/endpoint_security_group_lets_in"


@dataclass
class Story:
    world: World
    front: Front
    aws: AwsReader
    failure: FailedPull

    @property
    def ec2(self) -> Any:
        return self.world.client("ec2")

    def times_out(self, address: str) -> None:
        host, _, rest = self.world.image.partition("/")
        name, _, tag = rest.partition(":")
        message = (
            f'failed to resolve reference "{self.world.image}": failed to do request: '
            f'Head "https://{host}/v2/{name}/manifests/{tag}": dial tcp {address}:443: i/o timeout'
        )
        self.failure = replace(self.failure, message=message, symptom=Symptom.CONNECT_TIMEOUT)

    async def look(self) -> dict[str, Finding]:
        found = diagnose(Catalog.load(), [self.failure], roots_of(self.world, self.aws), Memo())
        return {one.check: one async for one in found if one.check.startswith("aws/")}


@pytest.fixture
def story(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    world = seed(aws_url)
    with serve(aws_url) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        aws = AwsReader(Sessions(), Roles())
        failure = failed_pull(world, Symptom.CONNECT_TIMEOUT)
        yield Story(world, front, aws, failure)
        aws.close()


def asked_of_the_network(story: Story) -> list[str]:
    return sorted(one for one in story.front.asked if one.startswith(("ec2:", "route53:")))


def statuses(findings: Mapping[str, Finding], status: Status) -> set[str]:
    return {name for name, one in findings.items() if one.verdict.status is status}


async def test_a_healthy_network_is_read_with_what_is_granted_and_each_thing_once(story: Story) -> None:
    findings = await story.look()
    assert statuses(findings, Status.PASS) == set(findings)
    asked = asked_of_the_network(story)
    assert set(asked) <= allowed(permissions.aws_reads())
    assert asked == [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeInstances",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "route53:ListHostedZonesByVPC",
    ]


async def test_an_acl_that_does_not_let_answers_back_in(story: Story) -> None:
    """Inbound 443 and the VPC are open, and the ephemeral ports forgotten."""
    ec2, world = story.ec2, story.world
    acl = ec2.create_network_acl(VpcId=world.vpc_id)["NetworkAcl"]["NetworkAclId"]
    rule = {"NetworkAclId": acl, "RuleAction": "allow"}
    ec2.create_network_acl_entry(**rule, RuleNumber=100, Egress=True, Protocol="-1", CidrBlock=EVERYWHERE)
    ec2.create_network_acl_entry(
        **rule,
        RuleNumber=100,
        Egress=False,
        Protocol="6",
        CidrBlock=EVERYWHERE,
        PortRange={"From": 443, "To": 443},
    )
    ec2.create_network_acl_entry(**rule, RuleNumber=110, Egress=False, Protocol="-1", CidrBlock="10.0.0.0/16")
    [old] = [
        association["NetworkAclAssociationId"]
        for one in ec2.describe_network_acls()["NetworkAcls"]
        for association in one["Associations"]
        if association["SubnetId"] == world.subnet_id
    ]
    ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)
    story.times_out("34.223.5.17")
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [ACL]
    assert statuses(findings, Status.FAIL) == {ACL}
    assert statuses(findings, Status.UNKNOWN) == set()
    verdict = findings[ACL].verdict
    assert verdict.about == acl
    assert f"32767 (*) of {acl} denies inbound TCP 32768-60999 at {world.subnet_id}" in verdict.summary


async def test_an_endpoints_security_group_that_has_forgotten_443(story: Story) -> None:
    group = endpoints_only(story)
    story.times_out("10.0.9.20")
    findings = await story.look()
    assert statuses(findings, Status.PASS) == set(findings)
    story.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[https_from("10.0.0.0/16")])
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [ENDPOINT_GROUP]
    assert statuses(findings, Status.FAIL) == {ENDPOINT_GROUP}
    assert statuses(findings, Status.UNKNOWN) == set()
    assert findings[ENDPOINT_GROUP].verdict.about == group


async def test_a_denied_read_is_told_with_its_action_and_accuses_nobody(story: Story) -> None:
    story.front.denied |= {"ec2:DescribeNetworkAcls", "route53:ListHostedZonesByVPC"}
    story.times_out("34.223.5.17")
    findings = await story.look()
    assert statuses(findings, Status.FAIL) == set()
    assert statuses(findings, Status.UNKNOWN) == {ACL}
    assert "ec2:DescribeNetworkAcls" in findings[ACL].verdict.summary


def https_from(block: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": block}]}


def endpoints_only(story: Story) -> str:
    """Take the NAT gateway's route away and make the three endpoints; gives their security group."""
    ec2, world = story.ec2, story.world
    subnet = ec2.create_subnet(VpcId=world.vpc_id, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_security_group(GroupName="endpoints", Description="endpoints", VpcId=world.vpc_id)
    group = str(made["GroupId"])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https_from("10.0.0.0/16")])
    for service in ("ecr.api", "ecr.dkr"):
        ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=world.vpc_id,
            ServiceName=f"com.amazonaws.{world.region}.{service}",
            SubnetIds=[subnet],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
        )
    ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock=EVERYWHERE)
    ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway",
        VpcId=world.vpc_id,
        ServiceName=f"com.amazonaws.{world.region}.s3",
        RouteTableIds=[world.route_table_id],
    )
    return group
