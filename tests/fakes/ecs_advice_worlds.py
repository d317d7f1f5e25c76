"""Worlds of ECS in which only a person can help: roles that are missing, secrets that are gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from checks.model import NotFound
from tests.fakes.aws_account import ACCOUNT, policy
from tests.fakes.aws_world import REGION, World
from tests.fakes.ecs_shop import NO_SECRET, TIMEOUT
from tests.fakes.ecs_worlds import EcsAndAll, ecs_account, ecs_secret_under_key, on_ecs, stop

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf"
_NO_TOKEN = "CannotPullECRContainerError: unable to pull secrets or registry auth: no basic auth credentials"
_NOT_TRUSTED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
    f"failed: ECS was unable to assume the role 'arn:aws:iam::{ACCOUNT}:role/web-execution'"
)


async def ecs_without_role() -> World:
    aws = ecs_account(executionRoleArn="")
    stop(aws, _NO_TOKEN)
    return await on_ecs(aws)


async def ecs_lone_task() -> World:
    """Of no service, in a public subnet; its interface is still there, and has no public address."""
    aws = ecs_account()
    aws.account.answers["describe_network_interfaces"] = {
        "NetworkInterfaces": [{"Groups": [{"GroupId": "sg-1"}]}]
    }
    stop(aws, TIMEOUT, group="family:web")
    return await on_ecs(aws)


async def ecs_untrusted() -> World:
    aws = ecs_account()
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.account.answers["get_role"]["Role"]["AssumeRolePolicyDocument"] = json.loads(policy(trust))
    stop(aws, _NOT_TRUSTED)
    return await on_ecs(aws)


async def ecs_missing_role() -> World:
    aws = ecs_account()
    aws.account.answers["get_role"] = NotFound("NoSuchEntity")
    stop(aws, _NO_TOKEN)
    return await on_ecs(aws)


async def ecs_secret_gone() -> World:
    aws = ecs_account(secret=SECRET, image="quay.example/web:1")
    aws.account.answers["describe_secret"] = NotFound("ResourceNotFoundException")
    stop(aws, NO_SECRET)
    return await on_ecs(aws)


async def ecs_secret_on_its_way_out() -> World:
    aws = ecs_account(secret=SECRET, image="quay.example/web:1")
    deleted = {"ARN": SECRET, "DeletedDate": datetime(2026, 5, 4, tzinfo=UTC)}
    aws.account.answers |= {"describe_secret": deleted, "get_resource_policy": {}}
    stop(aws, NO_SECRET)
    return await on_ecs(aws)


async def ecs_secret_for_ecr() -> World:
    aws = ecs_account(secret=SECRET)
    aws.account.answers |= {"describe_secret": {"ARN": SECRET}, "get_resource_policy": {}}
    stop(aws, NO_SECRET)
    return await on_ecs(aws)


async def _with_key(state: str) -> World:
    world = await ecs_secret_under_key()
    assert isinstance(world.aws, EcsAndAll)
    key = world.aws.account.answers["describe_key"]["KeyMetadata"]
    world.aws.account.answers["describe_key"] = {"KeyMetadata": {**key, "KeyState": state}}
    return world


async def ecs_key_disabled() -> World:
    return await _with_key("Disabled")


async def ecs_key_going() -> World:
    return await _with_key("PendingDeletion")


async def ecs_key_gone() -> World:
    world = await ecs_secret_under_key()
    assert isinstance(world.aws, EcsAndAll)
    world.aws.account.answers["describe_key"] = NotFound("NotFoundException")
    return world
