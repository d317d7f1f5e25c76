"""From a task of ECS that does not start to its cause, a fix, and the proof that it helped.

Facts, checks, remedies and boto3 are the real ones. AWS is moto with a small ECS before it, whose tasks fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.clouds.connect import Connected
from bot.clouds.ecs import connect_ecs
from bot.demo.aws_world import client, push
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Status, Symptom, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import load_remedies
from tests.fakes.aws_front import Front, serve
from tests.fakes.ecs import FakeEcs, id_of, serve_ecs

REGION = "us-west-2"
CLUSTER = "shop"
SERVICE = "web"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
TIMEOUT = (
    "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry "
    "auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task "
    'network configuration. RequestError: send request failed caused by: Post "https://api.ecr.us-west-2.amazonaws.com/"'
    ": dial tcp 44.234.1.7:443: i/o timeout"
)


@dataclass
class Shop:
    """A service on Fargate in a public subnet, healthy but for what a test breaks."""

    url: str
    image: str
    subnet: str
    group: str
    role: str
    definition: Mapping[str, Any]
    ecs: FakeEcs
    front: Front
    connected: list[Connected] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return client(self.url, service, REGION)

    def connect(self) -> Connected:
        made = connect_ecs(REGION)
        self.connected.append(made)
        return made

    def stop(self, reason: str, **more: Any) -> dict[str, Any]:
        return self.ecs.stop(self.definition, CLUSTER, reason, service=SERVICE, subnet=self.subnet, **more)


@pytest.fixture
async def shop(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    with serve(aws_url) as front, serve_ecs(front.url) as ecs:
        monkeypatch.setenv("AWS_ENDPOINT_URL", ecs.url)
        made = seed(aws_url, ecs, front)
        yield made
        for one in made.connected:
            await one.close()


def seed(url: str, ecs: FakeEcs, front: Front) -> Shop:
    _, uri = push(url, REGION, "app", "1.2.1")
    subnet, group = _public_subnet(url)
    iam = client(url, "iam", REGION)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName="web-execution", AssumeRolePolicyDocument=json.dumps(trust))["Role"][
        "Arn"
    ]
    api = client(url, "ecs", REGION)
    api.create_cluster(clusterName=CLUSTER)
    definition = api.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=role,
        containerDefinitions=[{"name": "web", "image": f"{uri}:1.2.1", "essential": True}],
    )["taskDefinition"]
    network = {"subnets": [subnet], "securityGroups": [group], "assignPublicIp": "DISABLED"}
    api.create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition="web",
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )
    return Shop(url, f"{uri}:1.2.1", subnet, group, role, definition, ecs, front)


def _public_subnet(url: str) -> tuple[str, str]:
    ec2 = client(url, "ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    return subnet, group


async def look(connected: Connected, pull: FailedPull) -> dict[str, Finding]:
    found = diagnose(Catalog.load(), [pull], connected.roots, Memo())
    return {one.check: one async for one in found}


async def offers(connected: Connected, pull: FailedPull, findings: Mapping[str, Finding]) -> dict[str, Offer]:
    found = await offers_for(
        [pull],
        findings.values(),
        catalog=Catalog.load(),
        remedies=load_remedies(),
        roots=connected.roots,
        memo=Memo(),
    )
    return {one.remedy: one for one in found}


def root(findings: Mapping[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(findings.values()))]


async def test_no_public_address_is_the_cause_and_the_role_is_met_next(shop: Shop) -> None:
    task = shop.stop(TIMEOUT)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}/service/{SERVICE}")
    assert (pull.namespace, pull.workload, pull.host_kind) == (CLUSTER, "Service/web", "fargate")
    assert pull.pods == (id_of(task),)
    assert pull.symptom is Symptom.CONNECT_TIMEOUT
    findings = await look(connected, pull)
    assert root(findings) == ["aws/task_has_public_ip"]
    role = findings["aws/role_can_pull"]
    assert role.verdict.status is Status.FAIL
    assert not role.is_cause
