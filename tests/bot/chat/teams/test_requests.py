"""Who may tell us what: everything else is refused with the right status, told once, and does nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.chat.teams.activity import Inbound, Words
from bot.chat.teams.places import Places
from bot.chat.teams.requests import Requests
from bot.chat.teams.tokens import Gate
from bot.settings_shape import Teams
from bot.web import Listener, Metrics, application
from tests.bot.chat.teams.activities import activity, pressed, said
from tests.fakes.entra import APP, DOWN, SERVICE, TENANT, Entra
from tests.fakes.teams_desk import Shelf

HOSTS = ("*.trafficmanager.net", "*.botframework.com")


@dataclass
class Door:
    """The bot's, with Microsoft beside it."""

    entra: Entra
    session: aiohttp.ClientSession
    requests: Requests
    url: str = ""
    taken: list[Inbound] = field(default_factory=list)

    async def send(self, body: Any, *, token: str | None = None, **headers: str) -> tuple[int, str]:
        """``body`` as JSON, or bytes as they are; the right token unless told otherwise."""
        authorization = self.entra.bearer(service_url=SERVICE) if token is None else token
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        known = {"Content-Type": "application/json", **headers}
        if authorization:
            known["Authorization"] = authorization
        async with self.session.post(self.url, data=sent, headers=known) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    entra = Entra()
    await entra.start()
    gate = Gate(entra.metadata, APP)
    gate.open()
    async with serving(gate, TENANT, Teams(service_hosts=HOSTS), entra) as door:
        yield door
    await gate.close()
    await entra.stop()


@pytest.fixture
async def unlocked() -> AsyncIterator[Door]:
    """As with teams.local: nobody signs anything."""
    async with serving(None, "", Teams(local=True), Entra()) as door:
        yield door


@asynccontextmanager
async def serving(gate: Gate | None, tenant: str, settings: Teams, entra: Entra) -> AsyncIterator[Door]:
    taken: list[Inbound] = []

    async def take(inbound: Inbound) -> dict[str, Any] | None:
        taken.append(inbound)
        return None if isinstance(inbound, Words) else {"statusCode": 200}

    async def ready() -> str:
        return ""

    requests = Requests(gate, tenant, Places(Shelf(), settings).is_trusted, take)
    routes = [web.post("/api/messages", requests.take)]
    listener = Listener(application(ready, Metrics(), routes), "127.0.0.1", 0)
    [(host, port)] = await listener.start()
    async with aiohttp.ClientSession() as session:
        yield Door(entra, session, requests, f"http://{host}:{port}/api/messages", taken)
    await listener.stop()


def ours(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """From the fake's tenant."""
    told = json.loads(json.dumps(body))
    told["conversation"]["tenantId"] = told["channelData"]["tenant"]["id"] = TENANT
    return {**told, "serviceUrl": SERVICE, **more}


async def test_what_teams_says_is_taken_and_answered(door: Door) -> None:
    assert await door.send(ours(said("why"))) == (200, "")
    assert await door.send(ours(pressed("fix 1a2b3c4d"))) == (200, '{"statusCode":200}')
    assert len(door.taken) == 2


ELSEWHERE = ours(said("why"))
ELSEWHERE["channelData"]["tenant"]["id"] = "22222222-2222-4222-8222-222222222222"
NOWHERE = ours(said("why"))
del NOWHERE["channelData"], NOWHERE["conversation"]["tenantId"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b'"why"', 400),
        (b"[" * 100_000, 400),
        (ours(activity("teleport")), 501),
        (ours(activity("invoke", name="task/fetch")), 501),
        (ours(pressed("x", verb="execute")), 400),
        (ours(said("why"), conversation={"id": "", "tenantId": TENANT}), 400),
        (ELSEWHERE, 403),
        (NOWHERE, 403),
        (b" " * (256 * 1024 + 1), 413),
    ],
    ids=range(12),
)
async def test_what_is_signed_and_no_use_has_its_status_and_is_told_once(
    door: Door, caplog: pytest.LogCaptureFixture, body: Any, status: int
) -> None:
    caplog.set_level(logging.INFO)
    answered, _ = await door.send(body)
    assert answered == status
    assert door.taken == []
    told = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(told) <= 1
    assert all("Bearer" not in one.getMessage() and "eyJ" not in one.getMessage() for one in told)


