"""Stands before an AWS, notes the IAM action of each call, and fails those that a test wants to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from bot.clouds._aws import iam_action
from bot.clouds._aws_errors import translated
from checks.aws.facts import Aws
from tests.fakes.aws_account import ACCOUNT


@dataclass(eq=False)  # a client is itself: facts are remembered by it
class Door:
    """The port ``Aws``. ``failing``: what is raised instead of an answer, by IAM action."""

    inner: Aws
    failing: Mapping[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        action = iam_action(service, operation)
        self.asked.append(action)
        if action in self.failing:
            await asyncio.sleep(0)
            raise self.failing[action]
        return await self.inner(service, operation, region=region, account=account, **params)


@dataclass(frozen=True)
class Failure:
    """What AWS answers instead, in the words that the bot's own client makes of it."""

    code: str
    status: int
    message: str

    def __call__(self, action: str) -> Exception:
        answer: Any = {
            "Error": {"Code": self.code, "Message": self.message.format(action=action)},
            "ResponseMetadata": {"HTTPStatusCode": self.status},
        }
        return translated(ClientError(answer, action.partition(":")[2]), action, "")


DENIED = Failure(
    "AccessDenied",
    403,
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/pullbot-read/x is not authorized to perform: {{action}}",
)
THROTTLED = Failure("ThrottlingException", 400, "Rate exceeded")
BROKEN = Failure("InternalFailure", 500, "The request processing has failed because of an unknown error")
