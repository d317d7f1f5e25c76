"""What listeners begin is done or told to the log, and an answer is given once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.chat.errands import Errands
from bot.chat.message import Message, Paragraph
from bot.chat.platform import ChatDown, ChatRefused, Place
from tests.fakes.chat import Room
from tests.fakes.doors import Clock

HELLO = Message("answer", "hello", (Paragraph(("hello",)),))
HERE = Place("alerts")


@pytest.fixture
def errands() -> Errands:
    return Errands(Clock().pause)


async def test_an_answer_whose_own_answer_was_lost_is_not_given_twice(errands: Errands) -> None:
    room = Room(loses=1)
    await errands.post(room, HERE, HELLO, "event 1", "ana")
    assert [what for what, _ in room.calls] == ["post", "find"]
    assert len(room.said) == 1


async def test_an_answer_waits_until_the_chat_is_there_again(errands: Errands) -> None:
    room = Room(down=[ChatDown("busy"), ChatDown("busy")])
    await errands.post(room, HERE, HELLO, "event 1", "ana")
    assert len(room.said) == 1


@pytest.mark.parametrize(
    ("room", "why"),
    [
        (Room(refuses={"alerts"}), "there is no channel alerts"),
        (Room(down=[ChatDown("busy")] * 9), "busy; that was the last try"),
    ],
    ids=["refused", "down"],
)
async def test_an_answer_that_cannot_be_given_is_told_to_the_log_once(
    errands: Errands, room: Room, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    await errands.post(room, HERE, HELLO, "event 1", "ana")
    told = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    assert told == [f"an answer to ana could not be given: {why}"]


async def test_what_is_on_its_way_is_finished_and_what_takes_too_long_is_given_up(
    errands: Errands, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    async def soon() -> None:
        await asyncio.sleep(0.01)
        done.append("soon")

    errands.start(soon(), "what ana said")
    never = errands.start(asyncio.Event().wait(), "what ben said")
    await errands.finish(0.1)
    assert done == ["soon"]
    assert never.cancelled()
    assert [one.getMessage() for one in caplog.records] == ["given up, for we are told to end: what ben said"]


@pytest.mark.parametrize("error", [ChatRefused("the token was revoked"), ValueError("a fault of ours")])
async def test_what_goes_wrong_is_told_and_only_a_fault_with_where(
    errands: Errands, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise error

    task = errands.start(fail(), "what ana said")
    await asyncio.wait({task})
    await asyncio.sleep(0)
    [told] = caplog.records
    assert told.getMessage() == f"what ana said could not be taken to the desk: {error}"
    assert bool(told.exc_info) is isinstance(error, ValueError)
