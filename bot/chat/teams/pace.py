"""What Teams takes, and of several edits only the newest.

The limits are Microsoft's: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.chat.pace import Limit, Window

# Of each conversation, and "a conversation is 1:1 between bot and user, a group chat, or a channel in a
# team": the threads of a channel share what it has. Edits, and new threads, are counted among its messages.
WRITES: Sequence[Limit] = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
# What nobody waits for leaves some of it to those who do wait: a storm of alerts fills any window, and for
# the rest of that hour no approval could be shown.
BULK: Sequence[Limit] = ((6, 1.0), (7, 2.0), (48, 30.0), (1600, 3600.0))
READS: Sequence[Limit] = ((14, 1.0), (16, 2.0), (120, 30.0), (3600, 3600.0))
# "The global limit per app per tenant is 50 Requests Per Second", and we have one of each.
ALL: Sequence[Limit] = ((50, 1.0),)


def everything() -> Window:
    """What all calls count in."""
    return Window(ALL)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Line(Generic[V]):
    value: V
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Newest(Generic[K, V]):
    """Of several values for one key that wait to be sent, only the newest is, and one after the other.

    :param send: sends what its second argument answers, which is the newest when it is called
    """

    def __init__(self, send: Callable[[K, Callable[[], V]], Awaitable[None]]) -> None:
        self._send = send
        self._lines: dict[K, _Line[V]] = {}

    async def put(self, key: K, value: V) -> None:
        """Until it, or a newer one, is sent; raises what ``send`` does."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(value)
            line.task = asyncio.create_task(self._work(key, line), name=f"newest of {key}")
        line.value = value
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(sent)
        await sent

    async def _work(self, key: K, line: _Line[V]) -> None:
        try:
            while line.waiting:
                await self._once(key, line)
        finally:
            for one in line.waiting:
                one.cancel()
            del self._lines[key]

    async def _once(self, key: K, line: _Line[V]) -> None:
        served: list[asyncio.Future[None]] = []

        def newest() -> V:
            served.extend(line.waiting)
            line.waiting.clear()
            return line.value

        failure: Exception | None = None
        try:
            await self._send(key, newest)
        except Exception as error:
            failure = error
            if not served:  # it did not come to that
                newest()
        except asyncio.CancelledError:
            newest()
            for one in served:
                one.cancel()
            raise
        for one in served:
            if one.done():
                continue  # whoever waited does no more
            if failure is None:
                one.set_result(None)
            else:
                one.set_exception(failure)

    async def close(self) -> None:
        """Whoever waits is cancelled."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
