"""Steps that change a network, on moto: look, write, put back exactly that; and what a person would type."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.clouds._aws import AwsHands, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import client
from checks.model import Unavailable
from handlers.remedies.aws.endpoint_steps import CreateEndpoint, DeleteEndpoint, NewEndpoint
from handlers.remedies.aws.network_acl_steps import AddAclEntry, AllowTcp
from handlers.remedies.aws.security_group_steps import AllowHttpsIn, AllowHttpsOut, HttpsRule
from handlers.remedies.aws.vpc_steps import (
    DnsAttribute,
    LeadToEndpoint,
    SetEndpointPolicy,
    SetPrivateDns,
    SetVpcDns,
)
from handlers.remedy import Conflict, Standing, Step
from tests.fakes.ec2 import Ec2Hands, aws_at, described

REGION = "us-west-2"
API = "com.amazonaws.us-west-2.ecr.api"
S3 = "com.amazonaws.us-west-2.s3"
POLICY = '{"Version": "2012-10-17", "Statement": []}'


@dataclass
class Vpc:
    """A VPC with one of each; ``ec2`` is what somebody else would use."""

    hands: Ec2Hands
    ec2: Any
    id: str
    subnet: str
    table: str
    client: str
    group: str
    acl: str
    list: str

    def interface_endpoint(self) -> str:
        made = self.ec2.create_vpc_endpoint(**self.new_interface.params)
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def gateway_endpoint(self) -> str:
        made = self.ec2.create_vpc_endpoint(VpcEndpointType="Gateway", VpcId=self.id, ServiceName=S3)
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    @property
    def new_interface(self) -> NewEndpoint:
        return NewEndpoint(REGION, self.id, API, (self.subnet,), (self.group,))

    @property
    def new_gateway(self) -> NewEndpoint:
        return NewEndpoint(REGION, self.id, S3, route_tables=(self.table,))

    def rule_out(self, partner: str) -> AllowHttpsOut:
        return AllowHttpsOut(HttpsRule(REGION, self.client, egress=True, partner=partner))

    @property
    def rule_in(self) -> AllowHttpsIn:
        return AllowHttpsIn(HttpsRule(REGION, self.group, egress=False, partner=self.client))

    @property
    def entry(self) -> AllowTcp:
        return AllowTcp(REGION, self.acl, 90, egress=False, block="0.0.0.0/0", first=1024, last=65535)


@pytest.fixture(scope="module")
def cloud(moto_url: str) -> Iterator[tuple[Ec2Hands, Any]]:
    """One for all of these tests, each of which has a VPC of its own: moto's start is what takes long."""
    ec2 = client(moto_url, "ec2", REGION)
    hands = AwsHands(Sessions(), Roles())
    with aws_at(moto_url):
        yield Ec2Hands(hands, ec2), ec2
    hands.close()


