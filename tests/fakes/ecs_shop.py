"""A service on Fargate in a public subnet, on moto and the small ECS before it: what tests of ECS break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.clouds.connect import Connected
from bot.clouds.ecs import connect_ecs
from bot.demo.aws_world import ACCOUNT, PULL_POLICY, client, push
from tests.fakes.aws_front import Front
from tests.fakes.ecs import FakeEcs

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
