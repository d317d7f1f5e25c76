from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import pytest
import redis

from bot.store import Broken, State
from handlers.world import Entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def entry(what: str, incident: str = "a1", **details: str) -> Entry:
    return Entry(NOON, incident, "alice", what, tuple(details.items()))


async def written(state: State, *incidents: str) -> None:
    for number, incident in enumerate(incidents, 1):
        await state.append(entry(f"step {number}", incident))


async def test_entries_come_back_oldest_first(state: State, another: State) -> None:
    entries = [
        entry("requested", digest="d1"),
        entry("approved", by="bob \N{SNOWMAN}"),
        entry("requested", "b2"),
    ]
    for one in entries:
        await state.append(one)
    assert [one async for one in another.entries()] == entries
    assert [one async for one in another.entries("a1")] == entries[:2]
    assert [one async for one in another.entries("c3")] == []


async def test_a_long_trail_is_read_and_proved_page_by_page(state: State) -> None:
    for number in range(1100):
        await state.append(entry(str(number), f"i{number % 2}"))
    assert [one.what async for one in state.entries("i1")] == [str(n) for n in range(1, 1100, 2)]
    assert (await state.head()).count == 1100
    assert await state.verify() is None


async def test_an_empty_trail_is_whole(state: State) -> None:
    assert await state.verify() is None
    assert (await state.head()).count == 0


async def test_appends_at_once_make_one_whole_chain(state: State, another: State) -> None:
    await asyncio.gather(*(store.append(entry("pressed")) for store in (state, another) * 10))
    assert len([one async for one in state.entries()]) == 20
    assert await another.verify() is None


async def test_the_chain_can_be_proved_while_it_grows(state: State, another: State) -> None:
    writing = asyncio.gather(*(another.append(entry("pressed")) for _ in range(30)))
    proofs = [await state.verify() for _ in range(10)]
    await writing
    assert proofs == [None] * 10


async def test_secrets_never_get_in(state: State) -> None:
    await state.append(
        entry("step failed", error="GET /v2/ Authorization: Bearer eyJhbGciOiJub25lIn0.e30.c2VjcmV0")
    )
    [kept] = [one async for one in state.entries()]
    assert "c2VjcmV0" not in str(kept)
    assert await state.verify() is None


async def test_half_characters_cost_no_entry(state: State) -> None:
    await state.append(entry("requested", image="ui:\ud800"))
    [kept] = [one async for one in state.entries()]
    assert kept.details == (("image", "ui:\N{REPLACEMENT CHARACTER}"),)
    assert await state.verify() is None


async def test_each_entry_leaves_its_hash_in_the_log(state: State, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="pullbot.audit"):
        await written(state, "a1", "a1")
    last = vars(caplog.records[-1])
    assert last["position"] == 2
    assert last["hash"] == (await state.head()).hash
    assert last["audit"]["what"] == "step 2"


class Intruder(Protocol):
    """Somebody with write access to the store itself."""

    def alter(self, position: int, *, incident: str | None = None, **fields: object) -> None: ...
    def remove(self, *positions: int) -> None: ...
    def add(self, position: int) -> None: ...
    def behead(self, count: int, digest: str) -> None: ...


class SqliteIntruder:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        for trigger in ("audit_is_never_altered", "audit_is_never_shortened"):
            db.execute(f"DROP TRIGGER {trigger}")

    def alter(self, position: int, *, incident: str | None = None, **fields: object) -> None:
        [(body,)] = self.db.execute("SELECT body FROM audit WHERE position = ?", (position,)).fetchall()
        changed = orjson.dumps({**orjson.loads(body), **fields}, option=orjson.OPT_SORT_KEYS)
        self.db.execute("UPDATE audit SET body = ? WHERE position = ?", (changed, position))
        if incident is not None:
            self.db.execute("UPDATE audit SET incident = ? WHERE position = ?", (incident, position))

    def remove(self, *positions: int) -> None:
        for position in positions:
            self.db.execute("DELETE FROM audit WHERE position = ?", (position,))

    def add(self, position: int) -> None:
        self.db.execute("INSERT INTO audit VALUES (?, 'a1', x'7b7d', 'abc')", (position,))

    def behead(self, count: int, digest: str) -> None:
        self.db.execute("UPDATE audit_head SET count = ?, hash = ?", (count, digest))


