"""From a task of ECS that does not start to its cause, a fix, and the proof that it helped.

Facts, checks, remedies and boto3 are the real ones. AWS is moto with a small ECS before it, whose tasks fail.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import permissions
from bot.clouds.connect import Connected
from bot.clouds.ecs import connect_ecs
from bot.demo.aws_world import ACCOUNT, PULL_POLICY, client, push
from bot.watch.targets import NoSuchTarget
from checks.aws.task_was_started import task_was_started
from checks.diagnose import ask, diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Since, Status, Symptom, Verdict, causes
from checks.resolve import Memo, Resolver
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Standing, load_remedies
from tests.fakes.aws_front import Front, serve
from tests.fakes.ecs import FakeEcs, event, id_of, serve_ecs

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
NO_TOKEN = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
    "failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): access denied"
)
NO_SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
    "failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch"
)
PROJECT = Path(__file__).parents[2]


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

    def run(self, at: datetime) -> dict[str, Any]:
        return self.ecs.run(self.definition, CLUSTER, service=SERVICE, subnet=self.subnet, at=at)

    def define(
        self, image: str, secret: str = "", *, execution_role: str | None = None, task_role: str = ""
    ) -> Mapping[str, Any]:
        """A newer revision of the service's definition."""
        container: dict[str, Any] = {"name": "web", "image": image, "memory": 512}
        if secret:
            container["repositoryCredentials"] = {"credentialsParameter": secret}
        role = self.role if execution_role is None else execution_role
        roles = {"executionRoleArn": role, "taskRoleArn": task_role}
        made = self.client("ecs").register_task_definition(
            family="web",
            networkMode="awsvpc",
            containerDefinitions=[container],
            **{name: arn for name, arn in roles.items() if arn},
        )["taskDefinition"]
        self.client("ecs").update_service(
            cluster=CLUSTER, service=SERVICE, taskDefinition=made["taskDefinitionArn"]
        )
        return dict(made)

    def allow_pulls(self) -> None:
        self.client("iam").attach_role_policy(RoleName="web-execution", PolicyArn=EXECUTION_POLICY)

    def network(self) -> Mapping[str, Any]:
        [found] = self.client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
        return dict(found["networkConfiguration"]["awsvpcConfiguration"])

    def stop_on_instance(self, reason: str) -> dict[str, Any]:
        """On an instance whose role may pull."""
        iam, ec2 = self.client("iam"), self.client("ec2")
        role = iam.create_role(RoleName="shop-instance", AssumeRolePolicyDocument=json.dumps(policy()))
        iam.attach_role_policy(RoleName="shop-instance", PolicyArn=PULL_POLICY)
        profile = iam.create_instance_profile(InstanceProfileName="shop-instance")["InstanceProfile"]["Arn"]
        iam.add_role_to_instance_profile(
            InstanceProfileName="shop-instance", RoleName=role["Role"]["RoleName"]
        )
        [made] = ec2.run_instances(
            ImageId=ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"],
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet,
            IamInstanceProfile={"Arn": profile},
        )["Instances"]
        document = {"accountId": ACCOUNT, "instanceId": made["InstanceId"], "region": REGION}
        registered = self.client("ecs").register_container_instance(
            cluster=CLUSTER, instanceIdentityDocument=json.dumps(document)
        )["containerInstance"]
        return self.stop(
            reason,
            in_container=True,
            launchType="EC2",
            attachments=[],
            containerInstanceArn=registered["containerInstanceArn"],
        )


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allowed(*policies: Mapping[str, Any]) -> set[str]:
    statements = [one for policy in policies for one in policy["Statement"] if one["Effect"] == "Allow"]
    return {action for one in statements for action in one["Action"]}


