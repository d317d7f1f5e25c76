"""A queue of SQS: what is taken comes again until it is deleted; what is wrong with it is told in words."""

from __future__ import annotations

from bot.clouds._aws import Roles
from bot.clouds._aws_queue import AwsQueue
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import client
from checks.model import NotFound, Unavailable

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
