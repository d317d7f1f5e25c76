"""Which stopped tasks could not pull, and what of: a task stops for many reasons, and names few of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.watch.ecs_failures import by_group, failure, pull_of
from checks.aws.ecs_tasks import EcsTask, parse_task
from checks.model import Symptom
from tests.fakes.ecs import EcsAccount, id_of

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/web:1"
NOT_FOUND = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
    f"{IMAGE}: not found"
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACCOUNT = EcsAccount()
DEFINITION = ACCOUNT.define(IMAGE)


def stopped(reason: str, **more: Any) -> EcsTask:
    return parse_task(ACCOUNT.ecs.stop(DEFINITION, "shop", reason, **more))


@pytest.mark.parametrize(
    "reason",
    [
        NOT_FOUND,
        "The task can’t pull the image. Check your network configuration. request canceled",
        "CannotPullImageManifestError: Error response from daemon: manifest unknown: manifest unknown",
        "ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open",
        "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s",
        "ResourceInitializationError: unable to pull secrets or registry auth: There is a connection issue",
        "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x' that was provided.",
    ],
)
@pytest.mark.parametrize("in_container", [True, False])
def test_a_text_of_a_pull_makes_it_one(reason: str, in_container: bool) -> None:
    found = failure(stopped(reason, in_container=in_container))
    assert found is not None
    assert found.message == reason


@pytest.mark.parametrize(
    "reason",
    [
        "Task failed to start",
        "Essential container in task exited",
        'CannotStartContainerError: Error response from daemon: exec: "app": executable file not found',
        "ResourceInitializationError: failed to validate logger args: there is no such log group",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
        "failed: unable to retrieve secrets from ssm: User is not authorized to perform: ssm:GetParameters",
    ],
)
def test_what_has_nothing_to_do_with_an_image_is_none(reason: str) -> None:
    assert failure(stopped(reason)) is None
    assert failure(stopped(reason, in_container=True)) is None


def test_a_task_that_was_stopped_by_somebody_is_none_whatever_it_says() -> None:
    assert failure(stopped("somebody asked: cannot pull registry auth", stopCode="UserInitiated")) is None


def test_a_running_task_is_none() -> None:
    task = parse_task(ACCOUNT.ecs.run(DEFINITION, "shop"))
    assert failure(task) is None


@pytest.mark.parametrize("status", ["DEACTIVATING", "STOPPING", "DEPROVISIONING"])
def test_a_task_that_is_being_taken_down_says_already_why(status: str) -> None:
    assert failure(stopped("CannotPullContainerError: x", in_container=True, lastStatus=status)) is not None
    assert failure(stopped("Essential container in task exited", lastStatus=status)) is None


def test_the_container_that_the_text_names_is_meant_or_else_the_one_from_ecr() -> None:
    account = EcsAccount()
    images = {"proxy": "quay.example/proxy:1", "web": IMAGE, "log": "quay.example/log:1"}
    boxes = [{"name": name, "image": image} for name, image in images.items()]
    definition = account.define(IMAGE, containerDefinitions=boxes)

    def meant(reason: str) -> str:
        found = failure(parse_task(account.ecs.stop(definition, "shop", reason)))
        assert found is not None
        return found.container.name

    assert meant("CannotPullContainerError: failed to resolve ref quay.example/log:1: not found") == "log"
    assert meant("unable to pull secrets or registry auth: There is a connection issue") == "web"


def test_tries_of_one_service_are_one_pull_told_by_the_newest() -> None:
    tasks = [
        ACCOUNT.ecs.stop(DEFINITION, "shop", reason, service="web", at=NOON + timedelta(minutes=minute))
        for minute, reason in enumerate([NOT_FOUND, "CannotPullContainerError: i/o timeout", NOT_FOUND])
    ]
    failures = [failure(parse_task(one)) for one in tasks]
    [mine] = by_group(one for one in failures if one).values()
    pull = pull_of("prod", "shop", mine)
    assert pull.key == ("prod", "shop", "Service/web", IMAGE, "fargate")
    assert pull.pods == tuple(id_of(one) for one in reversed(tasks))
    assert (pull.symptom, pull.message) == (Symptom.TAG_NOT_FOUND, NOT_FOUND)
    assert pull.since == NOON.isoformat()


def test_tries_of_an_older_deployment_are_left_out() -> None:
    old, new = (
        ACCOUNT.ecs.stop(
            DEFINITION,
            "shop",
            NOT_FOUND,
            service="web",
            startedBy=f"ecs-svc/{n}",
            at=NOON + timedelta(minutes=n),
        )
        for n in (1, 2)
    )
    found = [one for one in map(failure, map(parse_task, (old, new))) if one]
    [mine] = by_group(found).values()
    assert [one.task.id for one in mine] == [id_of(new)]


def test_hosts_that_pull_with_another_role_are_kept_apart() -> None:
    kinds = [
        {"launchType": "FARGATE"},
        {"launchType": "EC2", "capacityProviderName": "gpu"},
        {"launchType": "EC2"},
        {"launchType": "EXTERNAL"},
    ]
    tasks = [stopped(NOT_FOUND, service="web", **kind) for kind in kinds]
    found = by_group(one for one in map(failure, tasks) if one)
    assert {kind for _, _, kind in found} == {"fargate", "ec2/gpu", "ec2", "external"}


def test_secrets_do_not_get_out_of_a_reason() -> None:
    text = "CannotPullContainerError: Get https://b.s3.amazonaws.com/l?X-Amz-Signature=abc123: 403 Forbidden"
    [mine] = by_group([one] if (one := failure(stopped(text))) else []).values()
    assert "abc123" not in pull_of("prod", "shop", mine).message


@pytest.mark.parametrize("arn", ["", "task", "arn:aws:ecs:us-west-2:123456789012:service/shop/web", 7, None])
def test_what_is_no_tasks_arn_is_refused(arn: object) -> None:
    with pytest.raises(ValueError, match="no task"):
        parse_task({"taskArn": arn})
