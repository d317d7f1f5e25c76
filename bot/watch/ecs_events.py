"""Events that EventBridge sends of ECS, by a queue or by a post: which of them is a task that has stopped."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from bot.watch.informer import Backoff
from checks.aws.facts import Grant
from checks.model import NotFound, Unavailable

log = logging.getLogger(__name__)

_STATE_CHANGE = "ECS Task State Change"


class Letter(Protocol):
    @property
    def body(self) -> str: ...


L = TypeVar("L", bound=Letter)


class Queue(Protocol[L]):
    """Letters stay in it until they are deleted.

    :raises NotFound: there is no such queue
    :raises Unavailable: it does not answer, or not us
    """

    async def take(self) -> Sequence[L]:
        """Wait a little for letters."""

    async def delete(self, letter: L) -> None: ...


def queue_grant(url: str, region: str) -> Grant:
    """What reading the queue takes, on that queue alone.

    Its URL ends with its account and name: ``https://sqs.us-west-2.amazonaws.com/123456789012/pullbot``.
    """
    account, name = ["*", *urlsplit(url).path.strip("/").split("/")][-2:]
    arn = f"arn:{{partition}}:sqs:{region}:{account}:{name}"
    return Grant(("sqs:DeleteMessage", "sqs:ReceiveMessage"), arn)


def stopped_task(event: Any, region: str, account: str = "") -> Mapping[str, Any] | None:
    """The detail of an event on a task in ``region`` that has stopped; ``None`` for any other.

    What comes in is a stranger's: it may be anything that JSON can say.

    :param account: whose tasks are meant, "" for anybody's
    """
    if not isinstance(event, Mapping) or event.get("detail-type") != _STATE_CHANGE:
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or event.get("source") != "aws.ecs":
        return None
    if event.get("region") != region or account not in ("", event.get("account")):
        return None
    return detail if detail.get("lastStatus") == "STOPPED" else None


async def listen(queue: Queue[Any], hear: Callable[[Any], bool]) -> None:
    """Until cancelled. A letter is deleted once it was heard, and also if it is nothing that we know."""
    backoff = Backoff()
    while True:
        try:
            for letter in await queue.take():
                hear(_read(letter.body))
                await queue.delete(letter)
            backoff.reset()
        except (Unavailable, NotFound) as why:
            log.warning("the queue of events cannot be read: %s", why)
            await asyncio.sleep(backoff.seconds())
        except Exception:
            log.exception("an event could not be taken; it comes again")
            await asyncio.sleep(backoff.seconds())


def _read(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
