"""From a task of ECS that does not start to its cause, a fix, and the proof that it helped.

Facts, checks, remedies and boto3 are the real ones. AWS is moto with a small ECS before it, whose tasks fail.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import permissions
from bot.clouds.connect import Connected
from bot.demo.aws_world import ACCOUNT
from bot.watch.targets import NoSuchTarget
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Status, Symptom, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Standing, load_remedies
from tests.fakes.aws_front import allowed
from tests.fakes.ecs import event, id_of
from tests.fakes.ecs_shop import CLUSTER, NO_SECRET, NO_TOKEN, REGION, SERVICE, TIMEOUT, Shop, policy

PROJECT = Path(__file__).parents[2]


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
        (f"ecs:arn:aws:ecs:eu-west-1:{ACCOUNT}:task/{CLUSTER}/0f2c", "in eu-west-1, and this looks at us-w"),
        (f"ecs:arn:aws:ecs:{REGION}:{ACCOUNT}:task/0f2c", "no ARN that tells a cluster"),
        (f"ecs:arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1", "no ARN that tells a cluster"),
        (f"ecs:arn:aws:ecs:{REGION}:{ACCOUNT}:task/{CLUSTER}/0f2c/1", "cannot be the name of a task"),
        ("deploy/web", "nothing in ECS"),
    ):
        with pytest.raises(NoSuchTarget, match=said):
            await eyes.failing_now("", target)


async def test_an_arn_means_what_it_names(shop: Shop) -> None:
    task = shop.stop(TIMEOUT)
    eyes = shop.connect().eyes
    service = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{CLUSTER}/{SERVICE}"
    for arn in (task["taskArn"], service, f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"):
        [pull] = await eyes.failing_now("", f"ecs:{arn}")
        assert pull.pods == (id_of(task),)


async def test_why_needs_nothing_but_credentials_and_a_region(shop: Shop) -> None:
    shop.stop(TIMEOUT)
    target = f"ecs:{CLUSTER}/service/{SERVICE}"
    status, out, _ = await pullbot("why", target, "-o", "json", AWS_REGION=REGION)
    [told] = json.loads(out)
    assert (status, told["causes"], told["namespace"]) == (1, ["aws/task_has_public_ip"], CLUSTER)
    status, _, err = await pullbot("why", target)
    assert (status, err.count("\n")) == (2, 1)
    assert "AWS_REGION" in err


async def test_a_denied_secret_of_the_containers_is_not_blamed_on_the_role_that_pulls(shop: Shop) -> None:
    """The text tells of a secret; that the role could not pull either is met later."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-execution/0f2c"
    shop.stop(
        f"{NO_SECRET}: AccessDeniedException: User: {arn} is not authorized to perform: "
        f"secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db "
        "because no identity-based policy allows the secretsmanager:GetSecretValue action"
    )
    connected = shop.connect()
    [pull] = await connected.eyes.failing_now("", f"ecs:{CLUSTER}")
    findings = await look(connected, pull)
    assert pull.symptom is Symptom.FORBIDDEN
    assert findings["aws/role_can_pull"].verdict.status is Status.FAIL
    assert root(findings) == []
