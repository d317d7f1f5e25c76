"""Chats' limits, in a time that passes only while everybody waits, and who goes first within them."""

from __future__ import annotations

import asyncio
import gc
import heapq
import itertools
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.pace import Lane, Limit, Pace, TooLong, Window
from bot.chat.teams.pace import ALL, BULK, READS, WRITES, everything


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
            for _ in range(4 * len(tasks) + 20):
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
        pace = Pace(limits, time, time.pause, together=everything())
        turns = await turns_of(pace, time, arrivals)
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
    writes, reads = (Pace(limits, time, time.pause, together=together) for limits in (WRITES, READS))
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
    writes, reads = (Pace(limits, time, time.pause, together=together) for limits in (WRITES, READS))
    await turns_of(reads, time, [(0.0, f"conversation {number}") for number in range(50)])
    turns = await turns_of(writes, time, [(0.0, "a")] * 8)
    assert [at for at, _, _ in turns] == [1.0] * 7 + [2.0]


async def test_a_conversation_is_held_even_while_it_waits_for_all_the_others() -> None:
    time, together = Simulated(), everything()
    writes, reads = (Pace(limits, time, time.pause, together=together) for limits in (WRITES, READS))
    await turns_of(reads, time, [(0.0, f"conversation {number}") for number in range(50)])
    held = hold(writes, time, 0.5, "a", 10.0)
    turns = await turns_of(writes, time, [(0.0, "a"), (0.6, "b")], held)
    assert [(at, key) for at, key, _ in turns] == [(1.0, "b"), (10.5, "a")]


async def test_who_would_wait_for_longer_than_a_minute_is_told_so() -> None:
    time = Simulated()
    pace = Pace(WRITES, time, time.pause, patience=60.0)

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


# ---- what somebody waits for


SLACKS: Sequence[Limit] = ((1, 1.0),)
LANES = {"Slack": (SLACKS, SLACKS), "Teams": (WRITES, BULK)}
Way = tuple[float, float | None]
"""When it comes, and after how long somebody begins to wait for it; 0 is at once, and ``None`` is never."""


async def ways_of(lane: Lane, time: Simulated, ways: Sequence[Way]) -> list[tuple[float, int]]:
    """When each of them had its turn, in a lane of one key."""
    turns: list[tuple[float, int]] = []

    async def one(number: int, at: float, after: float | None) -> None:
        await time.pause(at)
        hurried = asyncio.Event()
        begins = asyncio.create_task(begin(hurried, after))
        if after == 0:
            hurried.set()
        async with lane.turn("a", hurried):
            turns.append((time.now, number))
        begins.cancel()

    async def begin(hurried: asyncio.Event, after: float | None) -> None:
        if after:
            await time.pause(after)
            hurried.set()

    tasks = [asyncio.create_task(one(number, *way)) for number, way in enumerate(ways)]
    await time.run(tasks)
    await asyncio.gather(*tasks)
    return turns


@pytest.mark.parametrize("after", [0.0, 5.0], ids=["asked for when it comes", "asked for while it waits"])
async def test_with_a_hundred_posts_waiting_the_awaited_one_goes_next_and_the_others_keep_their_order(
    after: float,
) -> None:
    time = Simulated()
    others: list[Way] = [(0.0, None)] * 100
    came = 5.5 - after
    turns = await ways_of(Lane(SLACKS, SLACKS, time, time.pause), time, [*others, (came, after)])
    [at] = [at for at, number in turns if number == 100]
    assert at == 6.0
    assert [number for _, number in turns if number < 100] == list(range(100))
    assert [at for at, _ in turns] == [float(second) for second in range(101)]  # and not a moment is lost


async def test_those_that_are_awaited_go_in_their_own_order_before_all_others() -> None:
    time = Simulated()
    ways: list[Way] = [*[(0.0, None)] * 10, *[(2.5, 0.0)] * 5]
    turns = await ways_of(Lane(SLACKS, SLACKS, time, time.pause), time, ways)
    assert [number for _, number in turns] == [0, 1, 2, 10, 11, 12, 13, 14, 3, 4, 5, 6, 7, 8, 9]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 40).map(lambda at: round(at, 1)), st.sampled_from([None, None, 0.0, 0.3, 2.0, 10.0])
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(sorted(LANES)),
)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_whoever_is_awaited_and_since_when_everybody_has_a_turn_and_no_limit_is_passed(
    ways: list[Way], of: str
) -> None:
    async def scenario() -> None:
        time, (limits, bulk) = Simulated(), LANES[of]
        turns = await ways_of(Lane(limits, bulk, time, time.pause), time, ways)
        assert sorted(number for _, number in turns) == list(range(len(ways)))
        assert keeps([(at, "a", number) for at, number in turns], limits)

    asyncio.run(scenario())


async def test_who_gives_up_in_a_storm_leaves_no_gap_and_holds_up_nobody() -> None:
    time = Simulated()
    lane = Lane(SLACKS, SLACKS, time, time.pause)
    turns: list[tuple[float, int]] = []

    async def one(number: int, hurried: asyncio.Event | None) -> None:
        async with lane.turn("a", hurried):
            turns.append((time.now, number))

    nobody = asyncio.Event()
    storm = [asyncio.create_task(one(number, nobody)) for number in range(10)]

    async def give_up() -> None:
        await time.pause(1.5)
        urgent = [asyncio.create_task(one(number, None)) for number in (10, 11)]
        await time.pause(0.2)
        for task in (storm[2], storm[3], storm[5], urgent[0]):
            task.cancel()
        await asyncio.gather(*urgent, return_exceptions=True)

    await time.run([*storm, asyncio.create_task(give_up())])
    assert turns == [(0.0, 0), (1.0, 1), (2.0, 11), (3.0, 4), (4.0, 6), (5.0, 7), (6.0, 8), (7.0, 9)]


async def test_a_lane_that_the_chat_holds_back_is_held_for_all() -> None:
    time = Simulated()
    lane = Lane(WRITES, BULK, time, time.pause)
    lane.hold("a", 10.0)
    turns = await ways_of(lane, time, [(0.0, None), (0.0, 0.0)])
    assert turns == [(10.0, 1), (10.0, 0)]


async def test_no_more_is_under_way_than_may_be_but_for_what_is_awaited() -> None:
    time = Simulated()
    lane = Lane(WRITES, BULK, time, time.pause, under_way=2)
    begun: list[asyncio.Event | None] = []
    end = asyncio.Event()

    async def one(hurried: asyncio.Event | None) -> None:
        async with lane.turn("a", hurried):
            begun.append(hurried)
            await end.wait()

    nobody = asyncio.Event()
    tasks = [asyncio.create_task(one(nobody)) for _ in range(4)]
    await settle()
    tasks.append(asyncio.create_task(one(None)))
    await settle()
    assert begun == [nobody, nobody, None]
    end.set()
    await asyncio.gather(*tasks)


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)
