"""A hundred pods of five images on nodes of three roles: what is asked of AWS to know the cause of each?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from bench.figures import Figure
from bot.clouds._aws import AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo import shapes
from bot.demo.aws_world import PULL_POLICY, World, push, seed
from bot.demo.cloud import only_this, simulated_aws, variables
from checks.aws.facts import Aws
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster
from checks.image.symptom import classify
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, NotFound
from checks.resolve import Memo
from handlers.proposal import offers_for
from handlers.remedy import load_remedies

_PODS = 100
_IMAGES = 5
_ROLES = 3
_CALLS = 80
_DENY = {"Sid": "freeze", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}


class _Nodes:
    """The port ``Kube`` of a cluster of which nothing but its nodes is asked."""

    def __init__(self, worlds: list[World]) -> None:
        self._nodes = {
            f"/api/v1/nodes/{one.instance_id}": shapes.node(
                one.instance_id, one.provider_id, {"eks.amazonaws.com/nodegroup": one.nodegroup}
            )
            for one in worlds
        }

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if path.endswith("/pods"):
            return {"items": []}  # of a list the API never says that it is not there
        if path not in self._nodes:
            raise NotFound("NotFound", path)
        return self._nodes[path]


async def figures() -> AsyncIterator[Figure]:
    with simulated_aws() as endpoint, variables(**only_this(endpoint)):
        worlds, images = await asyncio.to_thread(_begin, endpoint)
        aws = AwsReader(Sessions(), Roles())
        try:
            found, plans = await _look(worlds, images, aws)
        finally:
            aws.close()
    told = f"{aws.calls} calls to AWS (at most {_CALLS}) for {_IMAGES} images and {_ROLES} roles; "
    told += f"the cause of {found}, {plans} plans"
    name = f"{_PODS} pods, many causes: calls"
    yield Figure(name, told, aws.calls / _CALLS, 1.0, holds=(found, plans) == (_PODS, _IMAGES * _ROLES))


async def _look(worlds: list[World], images: list[str], aws: AwsReader) -> tuple[int, int]:
    """For how many pods the cause was found, and how many plans there are."""
    catalog, memo = Catalog.load(), Memo()
    pulls = [_pull(number, worlds[number % _ROLES], images[number % _IMAGES]) for number in range(_PODS)]
    cluster = Cluster(worlds[0].cluster, "eks", worlds[0].region, worlds[0].cluster)
    roots: dict[Any, object] = {Aws: aws, Cluster: cluster, Kube: _Nodes(worlds)}
    findings = [one async for one in diagnose(catalog, pulls, roots, memo)]
    offers = await offers_for(
        pulls, findings, catalog=catalog, remedies=load_remedies(), roots=roots, memo=memo
    )
    return len({one.subject.key for one in findings if one.is_cause}), sum(1 for one in offers if one.plan)


def _pull(number: int, world: World, image: str) -> FailedPull:
    message = f'failed to resolve reference "{image}": unexpected status: 403 Forbidden'
    return FailedPull(
        cluster=world.cluster,
        namespace="default",
        workload=f"Deployment/web-{number}",
        container="web",
        pods=(f"web-{number}-1",),
        nodes=(world.instance_id,),
        host_kind=f"nodegroup/{world.nodegroup}",
        image=image,
        symptom=classify(message).symptom,
        message=message,
    )


def _begin(endpoint: str) -> tuple[list[World], list[str]]:
    """The nodes, one of each role, and the images, which nobody may pull."""
    first = seed(endpoint)
    worlds = [first, *(_node_group(first, f"group-{number}") for number in range(1, _ROLES))]
    ecr = first.client("ecr")
    images = []
    for number in range(_IMAGES):
        _, uri = push(endpoint, first.region, f"shop-{number}", "1")
        policy = {"Version": "2012-10-17", "Statement": [_DENY]}
        ecr.set_repository_policy(repositoryName=f"shop-{number}", policyText=json.dumps(policy))
        images.append(f"{uri}:1")
    return worlds, images


def _node_group(world: World, name: str) -> World:
    """Another node group of the same cluster and network, with a role and a node of its own."""
    iam, ec2, eks = (world.client(service) for service in ("iam", "ec2", "eks"))
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=PULL_POLICY)
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    eks.create_nodegroup(
        clusterName=world.cluster,
        nodegroupName=name,
        nodeRole=role,
        subnets=[world.subnet_id],
        scalingConfig={},
    )
    [like] = ec2.describe_instances(InstanceIds=[world.instance_id])["Reservations"][0]["Instances"]
    [made] = ec2.run_instances(
        ImageId=like["ImageId"],
        MinCount=1,
        MaxCount=1,
        SubnetId=world.subnet_id,
        IamInstanceProfile={"Arn": profile},
    )["Instances"]
    id = made["InstanceId"]
    provider_id = world.provider_id.replace(world.instance_id, id)
    return replace(world, nodegroup=name, role_arn=role, instance_id=id, provider_id=provider_id)
