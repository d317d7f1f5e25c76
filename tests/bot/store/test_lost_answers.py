"""A network that swallows an answer must not make us do, or believe we lost, what Redis has done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from bot.store import State, open_state
from handlers.incident import Incident
from handlers.world import Entry, Stale
from tests.bot.store.versions import counted

pytestmark = pytest.mark.parametrize("where", ["redis"], indirect=True)


class Wire:
    """A TCP proxy in front of Redis that, when told, cuts the line instead of passing an answer on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._until_loss = 0
        self._server: asyncio.Server | None = None
        self.lost = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def lose_answer(self, number: int = 1) -> None:
        """``number`` 1: the next one."""
        self._until_loss = number

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs_in, theirs_out = await asyncio.open_connection("127.0.0.1", self._target)
        asking = asyncio.create_task(self._pass_on(reader, theirs_out))
        try:
            while answer := await theirs_in.read(65536):
                self._until_loss -= 1
                if self._until_loss == 0:
                    self.lost += 1
                    return
                writer.write(answer)
                await writer.drain()
        finally:
            asking.cancel()
            for one in (writer, theirs_out):
                one.close()

    @staticmethod
    async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while said := await source.read(65536):
            sink.write(said)
            await sink.drain()
        sink.close()


@pytest.fixture
async def wire(where: str) -> AsyncIterator[Wire]:
    port = urlsplit(where).port
    assert port is not None
    proxy = Wire(port)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def shaky(wire: Wire) -> AsyncIterator[State]:
    """The store as seen over that wire, its scripts loaded."""
    state = open_state(wire.url)
    assert await state.first_time("warm up", timedelta(hours=1))
    yield state
    await state.close()


async def test_a_save_whose_answer_was_lost_is_not_mistaken_for_a_rival(
    shaky: State, state: State, wire: Wire, incident: Callable[..., Incident]
) -> None:
    await shaky.save(incident())
    closed = counted(incident().resolved("recovered"))
    wire.lose_answer()
    await shaky.save(closed)
    assert wire.lost == 1
    assert await state.load("a1") == closed
    with pytest.raises(Stale):
        await state.save(closed)


async def test_an_entry_whose_answer_was_lost_is_written_once(shaky: State, state: State, wire: Wire) -> None:
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    for number, what in enumerate(["requested", "approved"], 1):
        wire.lose_answer(number)  # that to the question for the head; then that to the append itself
        await shaky.append(Entry(at, "a1", "alice", what))
    assert wire.lost == 2
    assert [one.what async for one in state.entries()] == ["requested", "approved"]
    assert await state.verify() is None


async def test_a_delivery_whose_answer_was_lost_is_still_new(shaky: State, wire: Wire) -> None:
    wire.lose_answer()
    assert await shaky.first_time("slack:Ev1", timedelta(hours=1))
    assert wire.lost == 1
    assert not await shaky.first_time("slack:Ev1", timedelta(hours=1))
