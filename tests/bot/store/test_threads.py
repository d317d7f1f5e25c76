from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from bot.store import Posted, State
from handlers.incident import Incident
from tests.bot.store.versions import counted


async def test_posted_messages_are_remembered_by_chat_and_key(state: State, another: State) -> None:
    root, facts = Posted("171.01", "d1", "C1"), Posted("171.02", "d2", "C1")
    await state.remember("a1", "slack", "root", root)
    await state.remember("a1", "slack", "facts:1", facts)
    await state.remember("a1", "teams", "root", Posted("t-1", "d3", "19:x@thread.tacv2"))
    await state.remember("b2", "slack", "root", Posted("171.09", "d4", "C1"))
    assert await another.refs("a1", "slack") == {"root": root, "facts:1": facts}
    assert await another.refs("c3", "slack") == {}


async def test_an_edit_replaces_the_digest(state: State) -> None:
    await state.remember("a1", "slack", "root", Posted("171.01", "old", "C1"))
    await state.remember("a1", "slack", "root", Posted("171.01", "new", "C1"))
    assert await state.refs("a1", "slack") == {"root": Posted("171.01", "new", "C1")}


async def test_an_intent_shows_until_the_message_is_posted(state: State, another: State) -> None:
    await state.intend("a1", "slack", "root", "C1")
    assert await another.refs("a1", "slack") == {"root": Posted("", "", "C1")}
    posted = Posted("171.01", "d", "C1")
    await state.remember("a1", "slack", "root", posted)
    await state.intend("a1", "slack", "root", "C1")
    assert await another.refs("a1", "slack") == {"root": posted}


async def test_a_thread_leads_to_its_incident(state: State, another: State) -> None:
    await state.remember("a1", "slack", "root", Posted("171.01", "d", "C1"))
    await state.intend("b2", "slack", "root", "C1")
    assert await another.find_thread("slack", "C1", "171.01") == "a1"
    for chat, channel, ref in [
        ("slack", "C2", "171.01"),
        ("teams", "C1", "171.01"),
        ("slack", "C1", "9"),
        ("slack", "C1", ""),
    ]:
        assert await another.find_thread(chat, channel, ref) is None


@pytest.mark.parametrize("where", ["redis"], indirect=True)
async def test_redis_forgets_a_thread_together_with_its_incident(
    state: State, where: str, incident: Callable[..., Incident]
) -> None:
    await state.save(incident())
    await state.remember("a1", "slack", "root", Posted("171.01", "d", "C1"))
    keys = ["pullbot:thread:a1", "pullbot:ref:slack:C1:171.01", "pullbot:ref:slack:C1:171.02"]
    with redis.Redis.from_url(where) as client:
        assert [client.ttl(key) for key in keys] == [-1, -1, -2]
        closed = counted(incident().resolved())
        await state.save(closed)
        await state.remember("a1", "slack", "closing", Posted("171.02", "d", "C1"))
        assert all(int(client.ttl(key)) > 29 * 86400 for key in keys)
        await state.save(counted(closed.look_again()))
        assert [client.ttl(key) for key in keys] == [-1, -1, -1]
