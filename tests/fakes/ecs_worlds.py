"""Worlds in which a task of ECS fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.watch.ecs import EcsEyes
from bot.watch.ecs_book import StoppedTasks
from checks.aws.ecs_tasks import TaskBook
from checks.host import Cluster
from checks.model import NotFound, Since
from handlers.remedies.aws.runbook_steps import AutomationRole
from tests.fakes.aws_account import ACCOUNT, READ_ONLY, Account, policy
from tests.fakes.aws_network import (
    account,
    nat_network,
)
from tests.fakes.aws_world import (
    FORBIDDEN,
    HOST,
    IMAGE,
    REGION,
    World,
)
from tests.fakes.ecs import EcsAccount
from tests.fakes.ecs_shop import NO_SECRET
from tests.fakes.ecs_shop import TIMEOUT as NO_ADDRESS


@dataclass(eq=False)
class EcsAndAll:
    """The port ``Aws``: ECS in memory, and everything else of an account.

    ``gone``: the digests of images that were deleted.
    """

    ecs: EcsAccount
    account: Account
    gone: frozenset[str] = frozenset()

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        if any(one.get("imageDigest") in self.gone for one in params.get("imageIds", ())):
            raise NotFound("ImageNotFoundException")
        asked = self.ecs if service == "ecs" else self.account
        return await asked(service, operation, region=region, account=account, **params)


EXECUTION = f"arn:aws:iam::{ACCOUNT}:role/web-execution"


async def on_ecs(aws: EcsAndAll, *, since: str = "") -> World:
    """The first task that failed, as it is watched for."""
    book, cluster = StoppedTasks(), Cluster("prod", "ecs", REGION)
    eyes = EcsEyes(aws, cluster, book)
    [pull] = await aws.account.run(eyes.failing_now("", "ecs:shop"))
    roots: dict[Any, object] = {Cluster: cluster, TaskBook: book}
    if since:
        roots[Since] = Since(since)
    return World(aws, roots, pull, aws.account.run)


def ecs_account(*, secret: str = "", image: str = IMAGE, **more: Any) -> EcsAndAll:
    """A service ``web`` of one task in a public subnet; its execution role may nothing."""
    account_ = account(nat_network())
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    account_.answers |= {
        "get_role": {
            "Role": {
                "Arn": EXECUTION,
                "RoleId": "AROAW",
                "AssumeRolePolicyDocument": json.loads(policy(trust)),
            }
        },
        "list_attached_role_policies": {"AttachedPolicies": []},
    }
    for one in account_.answers["describe_subnets"]["Subnets"]:
        one["VpcId"] = "vpc-1"
    box: dict[str, Any] = {"name": "web", "image": image}
    if secret:
        box["repositoryCredentials"] = {"credentialsParameter": secret}
    ecs = EcsAccount()
    ecs.serve(ecs.define(image, **{"executionRoleArn": EXECUTION, "containerDefinitions": [box], **more}))
    return EcsAndAll(ecs, account_)


def stop(aws: EcsAndAll, reason: str, *, subnet: str = "subnet-p", **more: Any) -> None:
    definition = next(iter(aws.ecs.definitions.values()))
    aws.ecs.ecs.stop(definition, "shop", reason, service="web", subnet=subnet, **more)


async def ecs_two_faults() -> World:
    """On Fargate without a public address, and with a role that may not pull."""
    aws = ecs_account()
    stop(aws, NO_ADDRESS)
    return await on_ecs(aws)


def _forbidden_on_instance(aws: EcsAndAll) -> None:
    aws.ecs.instances = [{"ec2InstanceId": "i-0abc"}]
    stop(
        aws,
        f"CannotPullContainerError: {FORBIDDEN}",
        in_container=True,
        launchType="EC2",
        attachments=[],
        containerInstanceArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/shop/ci",
    )


async def ecs_on_instance() -> World:
    """On an instance, whose role may not pull."""
    aws = ecs_account(executionRoleArn="")
    aws.account.answers |= {
        "get_role": {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/eks-node", "RoleId": "AROAEKSNODE"}}
    }
    _forbidden_on_instance(aws)
    return await on_ecs(aws)


async def ecs_either_role() -> World:
    """On an instance: the execution role or the instance's pulls, and neither may."""
    aws = ecs_account()
    trusted = aws.account.answers["get_role"]["Role"]["AssumeRolePolicyDocument"]
    for name in ("web-execution", "eks-node"):
        role = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "AssumeRolePolicyDocument": trusted}
        aws.account.answers["get_role", name] = {"Role": {**role, "RoleId": f"AROA{len(name)}"}}
        aws.account.answers["list_attached_role_policies", name] = {"AttachedPolicies": []}
    _forbidden_on_instance(aws)
    return await on_ecs(aws)


SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf"


async def ecs_private_registry() -> World:
    """A secret that the role may not read."""
    aws = ecs_account(secret=SECRET, image="quay.example/web:1")
    aws.account.answers |= {"describe_secret": {"ARN": SECRET}, "get_resource_policy": {}}
    stop(aws, NO_SECRET)
    return await on_ecs(aws)


async def ecs_secret_under_key() -> World:
    """A secret that the role may read, under a key that it may not use."""
    aws = ecs_account(secret=SECRET, image="quay.example/web:1")
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
    reads = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": SECRET}
    to_the_account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    aws.account.answers |= {
        "describe_secret": {"ARN": SECRET, "KmsKeyId": key},
        "get_resource_policy": {},
        "list_role_policies": {"PolicyNames": ["own"]},
        "get_role_policy": {"PolicyDocument": json.loads(policy(reads))},
        "describe_key": {"KeyMetadata": {"Arn": key, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}},
        "get_key_policy": {"Policy": policy(to_the_account)},
    }
    stop(aws, NO_SECRET)
    return await on_ecs(aws)


async def ecs_puzzling() -> World:
    """No check knows of this, and a runbook of AWS's has a role to act as."""
    aws = ecs_account()
    aws.account.answers["list_attached_role_policies"] = {"AttachedPolicies": [{"PolicyArn": READ_ONLY}]}
    for one in aws.ecs.services.values():
        one["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] = "ENABLED"
    stop(aws, "CannotPullContainerError: the moon is in the wrong phase", in_container=True)
    role = AutomationRole(f"arn:aws:iam::{ACCOUNT}:role/runbook")
    world = await on_ecs(aws)
    return replace(world, roots={**world.roots, AutomationRole: role})


OLD_DIGEST = f"sha256:{'b' * 64}"


async def ecs_pinned(*, tag_is_gone: bool = False) -> World:
    """Its deployment goes by an image that was deleted when the tag was pushed anew."""
    aws = ecs_account()
    aws.account.answers["list_attached_role_policies"] = {"AttachedPolicies": [{"PolicyArn": READ_ONLY}]}
    if tag_is_gone:
        aws.account.answers["describe_images"] = NotFound("ImageNotFoundException")
    aws.gone = frozenset({OLD_DIGEST})
    stop(
        aws,
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
        f"{HOST}/app@{OLD_DIGEST}: {HOST}/app@{OLD_DIGEST}: not found",
        in_container=True,
        startedBy="ecs-svc/1",
    )
    return await on_ecs(aws)


async def ecs_fixed() -> World:
    """After a fix: a newer task runs."""
    aws = ecs_account()
    fixed = datetime.now(UTC)
    stop(aws, NO_ADDRESS, at=fixed - timedelta(minutes=5))
    world = await on_ecs(aws, since=fixed.isoformat())
    definition = next(iter(aws.ecs.definitions.values()))
    aws.ecs.ecs.run(definition, "shop", service="web", subnet="subnet-p", at=fixed + timedelta(minutes=5))
    return world


async def ecs_lone_task() -> World:
    """Of no service, and its interface is deleted: where it was is known, and not what it was given."""
    aws = ecs_account()
    stop(aws, NO_ADDRESS, group="family:web")
    return await on_ecs(aws)