class RedisIntruder:
    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client  # redis-py annotates one class for its sync and its async answers

    def alter(self, position: int, *, incident: str | None = None, **fields: object) -> None:
        """A stream's entries cannot be edited, so the whole stream is written anew."""
        rows = self.client.xrange("pullbot:audit")
        self.client.delete("pullbot:audit")
        for row, values in rows:
            if row == b"%d-0" % position:
                values[b"body"] = orjson.dumps(
                    {**orjson.loads(values[b"body"]), **fields}, option=orjson.OPT_SORT_KEYS
                )
                values[b"incident"] = incident.encode() if incident is not None else values[b"incident"]
            self.client.xadd("pullbot:audit", values, id=row)

    def remove(self, *positions: int) -> None:
        self.client.xdel("pullbot:audit", *(f"{position}-0" for position in positions))

    def add(self, position: int) -> None:
        self.client.xadd("pullbot:audit", {"incident": "a1", "body": "{}", "hash": "abc"}, id=f"{position}-0")

    def behead(self, count: int, digest: str) -> None:
        self.client.hset("pullbot:audit-head", mapping={"count": count, "hash": digest})


@pytest.fixture
def intruder(where: str, state: State) -> Iterator[Intruder]:
    if where.startswith("redis:"):
        with redis.Redis.from_url(where) as client:
            yield RedisIntruder(client)
    else:
        with closing(sqlite3.connect(where, isolation_level=None)) as db:
            yield SqliteIntruder(db)


@pytest.mark.parametrize("position", [1, 2, 3])
async def test_an_altered_entry_is_found(state: State, intruder: Intruder, position: int) -> None:
    await written(state, "a1", "a1", "a1")
    intruder.alter(position, actor="mallory")
    broken = await state.verify()
    assert broken is not None
    assert broken.position == position
    assert "altered" in broken.why


async def test_an_entry_filed_under_another_incident_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1", "a1", "a1")
    intruder.alter(2, incident="b2")
    assert await state.verify() == Broken(2, "it is filed under incident b2, but was written for a1")


@pytest.mark.parametrize(("removed", "first"), [((1,), 1), ((2,), 2), ((2, 3), 2)])
async def test_removed_entries_are_found(
    state: State, intruder: Intruder, removed: tuple[int, ...], first: int
) -> None:
    await written(state, "a1", "a1", "a1", "a1")
    intruder.remove(*removed)
    broken = await state.verify()
    assert broken is not None
    assert broken.position == first
    assert f"entry {first} is missing" in broken.why


async def test_a_tail_that_was_cut_off_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1", "a1", "a1")
    intruder.remove(2, 3)
    assert await state.verify() == Broken(2, "cut off: the head record counts 3 entries, 1 are there")


async def test_an_emptied_trail_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1", "a1")
    intruder.remove(1, 2)
    broken = await state.verify()
    assert broken is not None
    assert broken.position == 1


async def test_a_cut_hidden_by_a_wrong_head_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1", "a1", "a1")
    intruder.remove(3)
    intruder.behead(2, (await state.head()).hash)
    broken = await state.verify()
    assert broken is not None
    assert broken.position == 2
    assert "rewritten" in broken.why


async def test_an_entry_smuggled_in_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1")
    intruder.add(2)
    broken = await state.verify()
    assert broken is not None
    assert broken.position == 2


async def test_a_lost_head_record_is_found(state: State, intruder: Intruder) -> None:
    await written(state, "a1", "a1")
    intruder.behead(0, "")
    broken = await state.verify()
    assert broken is not None
    assert "behind the bot's back" in broken.why


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET incident = 'b2'"])
async def test_sqlite_itself_refuses_to_change_the_trail(state: State, where: str, statement: str) -> None:
    await written(state, "a1")
    with (
        closing(sqlite3.connect(where)) as db,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        db.execute(statement)
