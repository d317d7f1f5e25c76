from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from bot.store import State, open_state

PROJECT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)
BLINK = timedelta(milliseconds=30)
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def test_a_delivery_is_new_exactly_once(state: State, another: State) -> None:
    answers = await asyncio.gather(*(store.first_time("slack:Ev1", HOUR) for store in (state, another) * 5))
    assert sorted(answers) == [False] * 9 + [True]
    assert await another.first_time("slack:Ev2", HOUR)


async def test_a_delivery_is_forgotten_after_its_time(state: State, until: Until) -> None:
    assert await state.first_time("slack:Ev1", BLINK)
    await until(lambda: state.first_time("slack:Ev1", HOUR))
    assert not await state.first_time("slack:Ev1", HOUR)


async def test_of_two_replicas_one_holds_a_lease(state: State, another: State) -> None:
    assert await state.hold("watch prod", "pod-a", HOUR)
    assert not await another.hold("watch prod", "pod-b", HOUR)
    assert await state.hold("watch prod", "pod-a", HOUR), "an owner prolongs its lease"
    assert await another.hold("watch staging", "pod-b", HOUR)


async def test_only_the_owner_can_give_a_lease_back(state: State, another: State) -> None:
    assert await state.hold("watch prod", "pod-a", HOUR)
    await another.release("watch prod", "pod-b")
    assert not await another.hold("watch prod", "pod-b", HOUR)
    await state.release("watch prod", "pod-a")
    assert await another.hold("watch prod", "pod-b", HOUR)


async def test_the_lease_of_a_dead_owner_ends(state: State, another: State, until: Until) -> None:
    assert await state.hold("watch prod", "pod-a", BLINK)
    await until(lambda: another.hold("watch prod", "pod-b", HOUR))
    assert not await state.hold("watch prod", "pod-a", HOUR)


async def test_the_lease_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    where = str(tmp_path / "pullbot.db")
    code = (
        "import asyncio, sys\n"
        "from datetime import timedelta\n"
        "from bot.store import open_state\n"
        "state = open_state(sys.argv[1])\n"
        "async def hold():\n"
        "    print(await state.hold('watch prod', 'pod-a', timedelta(hours=1)), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(hold())\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, where, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    async with asyncio.timeout(30):
        assert await other.stdout.readline() == b"True\n"
    state = open_state(where)
    assert not await state.hold("watch prod", "pod-b", HOUR)
    other.kill()
    await other.wait()
    assert await state.hold("watch prod", "pod-b", HOUR)
    assert len(marks(tmp_path)) == 1, "what the dead left is tidied up"
    await state.close()
    assert marks(tmp_path) == []


def marks(folder: Path) -> list[Path]:
    return list(folder.glob("*-owner-*"))


async def test_a_lease_that_was_closed_upon_is_free(tmp_path: Path) -> None:
    where = str(tmp_path / "pullbot.db")
    first, second = open_state(where), open_state(where)
    assert await first.hold("watch prod", "pod-a", HOUR)
    assert not await second.hold("watch prod", "pod-b", HOUR)
    await first.close()
    assert await second.hold("watch prod", "pod-b", HOUR)
    await second.close()


async def test_a_well_run_store_gives_no_concern(state: State) -> None:
    assert await state.concerns() == ()
