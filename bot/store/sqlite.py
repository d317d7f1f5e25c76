"""State in one SQLite file: nothing to install, for one replica.

WAL with ``synchronous=FULL``: what was committed survives ``kill -9`` and a power cut. One connection
lives in one thread of its own, so calls queue up instead of fighting over locks; another process
(``pullbot audit``) may still read, or even write, at the same time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.store import chain, schema
from bot.store.codec import Codec, readable
from bot.store.ports import KEPT_AFTER_CLOSING, Broken, Head, Posted, StoreDown
from bot.store.presence import Presence
from handlers.incident import CLOSED, Incident
from handlers.world import Entry, NoSuchIncident, Stale

T = TypeVar("T")
_PAGE = 500


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class SqliteState:
    """``bot.store.ports.State`` in the file ``path``.

    :raises StoreUnusable: the file cannot be opened, is something else, or was written by a newer version.
    """

    def __init__(self, path: Path, codec: Codec, clock: Callable[[], datetime] = _wall_clock) -> None:
        self._codec = codec
        self._clock = clock
        self._db = schema.open_file(path)
        self._presence = Presence(path)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="pullbot-sqlite")

    async def close(self) -> None:
        await self._run(self._presence.end)
        await self._run(self._db.close)
        self._worker.shutdown(wait=False)

    async def concerns(self) -> tuple[str, ...]:
        return ()

    # ---- incidents

    async def load(self, incident_id: str) -> Incident:
        def read() -> Incident:
            row = self._db.execute("SELECT body FROM incidents WHERE id = ?", (incident_id,)).fetchone()
            if row is None:
                raise NoSuchIncident(incident_id)
            return self._codec.decode(row[0])

        return await self._run(read)

    async def save(self, incident: Incident) -> None:
        now = self._clock()
        closed_at = now.timestamp() if incident.stage in CLOSED else None

        def write() -> None:
            body = self._codec.encode(incident)
            with self._transaction() as db:
                row = db.execute("SELECT version FROM incidents WHERE id = ?", (incident.id,)).fetchone()
                if row and row[0] != incident.version - 1:
                    raise Stale(f"incident {incident.id} is at version {row[0]}, not {incident.version - 1}")
                db.execute(
                    "INSERT OR REPLACE INTO incidents (id, version, opened, closed_at, body)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (incident.id, incident.version, incident.opened.timestamp(), closed_at, body),
                )
                if closed_at is not None:
                    self._forget_closed_before(db, (now - KEPT_AFTER_CLOSING).timestamp())

        await self._run(write)

    async def unfinished(self) -> tuple[Incident, ...]:
        return await self._read("SELECT id, body FROM incidents WHERE closed_at IS NULL ORDER BY opened, id")

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        return await self._read("SELECT id, body FROM incidents ORDER BY opened DESC, id DESC LIMIT ?", limit)

    @staticmethod
    def _forget_closed_before(db: sqlite3.Connection, limit: float) -> None:
        db.execute(
            "DELETE FROM posted WHERE incident IN (SELECT id FROM incidents WHERE closed_at < ?)", (limit,)
        )
        db.execute("DELETE FROM incidents WHERE closed_at < ?", (limit,))

    # ---- mutes

    async def mute(self, target: str, until: datetime) -> None:
        await self._write(
            "INSERT OR REPLACE INTO mutes (target, until) VALUES (?, ?)", target, until.timestamp()
        )

    async def unmute(self, target: str) -> None:
        await self._write("DELETE FROM mutes WHERE target = ?", target)

    async def muted(self, now: datetime) -> frozenset[str]:
        rows = await self._rows("SELECT target FROM mutes WHERE until > ?", now.timestamp())
        return frozenset(row[0] for row in rows)

    # ---- the audit trail

    async def append(self, entry: Entry) -> None:
        def write() -> chain.Link:
            with self._transaction() as db:
                link = chain.seal(entry, Head(*db.execute("SELECT count, hash FROM audit_head").fetchone()))
                db.execute(
                    "INSERT INTO audit (position, incident, body, hash) VALUES (?, ?, ?, ?)",
                    (link.position, link.incident, link.body, link.hash),
                )
                db.execute("UPDATE audit_head SET count = ?, hash = ?", (link.position, link.hash))
                return link

        chain.tell_log(await self._run(write))

    async def entries(self, incident_id: str = "") -> AsyncIterator[Entry]:
        seen = 0
        while links := await self._links(seen, incident_id):
            for link in links:
                yield chain.entry_of(link)
            seen = links[-1].position

    async def head(self) -> Head:
        rows = await self._rows("SELECT count, hash FROM audit_head")
        return Head(*rows[0]) if rows else Head(0, "")

    async def verify(self) -> Broken | None:
        return await chain.first_break(self._links, self.head)

    async def _links(self, after: int, incident_id: str = "") -> Sequence[chain.Link]:
        rows = await self._rows(
            "SELECT position, incident, body, hash FROM audit"
            " WHERE position > ?1 AND (?2 = '' OR incident = ?2) ORDER BY position LIMIT ?3",
            after, incident_id, _PAGE,
        )  # fmt: skip
        return [chain.Link(*row) for row in rows]

    # ---- threads

    async def refs(self, incident_id: str, chat: str) -> Mapping[str, Posted]:
        rows = await self._rows(
            "SELECT key, ref, digest, channel FROM posted WHERE incident = ? AND chat = ?", incident_id, chat
        )
        return {row[0]: Posted(*row[1:]) for row in rows}

    async def intend(self, incident_id: str, chat: str, key: str, channel: str = "") -> None:
        await self._write(
            "INSERT OR IGNORE INTO posted (incident, chat, key, ref, digest, channel)"
            " VALUES (?, ?, ?, '', '', ?)",
            incident_id, chat, key, channel,
        )  # fmt: skip

    async def remember(self, incident_id: str, chat: str, key: str, posted: Posted) -> None:
        await self._write(
            "INSERT OR REPLACE INTO posted (incident, chat, key, ref, digest, channel)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            incident_id, chat, key, posted.ref, posted.digest, posted.channel,
        )  # fmt: skip

    async def find_thread(self, chat: str, channel: str, root_ref: str) -> str | None:
        rows = await self._rows(
            "SELECT incident FROM posted WHERE chat = ? AND channel = ? AND ref = ? AND ref != ''"
            " ORDER BY rowid DESC LIMIT 1",
            chat, channel, root_ref,
        )  # fmt: skip
        return rows[0][0] if rows else None

    # ---- addresses

    async def address(self, chat: str, place: str) -> str | None:
        rows = await self._rows("SELECT address FROM addresses WHERE chat = ? AND place = ?", chat, place)
        return rows[0][0] if rows else None

    async def learn(self, chat: str, place: str, address: str) -> None:
        await self._write(
            "INSERT OR REPLACE INTO addresses (chat, place, address) VALUES (?, ?, ?)", chat, place, address
        )

    async def forget(self, chat: str, place: str) -> None:
        await self._write("DELETE FROM addresses WHERE chat = ? AND place = ?", chat, place)

    # ---- what happens once, and who does it

    async def first_time(self, event: str, ttl: timedelta) -> bool:
        return await self._run(lambda: self._claim("delivery " + event, "", ttl))

    async def hold(self, name: str, owner: str, ttl: timedelta) -> bool:
        return await self._run(lambda: self._claim("lease " + name, self._signed(owner), ttl))

    async def release(self, name: str, owner: str) -> None:
        def write() -> None:
            with self._transaction() as db:
                db.execute(
                    "DELETE FROM claims WHERE name = ? AND owner = ?", ("lease " + name, self._signed(owner))
                )

        await self._run(write)

    def _signed(self, owner: str) -> str:
        return f"{owner} {self._presence.mark()}"

    def _claim(self, name: str, owner: str, ttl: timedelta) -> bool:
        """Without an owner nobody can claim it again, and with one only that one."""
        now = self._clock()
        with self._transaction() as db:
            db.execute("DELETE FROM claims WHERE until <= ?", (now.timestamp(),))
            row = db.execute("SELECT owner FROM claims WHERE name = ?", (name,)).fetchone()
            if row and not (owner and (row[0] == owner or self._is_orphan(row[0]))):
                return False
            db.execute(
                "INSERT OR REPLACE INTO claims (name, owner, until) VALUES (?, ?, ?)",
                (name, owner, (now + ttl).timestamp()),
            )
            return True

    def _is_orphan(self, owner: str) -> bool:
        _, signed, mark = owner.rpartition(" ")
        return bool(signed) and self._presence.is_gone(mark)

    # ---- the one thread that talks to SQLite, and reads and writes JSON: a big incident takes a while

    async def _read(self, query: str, *values: int) -> tuple[Incident, ...]:
        return await self._run(lambda: readable(self._codec, self._db.execute(query, values)))

    async def _rows(self, query: str, *values: str | int | float) -> list[tuple[Any, ...]]:
        return await self._run(lambda: self._db.execute(query, values).fetchall())

    async def _write(self, statement: str, *values: str | int | float) -> None:
        def write() -> None:
            with self._transaction() as db:
                db.execute(statement, values)

        await self._run(write)

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, call)
        except (sqlite3.Error, OSError) as error:
            raise StoreDown(f"SQLite: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db.in_transaction:  # its end could not be written, nor taken back then
            self._db.execute("ROLLBACK")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some errors have ended it already
                self._db.execute("ROLLBACK")
            raise
