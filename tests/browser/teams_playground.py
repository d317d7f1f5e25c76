"""Microsoft's own client of Teams' bots, the Microsoft 365 Agents Playground, on a port of this machine.

It is a web page with one team in it, and a Bot Connector behind it; nobody signs anything. The page shows
only what is posted while it is open, and writes as its one user. Who presses a button, though, it says in a
request of its own: that is how a second person looks at it (``opened``).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yaml
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import free_port

_PROGRAM = Path(__file__).parents[1] / "playground/node_modules/@microsoft/m365agentsplayground/cli.js"
_POLL_SECONDS = 0.05
_START_SECONDS = 30
_SLOWLY = 30  # milliseconds between keys: the list of whom to mention opens while one types

Json = dict[str, Any]

CHANNEL = "19:1ma9e5u11s1ma9e5u11s1ma9@thread.tacv2"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    object_id: str

    @property
    def member(self) -> str:
        return f"29:{self.name.lower().replace(' ', '-')}"


ANA = Person("Ana Lima", "0a9d1c52-2f7c-4c0e-8d3b-3b1f6a2e9c01")
BEN = Person("Ben Okafor", "0a9d1c52-2f7c-4c0e-8d3b-3b1f6a2e9c02")
# It wants exactly five beside its user.
_OTHERS = (BEN, *(Person(one, f"0a9d1c52-2f7c-4c0e-8d3b-3b1f6a2e9c1{n}") for n, one in enumerate("CDEF")))


@dataclass(frozen=True, slots=True)
class Playground:
    url: str
    config: Json

    @property
    def connector(self) -> str:
        """The service url that it tells the bot."""
        return f"{self.url}/_connector"

    @property
    def channel(self) -> str:
        """The name that people see."""
        return str(self.config["team"]["channels"][0]["name"])


@asynccontextmanager
async def playground(folder: Path, bot: str, config: Json | None = None) -> AsyncIterator[Playground]:
    """:param bot: where activities are sent, ``http://…/api/messages``; it may come up later

    :param config: of the playground, ours if there is none
    :raises AssertionError: it does not start
    """
    assert _PROGRAM.exists(), "Microsoft's playground is wanted: `make test-browser` installs it"
    node = shutil.which("node")
    assert node, "node is wanted: `make test-browser` installs it"
    config = config or _ours()
    (folder / ".m365agentsplayground.yml").write_text(yaml.safe_dump(config), "utf-8")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        node, str(_PROGRAM), "start", "--app-endpoint", bot, "--channel-id", "msteams",
        "--port", str(port), "--disable-telemetry",
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder), "TEAMSAPPTESTER_BROWSER": "none"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        it = Playground(f"http://localhost:{port}", config)
        await _answers(it, process, folder)
        yield it
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(it: Playground, process: asyncio.subprocess.Process, folder: Path) -> None:
    team = f"{it.connector}/v3/teams/{it.config['team']['id']}"
    async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, f"the playground ended; why is in {folder}/devTools"
            with suppress(aiohttp.ClientError):
                async with session.get(team) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(_POLL_SECONDS)


def _ours() -> Json:
    return {
        "version": "0.1.1",
        "tenantId": "6f1d2a0c-5b1e-4c7e-9a55-0c4a6f3b1d10",
        "bot": {"id": "28:3c0f1e7a-8f60-4a6b-9d1e-2b7a4c5d6e7f", "name": "pullbot"},
        "currentUser": _user(ANA),
        "users": [_user(one) for one in _OTHERS],
        "personalChat": {"id": "a:ana-and-pullbot"},
        "groupChat": {"id": "19:9r0upchat@thread.v2", "name": "On call"},
        "team": {
            "id": "19:p1a7f0rmp1a7f0rmp1a7f0rm@thread.tacv2",
            "name": "Platform",
            "aadGroupId": "b7b0c1de-62a4-4f65-9a55-7f0d6c2e1101",
            "channels": [{"id": CHANNEL, "name": "image-pulls"}],
        },
    }


def _user(person: Person) -> Json:
    given, _, surname = person.name.partition(" ")
    address = f"{given.lower()}@example.com"
    return {
        "id": person.member,
        "name": person.name,
        "aadObjectId": person.object_id,
        "givenName": given,
        "surname": surname,
        "email": address,
        "userPrincipleName": address,
    }


# ---- its page


async def opened(browser: Browser, at: Playground, person: Person | None = None, *, scale: float = 1) -> Page:
    """The channel, as ``person`` sees it who presses buttons there: its user, if it is nobody else. What is
    written is its user's in any case.

    The window is high enough for whatever is posted in the meantime.
    """
    page = await browser.new_page(
        viewport={"width": 1280, "height": 4200}, color_scheme="light", device_scale_factor=scale
    )

    async def only_here(route: Route) -> None:
        """The page asks Microsoft for fonts."""
        if urlsplit(route.request.url).hostname == "localhost":
            await route.fallback()
        else:
            await route.abort()

    await page.route("**/*", only_here)
    if person is not None:
        pressing = _pressing_as(person)
        await page.route("**/_conversation/v1/invoke", pressing)
        await page.route("**/_conversation/v1/submit", pressing)
    await page.goto(at.url)
    await page.get_by_text(at.channel, exact=True).click()
    await expect(editor(page)).to_be_visible()
    return page


def _pressing_as(person: Person) -> Callable[[Route], Awaitable[None]]:
    async def pressed(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        await route.continue_(post_data=json.dumps(body | {"from": {"id": person.member}}))

    return pressed


def editor(page: Page, number: int = 0) -> Locator:
    """Where one writes: the first is for a new post, then there is one under each post."""
    return page.locator("[data-lexical-editor=true]").nth(number)


async def write(page: Page, text: str, *, in_thread: int | None = None, mention: bool = True) -> None:
    """The text, after ``@pullbot``: as a new post, or in a thread (0: the newest)."""
    await editor(page, 0 if in_thread is None else in_thread + 1).click()
    if mention:
        await page.keyboard.type("@pull", delay=_SLOWLY)
        await page.get_by_role("menuitem", name="pullbot").click()
    await page.keyboard.type(f" {text}")
    await page.keyboard.press("Enter")


def card(page: Page, kind: str) -> Locator:
    """The card of the message whose key names that."""
    return page.locator(".ac-adaptiveCard").filter(has=page.locator(f'[id^="pullbot:"][id*=":{kind}"]'))
