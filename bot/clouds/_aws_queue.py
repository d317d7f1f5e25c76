"""A queue of SQS, read by long polling. What was taken out is deleted by whoever has dealt with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.clouds._aws import Roles, _Caller, _Request
from bot.clouds._aws_sessions import Sessions

_WAIT_SECONDS = 8  # below the time after which a call counts as lost
_AT_ONCE = 10  # SQS gives no more


@dataclass(frozen=True, slots=True)
class Letter:
    """``handle`` is what it is deleted by."""

    body: str
    handle: str


class AwsQueue(_Caller):
    """The queue at ``url``."""

    def __init__(self, url: str, region: str, sessions: Sessions, roles: Roles) -> None:
        super().__init__(sessions, roles)
        self._url = url
        self._region = region

    async def take(self) -> list[Letter]:
        """Wait a few seconds for letters; they come back to the queue unless they are deleted.

        :raises Unavailable, NotFound: as every call of AWS
        """
        answer = await self._ask(
            "receive_message", MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=_WAIT_SECONDS
        )
        return [Letter(one.get("Body", ""), one["ReceiptHandle"]) for one in answer.get("Messages", ())]

    async def delete(self, letter: Letter) -> None:
        await self._ask("delete_message", ReceiptHandle=letter.handle)

    async def _ask(self, operation: str, **params: Any) -> Any:
        return await self._call(
            _Request("sqs", operation, self._region, params={"QueueUrl": self._url, **params})
        )
