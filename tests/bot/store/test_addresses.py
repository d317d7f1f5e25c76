from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
import redis

from bot.store import State, StoreDown, open_state
from handlers.world import Entry

CHANNEL = "19:abc@thread.tacv2"


class Server(Protocol):
    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...


async def test_what_was_learnt_is_known_to_every_process(state: State, another: State) -> None:
    assert await state.address("teams", CHANNEL) is None
    await state.learn("teams", CHANNEL, '{"service_url": "https://smba.example/emea/"}')
    assert await another.address("teams", CHANNEL) == '{"service_url": "https://smba.example/emea/"}'


async def test_what_is_learnt_later_takes_the_place_of_all_that_was_known(state: State) -> None:
    await state.learn("teams", CHANNEL, "a long address of the first region")
    await state.learn("teams", CHANNEL, "another")
    assert await state.address("teams", CHANNEL) == "another"


async def test_places_and_chats_are_told_apart_whatever_is_in_their_names(state: State) -> None:
    names = [
        ("teams", "a:b"),
        ("teams:a", "b"),
        ("teams", "A:B"),
        ("teams", ""),
        ("teams", "19:å@thread.v2 '\"%*"),
    ]
    for number, (chat, place) in enumerate(names):
        await state.learn(chat, place, str(number))
    assert [await state.address(*one) for one in names] == ["0", "1", "2", "3", "4"]
    await state.forget("teams", "a:b")
    assert [await state.address(*one) for one in names] == [None, "1", "2", "3", "4"]


async def test_an_empty_address_is_one(state: State) -> None:
    await state.learn("teams", CHANNEL, "")
    assert await state.address("teams", CHANNEL) == ""


async def test_a_forgotten_place_can_be_learnt_again(state: State, another: State) -> None:
    await state.learn("teams", CHANNEL, "before")
    await state.forget("teams", CHANNEL)
    await state.forget("teams", CHANNEL)
    assert await another.address("teams", CHANNEL) is None
    await another.learn("teams", CHANNEL, "after")
    assert await state.address("teams", CHANNEL) == "after"


async def test_a_reader_sees_one_whole_address_while_two_processes_write(
    state: State, another: State
) -> None:
    ours, theirs = "a" * 4000, "b" * 4000
    await state.learn("teams", CHANNEL, ours)

    async def write(to: State, address: str) -> None:
        for _ in range(20):
            await to.learn("teams", CHANNEL, address)

    async def read() -> set[str | None]:
        return {await another.address("teams", CHANNEL) for _ in range(40)}

    seen, *_ = await asyncio.gather(read(), write(state, ours), write(another, theirs))
    assert seen <= {ours, theirs}


async def test_an_address_survives_a_restart(where: str) -> None:
    for address in ("first", "second"):
        state = open_state(where)
        await state.learn("teams", CHANNEL, address)
        await state.close()
    state = open_state(where)
    assert await state.address("teams", CHANNEL) == "second"
    await state.close()


@pytest.mark.parametrize("where", ["redis"], indirect=True)
async def test_an_address_in_redis_never_expires_and_is_ours_by_its_name(state: State, where: str) -> None:
    await state.learn("teams", CHANNEL, "there")
    with redis.Redis.from_url(where) as client:
        assert client.keys("*") == [b"pullbot:addresses:teams"]
        assert client.ttl("pullbot:addresses:teams") == -1


async def test_a_redis_that_is_away_loses_no_address_and_says_that_it_is_down(own_redis: Server) -> None:
    state = open_state(own_redis.url)
    await state.learn("teams", CHANNEL, "there")
    own_redis.kill()
    with pytest.raises(StoreDown, match="Redis"):
        await state.address("teams", CHANNEL)
    with pytest.raises(StoreDown, match="Redis"):
        await state.learn("teams", CHANNEL, "elsewhere")
    with pytest.raises(StoreDown, match="Redis"):
        await state.forget("teams", CHANNEL)
    own_redis.start()
    assert await state.address("teams", CHANNEL) == "there"
    await state.close()


async def test_a_file_from_before_there_were_addresses_gets_them_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "pullbot.db"
    state = open_state(str(path))
    await state.append(Entry(datetime(2026, 5, 4, 12, tzinfo=UTC), "a1", "alice", "approved"))
    await state.close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TABLE addresses; PRAGMA user_version = 1;")
    state = open_state(str(path))
    await state.learn("teams", CHANNEL, "there")
    assert await state.address("teams", CHANNEL) == "there"
    assert [one.what async for one in state.entries()] == ["approved"]
    await state.close()
