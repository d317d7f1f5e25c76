"""Of several edits only the newest is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.chat.teams.pace import Newest


class Gate:
    """Sends when it is opened, one by one."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.under_way = 0
        self._turn = asyncio.Semaphore(0)
        self._done = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def send(self, key: str, newest: Callable[[], int]) -> None:
        await self._turn.acquire()
        value = newest()
        self.under_way += 1
        await self._done.acquire()
        self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        self.sent.append((key, value))

    def give_turns(self, count: int = 1) -> None:
        for _ in range(count):
            self._turn.release()

    def finish(self, count: int = 1) -> None:
        for _ in range(count):
            self._done.release()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def start(newest: Newest[str, int], key: str, *values: int) -> list[asyncio.Task[None]]:
    def put(value: int) -> Coroutine[Any, Any, None]:
        return newest.put(key, value)

    return [asyncio.create_task(put(value)) for value in values]


async def test_of_those_that_wait_the_newest_is_sent_and_all_return() -> None:
    gate = Gate()
    tasks = start(Newest(gate.send), "a", 1, 2, 3)
    await settle()
    gate.give_turns()
    gate.finish()
    await asyncio.gather(*tasks)
    assert gate.sent == [("a", 3)]


async def test_what_comes_while_one_is_under_way_goes_after_it_and_never_overtakes() -> None:
    gate = Gate()
    newest = Newest(gate.send)
    first = start(newest, "a", 1)
    gate.give_turns(2)
    await settle()
    later = start(newest, "a", 2, 3)
    await settle()
    assert gate.under_way == 1
    gate.finish()
    await asyncio.gather(*first)
    assert [one.done() for one in later] == [False, False]
    gate.finish()
    await asyncio.gather(*later)
    assert gate.sent == [("a", 1), ("a", 3)]


async def test_different_messages_wait_for_none_of_each_other() -> None:
    gate = Gate()
    newest = Newest(gate.send)
    tasks = [*start(newest, "a", 1), *start(newest, "b", 2)]
    gate.give_turns(2)
    await settle()
    assert gate.under_way == 2
    gate.finish(2)
    await asyncio.gather(*tasks)


async def test_a_failure_is_everybodys_whom_it_would_have_served_and_no_others() -> None:
    gate = Gate()
    newest = Newest(gate.send)
    failed = start(newest, "a", 1, 2)
    gate.give_turns(2)
    await settle()
    later = start(newest, "a", 3)
    await settle()
    gate.failure = ConnectionError("broken")
    gate.finish()
    assert [str(one) for one in await asyncio.gather(*failed, return_exceptions=True)] == ["broken"] * 2
    gate.failure = None
    gate.finish()
    await asyncio.gather(*later)
    assert gate.sent == [("a", 3)]


async def test_a_failure_before_its_turn_leaves_nobody_waiting() -> None:
    async def refuse(key: str, newest: Callable[[], int]) -> None:
        raise ConnectionError("no token")

    answers = await asyncio.gather(*start(Newest(refuse), "a", 1, 2), return_exceptions=True)
    assert [str(one) for one in answers] == ["no token"] * 2


async def test_whoever_stops_waiting_does_not_stop_the_others() -> None:
    gate = Gate()
    first, second = start(Newest(gate.send), "a", 1, 2)
    await settle()
    first.cancel()
    gate.give_turns()
    gate.finish()
    await second
    assert gate.sent == [("a", 2)]


async def test_at_the_end_nobody_is_left_waiting() -> None:
    gate = Gate()
    newest = Newest(gate.send)
    tasks = [*start(newest, "a", 1), *start(newest, "b", 2)]
    gate.give_turns()
    await settle()
    tasks += start(newest, "a", 3)
    await settle()
    await newest.close()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in answers] == [asyncio.CancelledError] * 3