@pytest.fixture
def vpc(cloud: tuple[Ec2Hands, Any]) -> Vpc:
    hands, ec2 = cloud
    id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    return Vpc(
        hands=hands,
        ec2=ec2,
        id=id,
        subnet=ec2.create_subnet(VpcId=id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"],
        table=ec2.create_route_table(VpcId=id)["RouteTable"]["RouteTableId"],
        client=ec2.create_security_group(GroupName="client", Description="c", VpcId=id)["GroupId"],
        group=ec2.create_security_group(GroupName="endpoint", Description="e", VpcId=id)["GroupId"],
        acl=ec2.create_network_acl(VpcId=id)["NetworkAcl"]["NetworkAclId"],
        list=next(one["PrefixListId"] for one in lists if one["PrefixListName"] == S3),
    )


async def standing(step: Step, vpc: Vpc) -> Standing:
    look: Any = step.look
    found: Standing = await look(vpc.hands)
    return found


async def write(step: Step, vpc: Vpc) -> Step:
    made: Any = step.write
    done: Step = await made(vpc.hands)
    return done


async def test_each_step_is_made_and_put_back_exactly(vpc: Vpc) -> None:
    interface, gateway = vpc.interface_endpoint(), vpc.gateway_endpoint()
    before = vpc.ec2.describe_vpc_endpoints(VpcEndpointIds=[gateway])["VpcEndpoints"][0]["PolicyDocument"]
    steps: list[Step] = [
        vpc.rule_out("0.0.0.0/0"),
        vpc.rule_out(vpc.group),
        vpc.rule_out(vpc.list),
        vpc.rule_in,
        AddAclEntry(vpc.entry),
        SetVpcDns(REGION, vpc.id, DnsAttribute.SUPPORT, on=False),
        SetVpcDns(REGION, vpc.id, DnsAttribute.HOSTNAMES, on=True),
        SetPrivateDns(REGION, interface, on=False),
        LeadToEndpoint(REGION, gateway, vpc.table, leads=True),
        SetEndpointPolicy(REGION, gateway, before, POLICY),
    ]
    for step in steps:
        await is_made_and_put_back(step, vpc)


async def test_an_endpoint_is_made_and_taken_away(vpc: Vpc) -> None:
    for made in (vpc.new_interface, vpc.new_gateway):
        await is_made_and_put_back(CreateEndpoint(made), vpc)


async def is_made_and_put_back(step: Step, vpc: Vpc) -> None:
    was = described(vpc.ec2, vpc.id)
    assert await standing(step, vpc) is Standing.BEFORE, step
    done = await write(step, vpc)
    assert await standing(step, vpc) is Standing.AFTER, step
    assert await standing(done, vpc) is Standing.AFTER, step
    assert described(vpc.ec2, vpc.id) != was, step
    back = done.inverse()
    assert back is not None
    assert await standing(back, vpc) is Standing.BEFORE, back
    await write(back, vpc)
    assert await standing(back, vpc) is Standing.AFTER, back
    assert described(vpc.ec2, vpc.id) == was, step
    again = back.inverse()
    assert again is not None
    assert again.diff() == step.diff()
    for command in (*step.commands(), *back.commands()):
        assert shlex.split(command)[:2] == ["aws", "ec2"]
        assert REGION in shlex.split(command)


async def test_a_rule_that_somebody_made_anew_is_theirs(vpc: Vpc) -> None:
    done = await write(vpc.rule_in, vpc)
    assert isinstance(done, AllowHttpsIn)
    await done.rule.take_away(vpc.hands)
    await write(vpc.rule_in, vpc)
    back = done.inverse()
    assert await standing(back, vpc) is Standing.ELSEWHERE
    with pytest.raises(Conflict, match="gone already"):
        await write(back, vpc)


async def test_only_its_own_rule_is_revoked(vpc: Vpc) -> None:
    """Another for the same ports and another partner stays."""
    await write(vpc.rule_out("10.1.0.0/16"), vpc)
    done = await write(vpc.rule_out("10.2.0.0/16"), vpc)
    await write(done.inverse() or done, vpc)
    assert await standing(vpc.rule_out("10.1.0.0/16"), vpc) is Standing.AFTER
    assert "--security-group-rule-ids sgr-" in (done.inverse() or done).commands()[0]


class Repeating:
    """The port ``AwsWriter`` whose first answer to a change is lost; the call is made and then repeated."""

    def __init__(self, hands: Ec2Hands) -> None:
        self._hands = hands

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        answer = await self._hands(service, operation, region=region, account=account, **params)
        if operation.startswith("describe_"):
            return answer
        raise Unavailable("AWS answered ec2:Authorize with InvalidPermission.Duplicate: it exists already")


async def test_a_duplicate_counts_as_done_and_can_be_undone(vpc: Vpc) -> None:
    hands: Any = Repeating(vpc.hands)
    for step in (vpc.rule_in, AddAclEntry(vpc.entry), CreateEndpoint(vpc.new_interface)):
        was = described(vpc.ec2, vpc.id)
        done = await step.write(hands)
        assert await standing(step, vpc) is Standing.AFTER
        await write(done.inverse(), vpc)
        assert described(vpc.ec2, vpc.id) == was


async def test_a_step_whose_answer_was_lost_is_undone_by_what_it_says(vpc: Vpc) -> None:
    """After a crash the step is known as it was planned, without the ids that EC2 gave."""
    for step in (vpc.rule_in, CreateEndpoint(vpc.new_gateway)):
        was = described(vpc.ec2, vpc.id)
        await write(step, vpc)
        await write(step.inverse(), vpc)
        assert described(vpc.ec2, vpc.id) == was


async def test_a_refusal_of_ec2_is_no_success(vpc: Vpc) -> None:
    class Refusing(Repeating):
        async def __call__(
            self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
        ) -> Mapping[str, Any]:
            if operation.startswith("describe_"):
                return await self._hands(service, operation, region=region, account=account, **params)
            raise Unavailable("AWS denies it")

    hands: Any = Refusing(vpc.hands)
    for step in (vpc.rule_in, AddAclEntry(vpc.entry), CreateEndpoint(vpc.new_interface)):
        with pytest.raises(Unavailable, match="denies it"):
            await step.write(hands)


async def test_a_number_that_was_given_away_meanwhile_is_a_conflict(vpc: Vpc) -> None:
    theirs = replace(vpc.entry, first=443, last=443)
    await write(AddAclEntry(theirs), vpc)
    step = AddAclEntry(vpc.entry)
    assert await standing(step, vpc) is Standing.ELSEWHERE
    with pytest.raises(Conflict, match="somebody else"):
        await write(step, vpc)
    assert await standing(step.inverse(), vpc) is Standing.ELSEWHERE


async def test_a_policy_that_somebody_changed_is_elsewhere(vpc: Vpc) -> None:
    step = SetEndpointPolicy(REGION, vpc.gateway_endpoint(), POLICY, POLICY.replace("2012", "2008"))
    assert await standing(step, vpc) is Standing.ELSEWHERE


async def test_an_endpoint_that_somebody_changed_is_not_deleted(vpc: Vpc) -> None:
    done = await write(CreateEndpoint(vpc.new_interface), vpc)
    assert isinstance(done, CreateEndpoint)
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=done.endpoint.id, PolicyDocument=POLICY)
    assert await standing(done.inverse(), vpc) is Standing.ELSEWHERE


