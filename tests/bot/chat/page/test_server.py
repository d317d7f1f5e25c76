"""The page over HTTP: what its own script may do, and what other web pages may not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from bot.chat.message import Button, Buttons, Message, Paragraph
from bot.chat.page.chat import PageChat, Persona
from bot.chat.page.server import routes
from bot.chat.platform import Answer, Mention, Place, Sender

ALERTS = Place("alerts")


def message(text: str) -> Message:
    return Message("answer", text, (Paragraph((text,)),))


@dataclass
class PoliteDesk:
    """Answers what it is told in public, and every click in private."""

    mentions: list[Mention] = field(default_factory=list)
    clicks: list[tuple[Sender, str]] = field(default_factory=list)

    async def mention(self, mention: Mention) -> Answer:
        self.mentions.append(mention)
        return Answer(message(f"you said {mention.text}"))

    async def click(self, sender: Sender, value: str, event: str) -> Answer:
        self.clicks.append((sender, value))
        return Answer(message(f"not you, {sender.name}"), private=True)

    async def shown(self, chat: str, channel: str, key: str) -> Answer:
        raise AssertionError("the page shows everything as it is now by itself")


@dataclass
class Browser:
    """One that has the page open: it sends what the page's script would."""

    session: ClientSession
    url: str

    async def send(self, path: str, body: dict[str, Any], **headers: str) -> ClientResponse:
        usual = {"Origin": self.url, "Content-Type": "application/json"}
        return await self.session.post(
            f"{self.url}{path}", data=json.dumps(body), headers={**usual, **headers}
        )

    async def events(self, person: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async with self.session.get(f"{self.url}/events", params={"person": person}) as stream:
            name = ""
            async for raw in stream.content:
                field_name, _, value = raw.decode().rstrip("\n").partition(": ")
                if field_name == "event":
                    name = value
                elif field_name == "data":
                    yield name, json.loads(value)


@pytest.fixture
def page() -> PageChat:
    return PageChat([Persona("ana", "Ana", "Developer"), Persona("ben", "Ben", "On call")])


@pytest.fixture
def desk() -> PoliteDesk:
    return PoliteDesk()


@pytest.fixture
async def browser(page: PageChat, desk: PoliteDesk) -> AsyncIterator[Browser]:
    app = web.Application()
    app.add_routes(routes(page, desk))
    async with TestServer(app, host="127.0.0.1") as server, ClientSession() as session:
        yield Browser(session, f"http://127.0.0.1:{server.port}")
        page.close()


async def test_the_page_and_its_files_come_with_a_strict_policy(browser: Browser) -> None:
    for path in ("/", "/page.css", "/page.js", "/blocks.js", "/icon.svg"):
        async with browser.session.get(browser.url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert answer.status == 200
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert await answer.text()


async def test_the_script_never_builds_html_from_text(browser: Browser) -> None:
    for path in ("/page.js", "/blocks.js"):
        async with browser.session.get(browser.url + path) as answer:
            script = await answer.text()
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in script


async def test_what_is_said_is_posted_and_answered_in_its_thread(
    browser: Browser, page: PageChat, desk: PoliteDesk
) -> None:
    answer = await browser.send("/say", {"person": "ana", "channel": "alerts", "text": "@pullbot: why <b>"})
    ref = (await answer.json())["ref"]
    assert [(one.sender, one.text, one.ref) for one in desk.mentions] == [
        (Sender("page", "ana", "Ana"), "why <b>", ref)
    ]
    said, answered = page.since(0, "ben")
    assert (said.author, said.content["fallback"]) == ("ana", "@pullbot: why <b>")
    assert (answered.place, answered.content["fallback"]) == (Place("alerts", ref), "you said why <b>")


async def test_words_to_nobody_get_a_hint_that_only_their_sender_sees(
    browser: Browser, page: PageChat, desk: PoliteDesk
) -> None:
    await browser.send("/say", {"person": "ana", "channel": "alerts", "text": "good morning"})
    assert desk.mentions == []
    assert len(page.since(0, "ana")) == 2
    assert len(page.since(0, "ben")) == 1


async def test_a_press_reaches_the_desk_and_its_private_answer_only_the_presser(
    browser: Browser, page: PageChat, desk: PoliteDesk
) -> None:
    buttons = Message("root", "down", (Buttons((Button("Fix", "fix 1a2b3c4d"),)),))
    ref = await page.post(ALERTS, buttons, "k")
    answer = await browser.send("/press", {"person": "ben", "ref": ref, "value": "fix 1a2b3c4d"})
    assert answer.status == 200
    assert desk.clicks == [(Sender("page", "ben", "Ben"), "fix 1a2b3c4d")]
    assert [post.content["fallback"] for post in page.since(0, "ben")] == ["down", "not you, Ben"]
    assert [post.content["fallback"] for post in page.since(0, "ana")] == ["down"]


async def test_the_stream_begins_with_everything_and_goes_on_with_changes(
    browser: Browser, page: PageChat
) -> None:
    root = await page.post(ALERTS, message("down"), "k")
    events = browser.events("ana")
    name, snapshot = await anext(events)
    assert name == "snapshot"
    assert [post["ref"] for post in snapshot["posts"]] == [root]
    assert [one["name"] for one in snapshot["people"]] == ["Ana", "Ben"]
    await page.edit(ALERTS, root, message("up"), "k")
    name, post = await anext(events)
    assert (name, post["ref"], post["fallback"], post["edited"]) == ("post", root, "up", True)


async def test_who_picked_nobody_is_the_first_person(browser: Browser) -> None:
    _, snapshot = await anext(browser.events(""))
    assert snapshot["you"] == "ana"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Content-Type": "text/plain"},
        {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
    ],
)
async def test_another_web_page_can_press_nothing(
    browser: Browser, page: PageChat, desk: PoliteDesk, headers: dict[str, str]
) -> None:
    ref = await page.post(ALERTS, message("down"), "k")
    answer = await browser.send("/press", {"person": "ben", "ref": ref, "value": "fix 1a2b3c4d"}, **headers)
    assert answer.status == 403
    assert desk.clicks == []


async def test_a_domain_pointed_at_this_machine_reads_nothing(browser: Browser) -> None:
    headers = {"Host": "evil.example"}
    async with browser.session.get(f"{browser.url}/events?person=ana", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/say", {"person": "eve", "channel": "alerts", "text": "hi"}, "none of the page's people"),
        ("/say", {"person": "ana", "channel": "alerts", "text": "  "}, "say something"),
        ("/say", {"person": "ana", "channel": "alerts", "text": "x" * 2001}, "at most 2000"),
        ("/say", {"person": "ana", "channel": "nowhere", "text": "hi"}, "no channel #nowhere"),
        ("/say", {"person": "ana", "channel": "alerts", "text": 3}, "text should be text"),
        ("/press", {"person": "ana", "ref": "m99", "value": "x"}, "reload the page"),
    ],
)
async def test_bad_input_is_told_what_is_wrong(
    browser: Browser, page: PageChat, path: str, body: dict[str, Any], why: str
) -> None:
    answer = await browser.send(path, body)
    assert answer.status == 400
    assert why in await answer.text()
    assert page.since(0, "ana") == ()


async def test_what_is_not_json_is_refused(browser: Browser) -> None:
    headers = {"Origin": browser.url, "Content-Type": "application/json"}
    async with browser.session.post(f"{browser.url}/say", data="{", headers=headers) as answer:
        assert (answer.status, await answer.text()) == (400, "a JSON object is wanted\n")
