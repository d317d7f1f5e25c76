"""A queue of SQS: what is taken comes again until it is deleted; what is wrong with it is told in words."""

from __future__ import annotations

import pytest

from bot.clouds._aws import Roles
from bot.clouds._aws_queue import AwsQueue
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import client
from bot.watch.ecs_events import queue_grant
from checks.model import NotFound, Unavailable
from tests.fakes.aws_front import serve

REGION = "us-west-2"


async def test_letters_are_taken_and_deleted(aws_url: str) -> None:
    sqs = client(aws_url, "sqs", REGION)
    url = sqs.create_queue(QueueName="pullbot")["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    queue = AwsQueue(url, REGION, Sessions(), Roles())
    letters = await queue.take()
    assert {one.body for one in letters} == {"0", "1", "2"}
    for one in letters:
        await queue.delete(one)
    queue.close()
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    assert set(left.values()) == {"0"}


async def test_what_is_granted_is_what_is_asked(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(aws_url) as front:
        url = client(aws_url, "sqs", REGION).create_queue(QueueName="granted")["QueueUrl"]
        client(aws_url, "sqs", REGION).send_message(QueueUrl=url, MessageBody="x")
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        queue = AwsQueue(url, REGION, Sessions(), Roles())
        for one in await queue.take():
            await queue.delete(one)
        queue.close()
        grant = queue_grant(url, REGION)
        assert set(front.asked) == set(grant.actions)
    arn = client(aws_url, "sqs", REGION).get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    assert arn["Attributes"]["QueueArn"] == grant.resource.format(partition="aws")


async def test_a_queue_that_is_not_there_is_told_as_such(aws_url: str) -> None:
    queue = AwsQueue(f"{aws_url}/123456789012/nowhere", REGION, Sessions(), Roles())
    try:
        await queue.take()
    except (NotFound, Unavailable) as why:
        assert "xist" in str(why)  # noqa: PT017  either is fine, as long as it says so
    else:
        raise AssertionError("there is no such queue")
    finally:
        queue.close()