async def test_another_endpoint_of_the_service_is_in_the_way(vpc: Vpc) -> None:
    vpc.ec2.create_vpc_endpoint(**replace(vpc.new_interface, security_groups=(vpc.client,)).params)
    assert await standing(CreateEndpoint(vpc.new_interface), vpc) is Standing.ELSEWHERE


async def test_what_is_gone_is_a_conflict(vpc: Vpc) -> None:
    endpoint = vpc.interface_endpoint()
    vpc.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    gone: list[Step] = [
        SetPrivateDns(REGION, endpoint, on=True),
        SetEndpointPolicy(REGION, "vpce-0123456789abcdef0", POLICY, POLICY),
        SetVpcDns(REGION, "vpc-0123456789abcdef0", DnsAttribute.SUPPORT, on=True),
        AddAclEntry(replace(vpc.entry, acl="acl-0123456789abcdef0")),
    ]
    for step in gone:
        with pytest.raises(Conflict, match="gone"):
            await standing(step, vpc)
    for step in gone[1:]:
        with pytest.raises(Conflict):
            await write(step, vpc)


async def test_ec2_says_with_200_that_it_does_not_delete() -> None:
    async def answering(service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        error = {"Code": "InvalidVpcEndpoint.InUse", "Message": "it is in use"}
        return {"Unsuccessful": [{"ResourceId": "vpce-1", "Error": error}]}

    hands: Any = answering
    step = DeleteEndpoint(NewEndpoint(REGION, "vpc-1", S3, route_tables=("rtb-1",), id="vpce-1"))
    with pytest.raises(Unavailable, match=r"does not delete vpce-1: .* it is in use"):
        await step.write(hands)


def test_a_policy_with_quotes_survives_a_shell() -> None:
    text = """{"Sid": "it's \\"mine\\""}"""
    [command] = SetEndpointPolicy(REGION, "vpce-1", "", text).commands()
    assert shlex.split(command)[-1] == text
