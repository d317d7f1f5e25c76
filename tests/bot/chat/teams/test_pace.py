"""Teams' limits, in a time that passes only while everybody waits."""

from __future__ import annotations

import asyncio
import gc
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.teams.pace import ALL, READS, WRITES, Limit, Newest, Pace, TooLong, Window, everything


class Simulated:
    """A clock, and the pauses by which it moves on: to the next one's end, whenever nobody has more to do."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._count), woken))
        await woken

    async def run(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        while not all(one.done() for one in tasks):
            for _ in range(2 * len(tasks) + 10):
                await asyncio.sleep(0)
            if self._sleepers:
                at, _, woken = heapq.heappop(self._sleepers)
                self.now = max(self.now, at)
                if not woken.done():
                    woken.set_result(None)


Arrival = tuple[float, str]
Turn = tuple[float, str, int]


async def turns_of(
    pace: Pace, time: Simulated, arrivals: Sequence[Arrival], *others: Coroutine[Any, Any, None]
) -> list[Turn]:
    """When each of them had its turn, while others do what they do."""
    turns: list[Turn] = []

    async def one(number: int, at: float, key: str) -> None:
        if at:
            await time.pause(at)
        await pace.turn(key)
        turns.append((time.now, key, number))

    coming = [one(number, *arrival) for number, arrival in enumerate(arrivals)]
    tasks = [asyncio.create_task(each) for each in (*coming, *others)]
    await time.run(tasks)
    await asyncio.gather(*tasks)
    return turns


async def hold(pace: Pace, time: Simulated, at: float, key: str, seconds: float) -> None:
    await time.pause(at)
    pace.hold(key, seconds)


def most_within(moments: Sequence[float], seconds: float) -> int:
    """The most of them in any window of that length."""
    return max((sum(1 for one in moments if end - seconds < one <= end) for end in moments), default=0)


def keeps(turns: Sequence[Turn], limits: Sequence[Limit]) -> bool:
    moments = [at for at, _, _ in turns]
    # Floats: a window's two ends are as far apart as they were computed to be.
    return all(most_within(moments, seconds - 1e-6) <= count for count, seconds in limits)


# ---- windows


@given(
    st.lists(
        st.tuples(st.floats(0, 40).map(lambda at: round(at, 2)), st.sampled_from("abcdefghij")),
        min_size=1,
        max_size=150,
    ),
    st.sampled_from([WRITES, READS]),
)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_no_window_of_any_key_or_of_all_has_more_turns_than_teams_takes(
    arrivals: list[Arrival], limits: Sequence[Limit]
) -> None:
    async def scenario() -> None:
        time = Simulated()
        turns = await turns_of(Pace(limits, time, time.pause), time, arrivals)
        assert len(turns) == len(arrivals)
        assert keeps(turns, ALL)
        for key in {key for _, key in arrivals}:
            assert keeps([one for one in turns if one[1] == key], limits)

    asyncio.run(scenario())


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 20.0]), min_size=1, max_size=90))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_nobody_waits_longer_than_the_windows_ask_and_the_first_to_come_is_the_first_to_go(
    gaps: list[float],
) -> None:
    async def scenario() -> None:
        time = Simulated()
        arrivals = [(at, "a") for at in itertools.accumulate(gaps)]
        turns = await turns_of(Pace(WRITES, time, time.pause), time, arrivals)
        assert [number for _, _, number in turns] == list(range(len(arrivals)))
        moments: list[float] = []
        for came, _ in arrivals:
            free = [moments[-count] + seconds for count, seconds in WRITES if len(moments) >= count]
            moments.append(max([came, *moments[-1:], *free]))
        assert [at for at, _, _ in turns] == pytest.approx(moments)

    asyncio.run(scenario())


async def test_a_burst_of_a_hundred_messages_goes_as_microsofts_table_says() -> None:
    time = Simulated()
    turns = await turns_of(Pace(WRITES, time, time.pause), time, [(0.0, "a")] * 100)
    moments = [at for at, _, _ in turns]
    assert moments[:9] == [0.0] * 7 + [1.0, 2.0]
    assert sum(1 for at in moments if at < 30) == 60


async def test_what_waits_in_one_conversation_keeps_no_other_one_waiting() -> None:
    time = Simulated()
    turns = await turns_of(Pace(WRITES, time, time.pause), time, [(0.0, "busy")] * 30 + [(0.5, "quiet")])
    assert [at for at, key, _ in turns if key == "quiet"] == [0.5]


async def test_reads_and_writes_share_what_all_calls_have_together() -> None:
    time, together = Simulated(), everything()
    writes, reads = (Pace(limits, time, time.pause, together) for limits in (WRITES, READS))
    moments: list[float] = []

    async def one(pace: Pace, key: str) -> None:
        await pace.turn(key)
        moments.append(time.now)

    tasks = [
        asyncio.create_task(one(pace, f"conversation {number}"))
        for number in range(40)
        for pace in (writes, reads)
    ]
    await time.run(tasks)
    assert moments == [0.0] * 50 + [1.0] * 30


async def test_a_conversations_own_limits_hold_after_it_waited_for_all_the_others() -> None:
    time, together = Simulated(), everything()
    writes, reads = (Pace(limits, time, time.pause, together) for limits in (WRITES, READS))
    await turns_of(reads, time, [(0.0, f"conversation {number}") for number in range(50)])
    turns = await turns_of(writes, time, [(0.0, "a")] * 8)
    assert [at for at, _, _ in turns] == [1.0] * 7 + [2.0]


async def test_a_conversation_is_held_even_while_it_waits_for_all_the_others() -> None:
    time, together = Simulated(), everything()
    writes, reads = (Pace(limits, time, time.pause, together) for limits in (WRITES, READS))
    await turns_of(reads, time, [(0.0, f"conversation {number}") for number in range(50)])
    held = hold(writes, time, 0.5, "a", 10.0)
    turns = await turns_of(writes, time, [(0.0, "a"), (0.6, "b")], held)
    assert [(at, key) for at, key, _ in turns] == [(1.0, "b"), (10.5, "a")]


async def test_who_would_wait_for_longer_than_a_minute_is_told_so() -> None:
    time = Simulated()
    pace = Pace(WRITES, time, time.pause)

    async def spend_the_hour() -> None:
        for _ in range(1800):
            await pace.turn("a")

    await time.run([asyncio.create_task(spend_the_hour())])
    assert time.now < 900
    with pytest.raises(TooLong) as raised:
        await pace.turn("a")
    assert raised.value.seconds == pytest.approx(3600 - time.now)
    await pace.turn("b")


async def test_whoever_waits_is_held_with_those_who_come_later() -> None:
    time = Simulated()
    pace = Pace(WRITES, time, time.pause)
    turns = await turns_of(pace, time, [(0.0, "a")] * 8, hold(pace, time, 0.5, "a", 10.0))
    assert [at for at, _, _ in turns] == [0.0] * 7 + [10.5]


async def test_whoever_gives_up_leaves_their_turn_to_the_next() -> None:
    time = Simulated()
    pace = Pace(WRITES, time, time.pause)
    await turns_of(pace, time, [(0.0, "a")] * 7)
    gone = asyncio.create_task(pace.turn("a"))

    async def give_up() -> None:
        await time.pause(0.5)
        gone.cancel()

    assert await turns_of(pace, time, [(0.1, "a")], give_up()) == [(1.0, "a", 0)]


async def test_conversations_in_which_nothing_happens_are_forgotten() -> None:
    time = Simulated()
    pace = Pace(WRITES, time, time.pause)
    for number in range(400):
        time.now += 60.0
        await pace.turn(f"conversation {number}")
    assert sum(isinstance(one, Window) for one in gc.get_objects()) < 130  # 60 of them were used this hour


# ---- only the newest


Send = Callable[[str, Callable[[], int]], Awaitable[None]]


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
