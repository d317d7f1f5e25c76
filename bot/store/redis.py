"""State in Redis, shared by several replicas.

Compare-and-set and the audit trail's chain are Lua scripts (``bot.store.scripts``). Durable is what
Redis makes durable: run it with ``appendonly yes``, and with ``appendfsync always`` if the last
second before a power cut matters. One server or a Sentinel group; not a Redis Cluster, for the
scripts touch several keys. All keys begin with ``pullbot:``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from bot.store import chain, scripts
from bot.store.codec import Codec, json_bytes, readable
from bot.store.ports import KEPT_AFTER_CLOSING, Broken, Head, Posted, StoreDown
from handlers.incident import CLOSED, Incident
from handlers.world import Entry, NoSuchIncident, Stale

_P = "pullbot:"
_INCIDENTS = _P + "incidents"
_UNFINISHED = _P + "unfinished"
_MUTES = _P + "mutes"
_AUDIT = _P + "audit"
_AUDIT_HEAD = _P + "audit-head"
_REFS = _P + "ref:"
_PAGE = 500
_PATIENCE = 6.0


class RedisState:
    """``bot.store.ports.State`` in Redis. ``client`` answers bytes (no ``decode_responses``).

    ``patience``: seconds that one call may take, with everything the client tries again by itself.
    """

    def __init__(self, client: Redis, codec: Codec, patience: float = _PATIENCE) -> None:
        self._codec = codec
        self._patience = patience
        self._redis: Any = client  # redis-py annotates one class for both its sync and its async answers
        self._save = client.register_script(scripts.SAVE)
        self._remember = client.register_script(scripts.REMEMBER)
        self._append = client.register_script(scripts.APPEND)
        self._claim = client.register_script(scripts.CLAIM)
        self._release = client.register_script(scripts.RELEASE)

    @classmethod
    def at(cls, url: str, codec: Codec, patience: float = _PATIENCE) -> RedisState:
        """``url`` as redis-py takes it: ``redis://[user:password@]host:port/database``."""
        again = Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), retries=2)
        client = Redis.from_url(
            url,
            health_check_interval=30,
            socket_connect_timeout=patience / 2,
            socket_timeout=patience / 2,
            retry=again,
        )
        return cls(client, codec, patience)

    async def close(self) -> None:
        await self._redis.aclose()

    async def concerns(self) -> tuple[str, ...]:
        async with self._reaching():
            told = {**await self._redis.info("persistence"), **await self._redis.info("memory")}
        found = []
        if not told.get("aof_enabled"):
            found.append("Redis keeps no append-only file, so a crash loses approvals: set appendonly yes")
        if told.get("maxmemory_policy", "noeviction") != "noeviction":
            found.append("Redis may drop incidents when memory is short: set maxmemory-policy noeviction")
        return tuple(found)

    # ---- incidents

    async def load(self, incident_id: str) -> Incident:
        async with self._reaching():
            body = await self._redis.hget(_incident(incident_id), "body")
        if body is None:
            raise NoSuchIncident(incident_id)
        return await asyncio.to_thread(self._codec.decode, body)

    async def save(self, incident: Incident) -> None:
        keep = int(KEPT_AFTER_CLOSING.total_seconds()) if incident.stage in CLOSED else ""
        body = await asyncio.to_thread(self._codec.encode, incident)
        async with self._reaching():
            stored = await self._save(
                [_incident(incident.id), _thread(incident.id), _INCIDENTS, _UNFINISHED],
                [incident.id, incident.version, body, incident.opened.timestamp(), uuid4().hex, keep, _REFS],
            )
        if stored:
            raise Stale(f"incident {incident.id} is at version {stored.decode()}, not {incident.version - 1}")

    async def unfinished(self) -> tuple[Incident, ...]:
        async with self._reaching():
            ids = await self._redis.zrange(_UNFINISHED, 0, -1)
            found = await self._bodies(ids)
        return await asyncio.to_thread(readable, self._codec, found)

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        async with self._reaching():
            while True:
                ids = await self._redis.zrevrange(_INCIDENTS, 0, limit - 1)
                found = await self._bodies(ids)
                gone = {one.decode() for one in ids} - {one for one, _ in found}
                if not gone:
                    break
                await self._redis.zrem(_INCIDENTS, *gone)  # their thirty days are over
        return await asyncio.to_thread(readable, self._codec, found)

    async def _bodies(self, ids: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """Of those that are still kept."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hget(_incident(one.decode()), "body")
            bodies = await pipe.execute()
        return [(one.decode(), body) for one, body in zip(ids, bodies, strict=True) if body is not None]

    # ---- mutes

    async def mute(self, target: str, until: datetime) -> None:
        async with self._reaching():
            await self._redis.zadd(_MUTES, {target: until.timestamp()})

    async def unmute(self, target: str) -> None:
        async with self._reaching():
            await self._redis.zrem(_MUTES, target)

    async def muted(self, now: datetime) -> frozenset[str]:
        async with self._reaching():
            targets = await self._redis.zrangebyscore(_MUTES, f"({now.timestamp()!r}", "+inf")
        return frozenset(target.decode() for target in targets)

    # ---- the audit trail

    async def append(self, entry: Entry) -> None:
        token = uuid4().hex
        while True:  # ends: each round lost means that another append was won
            head = await self.head()
            link = chain.seal(entry, head)
            async with self._reaching():
                won = await self._append(
                    [_AUDIT, _AUDIT_HEAD],
                    [head.hash, link.position, link.incident, link.body, link.hash, token],
                )
            if won:
                return chain.tell_log(link)

    async def entries(self, incident_id: str = "") -> AsyncIterator[Entry]:
        seen = 0
        while links := await self._links(seen):
            for link in links:
                if incident_id in ("", link.incident):
                    yield chain.entry_of(link)
            seen = links[-1].position

    async def head(self) -> Head:
        async with self._reaching():
            count, last = await self._redis.hmget(_AUDIT_HEAD, "count", "hash")
        return Head(int(count or 0), (last or b"").decode())

    async def verify(self) -> Broken | None:
        return await chain.first_break(self._links, self.head)

    async def _links(self, after: int) -> Sequence[chain.Link]:
        async with self._reaching():
            rows = await self._redis.xrange(_AUDIT, min=f"{after + 1}-0", count=_PAGE)
        return [_link(position, fields) for position, fields in rows]

    # ---- threads

    async def refs(self, incident_id: str, chat: str) -> Mapping[str, Posted]:
        async with self._reaching():
            fields = await self._redis.hgetall(_thread(incident_id))
        mine = ((name.decode().partition("/"), value) for name, value in fields.items())
        return {key: Posted(**orjson.loads(value)) for (owner, _, key), value in mine if owner == chat}

    async def intend(self, incident_id: str, chat: str, key: str, channel: str = "") -> None:
        async with self._reaching():
            value = json_bytes(asdict(Posted("", "", channel)))
            await self._redis.hsetnx(_thread(incident_id), f"{chat}/{key}", value)

    async def remember(self, incident_id: str, chat: str, key: str, posted: Posted) -> None:
        async with self._reaching():
            await self._remember(
                [_incident(incident_id), _thread(incident_id), _ref(chat, posted.channel, posted.ref)],
                [f"{chat}/{key}", json_bytes(asdict(posted)), incident_id],
            )

    async def find_thread(self, chat: str, channel: str, root_ref: str) -> str | None:
        async with self._reaching():
            found = await self._redis.get(_ref(chat, channel, root_ref))
        return found.decode() if found else None

    # ---- addresses

    async def address(self, chat: str, place: str) -> str | None:
        async with self._reaching():
            found = await self._redis.hget(_addresses(chat), place)
        return None if found is None else found.decode()

    async def learn(self, chat: str, place: str, address: str) -> None:
        async with self._reaching():
            await self._redis.hset(_addresses(chat), place, address)

    async def forget(self, chat: str, place: str) -> None:
        async with self._reaching():
            await self._redis.hdel(_addresses(chat), place)

    # ---- what happens once, and who does it

    async def first_time(self, event: str, ttl: timedelta) -> bool:
        async with self._reaching():
            return bool(await self._claim([f"{_P}delivery:{event}"], [uuid4().hex, _milliseconds(ttl)]))

    async def hold(self, name: str, owner: str, ttl: timedelta) -> bool:
        async with self._reaching():
            return bool(await self._claim([f"{_P}lease:{name}"], [owner, _milliseconds(ttl)]))

    async def release(self, name: str, owner: str) -> None:
        async with self._reaching():
            await self._release([f"{_P}lease:{name}"], [owner])

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError as error:
            raise StoreDown(f"Redis did not answer within {self._patience:g} s") from error
        except (RedisError, OSError) as error:
            raise StoreDown(f"Redis: {error}") from error


def _incident(incident_id: str) -> str:
    return f"{_P}incident:{incident_id}"


def _thread(incident_id: str) -> str:
    return f"{_P}thread:{incident_id}"


def _addresses(chat: str) -> str:
    """A hash that never expires, by place."""
    return f"{_P}addresses:{chat}"


def _ref(chat: str, channel: str, ref: str) -> str:
    return f"{_REFS}{chat}:{channel}:{ref}"


def _milliseconds(span: timedelta) -> int:
    return max(1, span // timedelta(milliseconds=1))


def _link(position: bytes, fields: Mapping[bytes, bytes]) -> chain.Link:
    """What is missing or odd becomes a link whose hash cannot fit."""
    return chain.Link(
        int(position.partition(b"-")[0]),
        fields.get(b"incident", b"").decode(errors="replace"),
        fields.get(b"body", b""),
        fields.get(b"hash", b"").decode(errors="replace"),
    )