async def test_a_body_without_a_length_is_bounded_too(door: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    headers = {"Authorization": door.entra.bearer()}
    async with door.session.post(door.url, data=endless(), headers=headers) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x.y.z", "Basic YWxpY2U6c2VjcmV0"])
async def test_whoever_has_no_token_of_microsofts_is_nobody(door: Door, token: str) -> None:
    assert (await door.send(ours(said("why")), token=token))[0] == 401
    assert (await door.send(b"{", token=""))[0] == 401
    assert door.taken == []


async def test_a_token_for_another_bot_or_of_yesterday_opens_nothing(door: Door) -> None:
    other = door.entra.bearer(app="99999999-9999-4999-8999-999999999999")
    assert (await door.send(ours(said("why")), token=other))[0] == 401
    late = door.entra.bearer(at=1_700_000_000)
    assert (await door.send(ours(said("why")), token=late))[0] == 401
    assert door.taken == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net@evil.example.com/",
        "https://trafficmanager.net.evil.example.com/",
        "https://evil.example\\.trafficmanager.net/",  # for requests that is evil.example
        "https://smba.trafficmanager.net:99999/",
        "https://smba.trafficmanager.net:port/",
        "https://smba.trafficmanager.net/emea\r\nHost: x/",
        "https://smba.trafficmanager.net/emea /",
        "https://smba.trafficmanager.net/emea/?x=",
        "https://smba.trafficmanager.net/emea/#x",
        "https://[::1/",
        "",
        "file:///etc/passwd",
    ],
)
async def test_an_answer_goes_nowhere_but_to_microsoft_whoever_signed_the_address(
    door: Door, url: str
) -> None:
    token = door.entra.bearer(service_url=url)
    status, _ = await door.send(ours(said("why"), serviceUrl=url), token=token)
    assert status in (401, 403)
    assert door.taken == []


async def test_the_address_is_the_one_that_was_signed(door: Door) -> None:
    other = "https://other.trafficmanager.net/"
    assert (await door.send(ours(said("why"), serviceUrl=other)))[0] in (401, 403)
    assert door.taken == []


@pytest.mark.parametrize("channel", ["webchat", "directline", "emulator", ""])
async def test_only_teams_vouches_for_who_somebody_is(door: Door, channel: str) -> None:
    door.entra.endorse("msteams", "webchat", "directline", "emulator")
    status, _ = await door.send(ours(said("why"), channelId=channel))
    assert status in (401, 403)
    assert door.taken == []


async def test_what_cannot_be_judged_now_is_asked_for_again(door: Door) -> None:
    door.entra.trouble = {"metadata": DOWN, "keys": DOWN}
    assert (await door.send(ours(said("why"))))[0] == 503
    door.entra.trouble = {}
    door.requests.close()
    assert (await door.send(ours(said("why"))))[0] == 503
    assert door.taken == []


LOCAL = "http://localhost:56150/_connector"


async def test_without_signatures_whoever_is_on_this_machine_is_believed(unlocked: Door) -> None:
    assert (await unlocked.send(ours(said("why"), serviceUrl=LOCAL), token=""))[0] == 200
    assert len(unlocked.taken) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain;charset=UTF-8"},  # what a page may send anywhere, unasked
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Host": "evil.example:8080"},  # a name that was made to lead to 127.0.0.1
        {"Host": "127.0.0.1.evil.example"},
    ],
    ids=str,
)
async def test_without_signatures_no_page_in_a_browser_of_this_machine_is_anybody(
    unlocked: Door, headers: dict[str, str]
) -> None:
    status, _ = await unlocked.send(ours(said("why"), serviceUrl=LOCAL), token="", **headers)
    assert status == 403
    assert unlocked.taken == []
