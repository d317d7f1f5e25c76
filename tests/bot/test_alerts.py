"""Alerts by HTTP: whoever does not know the token is told nothing; whatever is posted, nothing breaks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.alerts import eventbridge
from bot.web import Listener, Metrics, application
from checks.secret import Secret

TOKEN = "a-token-that-nobody-guesses"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


class Ears:
    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.url = ""

    def hear(self, event: Any) -> bool:
        self.heard.append(event)
        return isinstance(event, dict) and event.get("source") == "aws.ecs"

    async def post(self, body: bytes, **headers: str) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=body, headers=headers) as answer,
        ):
            return answer.status


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    async def ready() -> str:
        return ""

    made = Ears()
    route = eventbridge(Secret(TOKEN), made.hear)
    listener = Listener(application(ready, Metrics(), [route]), "127.0.0.1", 0)
    [(host, port)] = await listener.start()
    made.url = f"http://{host}:{port}/alerts/eventbridge"
    yield made
    await listener.stop()


async def test_an_event_is_taken(ears: Ears) -> None:
    event = {"source": "aws.ecs", "detail": {"a": 1}}
    assert await ears.post(json.dumps(event).encode(), **RIGHT) == 202
    assert ears.heard == [event]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer é",
    ],
)
async def test_without_the_token_nothing_is_heard(ears: Ears, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    assert await ears.post(b"{}", **headers) == 401
    assert ears.heard == []


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"text"', b'{"source": "aws.ec2"}'])
async def test_what_is_nothing_for_us_is_taken_all_the_same(ears: Ears, body: bytes) -> None:
    assert await ears.post(body, **RIGHT) == 202


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_is_told_as_such(ears: Ears, body: bytes) -> None:
    assert await ears.post(body, **RIGHT) == 400
    assert ears.heard == []


async def test_what_is_too_large_is_not_read(ears: Ears) -> None:
    assert await ears.post(b" " * (256 * 1024) + b"{}", **RIGHT) == 413
    assert ears.heard == []