@pytest.fixture
async def shop(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
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
    principal = {"Service": "ecs-tasks.amazonaws.com"}
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
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


async def proof(connected: Connected, pull: FailedPull, fixed: datetime) -> Verdict:
    roots = {**connected.roots, FailedPull: pull, Since: Since(fixed.isoformat())}
    verdict = await ask(task_was_started, Resolver(Catalog.load(), roots, {}))
    assert verdict is not None
    return verdict


async def pullbot(*words: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *words,
        cwd=PROJECT, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


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


async def test_public_addresses_are_given_proven_and_taken_back(shop: Shop) -> None:
    shop.allow_pulls()
    shop.stop(TIMEOUT)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    plan = (await offers(connected, pull, await look(connected, pull)))["aws/assign_public_ip"].plan
    assert plan is not None
    [step] = plan.steps
    hands = connected.hands[AwsWriter]
    assert await step.look(hands) is Standing.BEFORE
    done = await step.write(hands)
    assert await step.look(hands) is Standing.AFTER
    assert shop.network() == {
        "subnets": [shop.subnet],
        "securityGroups": [shop.group],
        "assignPublicIp": "ENABLED",
    }
    assert (await look(connected, pull))["aws/task_has_public_ip"].verdict.status is Status.PASS
    back = done.inverse()
    assert back is not None
    await back.write(hands)
    assert shop.network()["assignPublicIp"] == "DISABLED"
    may = allowed(permissions.aws_reads(), permissions.aws_writes(["aws/assign_public_ip"]))
    assert {one for one in shop.front.asked if one.startswith("ecs:")} <= may


async def test_a_fix_is_proven_by_a_newer_task_and_by_nothing_else(shop: Shop) -> None:
    shop.stop(TIMEOUT)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now(CLUSTER, "")
    fixed = datetime.now(UTC)
    shop.run(at=fixed - timedelta(minutes=5))
    before = await proof(connected, pull, fixed)
    shop.run(at=fixed + timedelta(minutes=1))
    after = await proof(connected, pull, fixed)
    assert (before.status, after.status) == (Status.FAIL, Status.PASS)


async def test_a_service_that_lacks_tasks_is_not_fixed(shop: Shop) -> None:
    shop.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    connected = shop.connect()
    shop.stop(TIMEOUT)
    [pull] = await connected.eyes.failing_now(CLUSTER, "")
    fixed = datetime.now(UTC)
    shop.run(at=fixed + timedelta(minutes=1))
    assert "1 of 2 tasks" in (await proof(connected, pull, fixed)).summary


async def test_a_missing_secret_of_a_private_registry_is_the_cause(shop: Shop) -> None:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf"
    definition = shop.define("quay.example/shop/web:1", secret)
    shop.ecs.stop(definition, CLUSTER, NO_SECRET, service=SERVICE, subnet=shop.subnet)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    findings = await look(connected, pull)
    assert root(findings) == ["aws/registry_secret_is_readable"]
    assert "does not exist" in findings["aws/registry_secret_is_readable"].verdict.summary


async def test_a_secret_that_the_role_may_not_read(shop: Shop) -> None:
    secrets = shop.client("secretsmanager")
    secret = secrets.create_secret(Name="hub", SecretString='{"username": "a", "password": "b"}')["ARN"]
    definition = shop.define("quay.example/shop/web:1", secret)
    shop.ecs.stop(definition, CLUSTER, NO_SECRET, service=SERVICE, subnet=shop.subnet)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    check = "aws/registry_secret_is_readable"
    assert "web-execution may not read" in (await look(connected, pull))[check].verdict.summary
    allow = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}
    shop.client("iam").put_role_policy(
        RoleName="web-execution", PolicyName="hub", PolicyDocument=json.dumps(policy(allow))
    )
    assert (await look(connected, pull))[check].verdict.status is Status.PASS


async def test_without_an_execution_role_the_task_role_does_not_do(shop: Shop) -> None:
    definition = shop.define(shop.image, execution_role="", task_role=shop.role)
    shop.ecs.stop(definition, CLUSTER, NO_TOKEN, service=SERVICE, subnet=shop.subnet)
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    findings = await look(connected, pull)
    assert findings["aws/execution_role_is_set"].verdict.status is Status.FAIL
    assert "aws/role_can_pull" not in findings


async def test_a_task_that_ecs_has_forgotten_is_explained_from_its_event(shop: Shop) -> None:
    task = shop.stop(TIMEOUT)
    shop.ecs.forget(task)
    connected = shop.connect()
    assert connected.eyes.heard(event(task))
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}/{id_of(task)}")
    assert root(await look(connected, pull)) == ["aws/task_has_public_ip"]
    assert shop.ecs.described == []


async def test_a_task_that_nobody_remembers_is_explained_by_what_its_service_asks_for(shop: Shop) -> None:
    task = shop.stop(TIMEOUT)
    [pull] = await shop.connect().eyes.failing_now("", f"ecs:{CLUSTER}")
    shop.ecs.forget(task)
    assert root(await look(shop.connect(), pull)) == ["aws/task_has_public_ip"]


async def test_one_role_is_asked_to_pull_on_an_instance_and_the_other_may(shop: Shop) -> None:
    """Which of the two pulls is not told: nobody is accused."""
    task = shop.stop_on_instance(
        "CannotPullContainerError: Error response from daemon: pull access denied for app, repository does "
        "not exist or may require 'docker login': denied: 403 Forbidden"
    )
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    assert pull.nodes == (task["containerInstanceArn"].rpartition("/")[2],)
    role = (await look(connected, pull))["aws/role_can_pull"].verdict
    assert role.status is Status.UNKNOWN
    assert "web-execution may not pull" in role.summary
    assert "shop-instance may pull" in role.summary


async def test_on_an_instance_the_denial_says_which_role_pulls(shop: Shop) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-execution/0f2c"
    shop.stop_on_instance(
        f"CannotPullContainerError: denied: User: {arn} is not authorized to perform: ecr:BatchGetImage on "
        f"resource: arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app because no identity-based policy allows "
        "the ecr:BatchGetImage action"
    )
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    findings = await look(connected, pull)
    assert root(findings) == ["aws/role_can_pull"]
    assert findings["aws/role_can_pull"].verdict.about == shop.role


async def test_what_does_not_exist_is_told_as_such(shop: Shop) -> None:
    eyes = shop.connect().eyes
    for target, said in (
        ("ecs:nowhere", "no cluster nowhere"),
        ("ecs:nowhere/service/web", "no cluster nowhere"),
        (f"ecs:{CLUSTER}/service/api", "no service api"),
        (f"ecs:{CLUSTER}/0f2c", "no task 0f2c"),
        (f"ecs:{CLUSTER}/service/web/1", "not understood"),
        ("deploy/web", "nothing in ECS"),
    ):
        with pytest.raises(NoSuchTarget, match=said):
            await eyes.failing_now("", target)


async def test_why_needs_nothing_but_credentials_and_a_region(shop: Shop) -> None:
    shop.stop(TIMEOUT)
    target = f"ecs:{CLUSTER}/service/{SERVICE}"
    status, out, _ = await pullbot("why", target, "-o", "json", AWS_REGION=REGION)
    [told] = json.loads(out)
    assert (status, told["causes"], told["namespace"]) == (1, ["aws/task_has_public_ip"], CLUSTER)
    status, _, err = await pullbot("why", target)
    assert (status, err.count("\n")) == (2, 1)
    assert "AWS_REGION" in err
