"""One task per incident: asked again it runs again, a crash is tried again later, stop means stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.driver import Driver
from handlers.world import NoSuchIncident


class Road:
    """Where incidents are driven: every arrival is told, and nobody passes a gate that is shut."""

    def __init__(self) -> None:
        self.driven: list[str] = []
        self.arrived = asyncio.Queue[str]()
        self.gate = asyncio.Event()
        self.gate.set()
        self.crash: Exception | None = None
        self.held_elsewhere = False
        self.leases: set[str] = set()
        self.released = asyncio.Queue[str]()
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.asked_for_later = asyncio.Event()

    async def advance(self, incident: str) -> None:
        assert incident in self.leases
        self.driven.append(incident)
        self.arrived.put_nowait(incident)
        await self.gate.wait()
        if self.crash is not None:
            raise self.crash

    async def hold(self, incident: str) -> bool:
        if self.held_elsewhere:
            return False
        assert incident not in self.leases, "two at once"
        self.leases.add(incident)
        return True

    async def release(self, incident: str) -> None:
        self.leases.discard(incident)
        self.released.put_nowait(incident)

    def again(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append((seconds, call))
        self.asked_for_later.set()

    def driver(self) -> Driver:
        return Driver(self.advance, self.hold, self.release, self.again)


async def soon(what: asyncio.Queue[str]) -> str:
    async with asyncio.timeout(5):
        return await what.get()


async def came_later(road: Road, after: float = 30.0) -> Callable[[], None]:
    async with asyncio.timeout(5):
        await road.asked_for_later.wait()
    [(seconds, call)] = road.later
    assert seconds == after
    road.later.clear()
    road.asked_for_later.clear()
    return call


async def test_an_incident_is_driven_under_a_lease_that_is_given_back() -> None:
    road = Road()
    road.driver().drive("a")
    assert await soon(road.released) == "a"
    assert road.driven == ["a"]
    assert road.leases == set()


async def test_asked_again_while_running_it_runs_once_more_and_not_twice_at_once() -> None:
    road = Road()
    driver = road.driver()
    road.gate.clear()
    driver.drive("a")
    await soon(road.arrived)
    for _ in range(5):
        driver.drive("a")
    road.gate.set()
    await soon(road.released)
    await soon(road.released)
    await driver.stop()
    assert road.driven == ["a", "a"]


async def test_different_incidents_are_driven_at_the_same_time() -> None:
    road = Road()
    driver = road.driver()
    road.gate.clear()
    for name in ("a", "b", "c"):
        driver.drive(name)
    assert {await soon(road.arrived) for _ in range(3)} == {"a", "b", "c"}
    await driver.stop()


async def test_a_crash_is_tried_again_later() -> None:
    road = Road()
    road.crash = RuntimeError("the store is gone")
    road.driver().drive("a")
    again = await came_later(road)
    assert road.leases == set()
    road.crash = None
    again()
    await soon(road.released)
    await soon(road.released)
    assert road.driven == ["a", "a"]
    assert road.later == []


async def test_what_another_replica_drives_is_left_to_it_and_asked_for_later() -> None:
    road = Road()
    road.held_elsewhere = True
    road.driver().drive("a")
    again = await came_later(road, 10.0)
    assert road.driven == []
    road.held_elsewhere = False
    again()
    assert await soon(road.released) == "a"
    assert road.driven == ["a"]


async def test_asked_again_and_again_for_what_another_replica_drives_it_waits_once() -> None:
    road = Road()
    road.held_elsewhere = True
    driver = road.driver()
    for _ in range(5):
        driver.drive("a")
        for _ in range(5):  # as far as it gets
            await asyncio.sleep(0)
    again = await came_later(road, 10.0)
    again()
    await came_later(road, 10.0)
    assert road.driven == []


async def test_a_reminder_makes_nobody_try_what_is_due_later() -> None:
    road = Road()
    road.crash = RuntimeError("the store is gone")
    driver = road.driver()
    driver.remind("a")
    again = await came_later(road)
    for _ in range(5):
        driver.remind("a")
        await asyncio.sleep(0)
    assert road.driven == ["a"]
    road.crash = None
    again()
    await soon(road.released)
    await soon(road.released)
    assert road.driven == ["a", "a"]


async def test_what_keeps_failing_is_tried_less_and_less_until_it_works() -> None:
    road = Road()
    road.crash = RuntimeError("the store is gone")
    driver = road.driver()
    driver.drive("a")
    for seconds in (30.0, 60.0, 120.0, 240.0, 480.0, 600.0):
        again = await came_later(road, seconds)
        again()
    again = await came_later(road, 600.0)
    road.crash = None
    again()
    for _ in range(8):
        await soon(road.released)
    road.crash = RuntimeError("once more")
    driver.drive("a")
    await came_later(road, 30.0)


async def test_an_incident_that_is_not_on_record_any_more_is_left_alone() -> None:
    road = Road()
    road.crash = NoSuchIncident("a")
    driver = road.driver()
    driver.drive("a")
    await soon(road.released)
    await driver.stop()
    assert road.later == []


async def test_stop_cancels_what_runs_and_gives_the_leases_back() -> None:
    road = Road()
    driver = road.driver()
    road.gate.clear()
    driver.drive("a")
    await soon(road.arrived)
    driver.drive("a")
    await driver.stop()
    assert road.driven == ["a"]
    assert road.leases == set()
    assert road.later == []


async def test_nothing_is_driven_after_stop_not_even_by_an_alarm_that_was_set_before() -> None:
    road = Road()
    driver = road.driver()
    road.held_elsewhere = True
    driver.drive("a")
    again = await came_later(road, 10.0)
    road.held_elsewhere = False
    road.gate.clear()
    driver.drive("b")
    await soon(road.arrived)
    stopping = asyncio.create_task(driver.stop())
    await soon(road.released)  # b was cancelled; whoever hears of it asks for another
    driver.drive("c")
    again()
    await stopping
    assert road.driven == ["b"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
