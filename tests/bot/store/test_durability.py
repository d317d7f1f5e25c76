"""What the store has said is written is still there after ``kill -9``."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from bot.store import Posted, State, StoreDown, open_state
from bot.store.codec import Codec
from bot.store.redis import RedisState
from bot.store.sqlite import SqliteState
from handlers.incident import Incident
from handlers.world import Entry
from tests.bot.store.versions import counted

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)


class Server(Protocol):
    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...


def written_until_killed(where: str, count: int) -> int:
    """The last number that a writer told before it was killed; at least ``count`` were told."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, str(WRITER), where], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    ) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(count)]
        writer.kill()
        told += writer.stdout.readlines()
    assert all(told[:count]), "the writer ended by itself"
    return int([line for line in told if line.endswith(b"\n")][-1])


async def nothing_is_lost(state: State, last: int) -> None:
    assert (await state.load("a1")).version >= last
    numbers = [int(one.details[0][1]) async for one in state.entries()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > last
    assert (await state.refs("a1", "slack"))[f"key:{last}"] == Posted(f"ref-{last}", "d", "C1")
    assert int(await state.address("teams", "19:abc@thread.tacv2") or -1) >= last
    assert await state.verify() is None


async def test_a_killed_writer_loses_nothing_it_was_told_is_written(where: str) -> None:
    last = written_until_killed(where, 25)
    state = open_state(where)
    await nothing_is_lost(state, last)
    await state.append(await anext(state.entries()))
    assert await state.verify() is None, "the next process goes on with the same chain"
    await state.close()


async def test_a_killed_redis_loses_nothing_it_said_is_written(own_redis: Server) -> None:
    last = written_until_killed(own_redis.url, 25)
    own_redis.kill()
    own_redis.start()
    state = open_state(own_redis.url)
    await nothing_is_lost(state, last)
    await state.close()


async def test_a_redis_that_is_away_is_said_to_be_down(
    own_redis: Server, incident: Callable[..., Incident]
) -> None:
    state = open_state(own_redis.url)
    await state.save(incident())
    own_redis.kill()
    with pytest.raises(StoreDown, match="Redis"):
        await state.save(counted(incident().resolved()))
    with pytest.raises(StoreDown):
        await state.append(Entry(incident().opened, "a1", "alice", "approved"))
    own_redis.start()
    await state.save(counted(incident().resolved()))
    assert await state.unfinished() == ()
    await state.close()


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
async def test_sqlite_waits_for_another_process_instead_of_failing(
    state: State, another: State, incident: Callable[..., Incident]
) -> None:
    made = [incident(f"i{number}") for number in range(20)]
    await asyncio.gather(*((state, another)[n % 2].save(one) for n, one in enumerate(made)))
    assert len(await state.unfinished()) == 20


class Grudging(SqliteState):
    """A file whose next transaction cannot be ended, and is neither written nor taken back."""

    async def refuse_next_commit(self) -> None:
        left = ["COMMIT"]

        def judge(action: int, word: str | None, *_: str | None) -> int:
            if action == sqlite3.SQLITE_TRANSACTION and word in left:
                left.clear()
                return sqlite3.SQLITE_DENY
            return sqlite3.SQLITE_OK

        await self._run(lambda: self._db.set_authorizer(judge))


async def test_a_transaction_that_could_not_be_ended_does_not_end_the_store(tmp_path: Path) -> None:
    state = Grudging(tmp_path / "pullbot.db", Codec([]))
    await state.refuse_next_commit()
    with pytest.raises(StoreDown):
        await state.first_time("meanwhile", HOUR)
    assert await state.first_time("afterwards", HOUR)
    assert await state.first_time("meanwhile", HOUR), "it was refused, so it may come again"
    await state.close()


async def test_a_redis_that_hangs_is_down_within_seconds() -> None:
    talking: set[asyncio.Task[None]] = set()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        talking.add(me)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        state = RedisState.at(url, Codec([]), patience=0.5)
        async with asyncio.timeout(5):
            with pytest.raises(StoreDown):
                await state.muted(datetime.now(UTC))
        await state.close()
        await asyncio.gather(*talking)
