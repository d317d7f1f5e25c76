"""Posting to Slack on good days and bad: what is an error, who must act, and nothing is doubled or lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.chat.message import Button, Buttons, Code, Message, Paragraph
from bot.chat.platform import CannotEdit, ChatDown, ChatRefused, Place
from bot.chat.present import present
from bot.chat.screen import ChatScreen
from bot.chat.slack.api import Api, client
from bot.chat.slack.chat import SlackChat
from bot.chat.sync import retired
from bot.store.opening import open_state
from bot.store.ports import State
from bot.web import Listener
from checks.secret import Secret
from handlers import commands, intake
from handlers.flow import advance
from handlers.incident import Incident, Stage
from tests.fakes.doors import ANA, BEN, Clock, House, pull
from tests.fakes.slack import FakeSlack, serve_slack
from tests.fakes.slack_workspace import Channel, Said

ALERTS = Place("C0ALERTS")


def message(text: str, key: str = "root") -> Message:
    return Message(key, text, (Paragraph((text,)),))


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    others = [
        Channel("C0OTHER", joined=False),
        Channel("C0OLD", archived=True),
        Channel("C0LOCKED", restricted=True),
    ]
    async with serve_slack(channels=["C0ALERTS", "C0NEWS", *others]) as slack:
        yield slack


@pytest.fixture
def chat(slack: FakeSlack) -> SlackChat:
    return SlackChat(Api(client(slack.url, Secret(slack.bot_token))), every=0.0)


# ---- the port


async def test_a_root_and_its_reply_are_posted_and_found_again_by_key_and_place(
    slack: FakeSlack, chat: SlackChat
) -> None:
    root = await chat.post(ALERTS, message("down"), "1a2b3c4d:root")
    thread = Place("C0ALERTS", root)
    reply = await chat.post(thread, message("why"), "1a2b3c4d:diagnosis")
    [said] = slack.channel("C0ALERTS")
    assert (said.ts, said.text, [one.text for one in said.replies]) == (root, "down", ["why"])
    assert await chat.find(ALERTS, "1a2b3c4d:root") == root
    assert await chat.find(thread, "1a2b3c4d:diagnosis") == reply
    assert await chat.find(ALERTS, "1a2b3c4d:diagnosis") is None
    assert await chat.find(Place("C0NEWS"), "1a2b3c4d:root") is None


async def test_an_edit_replaces_what_people_see_and_keeps_the_key(slack: FakeSlack, chat: SlackChat) -> None:
    root = await chat.post(ALERTS, message("down"), "k:root")
    await chat.edit(ALERTS, root, message("up"), "k:root")
    [said] = slack.channel("C0ALERTS")
    assert (said.text, said.edits) == ("up", 1)
    assert await chat.find(ALERTS, "k:root") == root


async def test_a_message_is_found_behind_many_others(slack: FakeSlack, chat: SlackChat) -> None:
    root = await chat.post(ALERTS, message("down"), "k:root")
    for number in range(450):
        slack.say("U0ALICE", "C0ALERTS", f"chatter {number}")
    assert await chat.find(ALERTS, "k:root") == root
    assert slack.calls.count("conversations.history") == 3


async def test_only_our_own_messages_are_found(slack: FakeSlack, chat: SlackChat) -> None:
    metadata = {"event_type": "pullbot", "event_payload": {"key": "k:root"}}
    slack.say("U0ALICE", "C0ALERTS", "look, I am a bot", metadata=metadata)
    slack.say("U0OTHERBOT", "C0ALERTS", "so am I", metadata={"event_type": "pullbot", "event_payload": {}})
    assert await chat.find(ALERTS, "k:root") is None


# ---- errors


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("channel_not_found", "/invite @pullbot"),
        ("not_in_channel", "/invite @pullbot"),
        ("is_archived", "archived"),
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("token_revoked", "SLACK_BOT_TOKEN"),
        ("account_inactive", "SLACK_BOT_TOKEN"),
        ("restricted_action", "administrators"),
        ("msg_too_long", "report"),
        ("invalid_blocks", "report"),
        ("something_new", "docs/slack.md"),
    ],
)
async def test_what_will_not_pass_is_refused_and_says_what_to_do(
    slack: FakeSlack, chat: SlackChat, code: str, advice: str
) -> None:
    slack.fail_next(error=code)
    with pytest.raises(ChatRefused, match=advice) as caught:
        await chat.post(ALERTS, message("x"), "k:root")
    assert code in str(caught.value)
    assert slack.bot_token not in str(caught.value)


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("C0NONE", "channel_not_found"),
        ("C0OTHER", "not_in_channel"),
        ("C0OLD", "is_archived"),
        ("C0LOCKED", "restrict"),
    ],
)
async def test_channels_that_cannot_be_posted_to_are_refused(
    chat: SlackChat, channel: str, code: str
) -> None:
    with pytest.raises(ChatRefused, match=code):
        await chat.post(Place(channel), message("x"), "k:root")


async def test_what_slack_finds_too_long_is_sent_shorter_rather_than_not(
    slack: FakeSlack, chat: SlackChat
) -> None:
    slack.largest = 4000
    long = Message("root", "long", (Code("x" * 20_000), Buttons((Button("Approve", "approve"),))))
    root = await chat.post(ALERTS, long, "k:root")
    await chat.edit(ALERTS, root, long, "k:root")
    [said] = slack.channel("C0ALERTS")
    assert 2000 < len(said.text) < 4000
    assert said.text.endswith("… (cut)\n[Approve]")
    slack.largest = 10
    with pytest.raises(ChatRefused, match="msg_blocks_too_long"):
        await chat.post(ALERTS, long, "k:root")


async def test_a_missing_scope_is_named(slack: FakeSlack, chat: SlackChat) -> None:
    slack.scopes.remove("channels:history")
    with pytest.raises(
        ChatRefused, match=r"lacks the scope channels:history; add it and install the app again"
    ):
        await chat.find(ALERTS, "k:root")


async def test_a_deleted_message_is_not_edited(slack: FakeSlack, chat: SlackChat) -> None:
    root = await chat.post(ALERTS, message("down"), "k:root")
    slack.delete("C0ALERTS", root)
    with pytest.raises(CannotEdit, match="somebody deleted the message"):
        await chat.edit(ALERTS, root, message("up"), "k:root")


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
async def test_what_may_pass_is_no_refusal(slack: FakeSlack, chat: SlackChat, code: str) -> None:
    slack.fail_next(error=code)
    with pytest.raises(ChatDown, match=code):
        await chat.post(ALERTS, message("x"), "k:root")


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_broken_server_may_pass(slack: FakeSlack, chat: SlackChat, status: int) -> None:
    slack.fail_next(status)
    with pytest.raises(ChatDown, match=str(status)):
        await chat.post(ALERTS, message("x"), "k:root")
    assert slack.channel("C0ALERTS") == []


async def test_a_limit_says_how_long_to_wait(slack: FakeSlack, chat: SlackChat) -> None:
    slack.rate_limit_next(7)
    with pytest.raises(ChatDown) as caught:
        await chat.post(ALERTS, message("x"), "k:root")
    assert caught.value.retry_after == 7


async def test_nobody_there_may_pass_and_tells_no_token(slack: FakeSlack) -> None:
    nobody = SlackChat(Api(client("http://127.0.0.1:1/api/", Secret(slack.bot_token))), every=0.0)
    with pytest.raises(ChatDown, match=r"Slack did not answer chat\.postMessage") as caught:
        await nobody.post(ALERTS, message("x"), "k:root")
    assert slack.bot_token not in repr(caught.value)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/json"])
async def test_an_address_that_is_not_slack_is_told(content_type: str) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Welcome to our proxy</h1>", content_type=content_type)

    app = web.Application()
    app.add_routes([web.route("*", "/{any:.*}", page)])
    listener = Listener(app, "127.0.0.1", 0)
    [(host, port)] = await listener.start()
    try:
        lost = SlackChat(Api(client(f"http://{host}:{port}/api/", Secret("xoxb-test"))), every=0.0)
        with pytest.raises(ChatDown, match=r"chat\.postMessage"):
            await lost.post(ALERTS, message("x"), "k:root")
    finally:
        await listener.stop()


# ---- pace


async def test_no_channel_is_sent_more_than_a_message_a_second() -> None:
    clock = Clock()
    async with serve_slack(channels=["C0ALERTS", "C0NEWS"], every=1.0, clock=clock.seconds) as slack:
        chat = SlackChat(
            Api(client(slack.url, Secret(slack.bot_token))), clock=clock.seconds, pause=clock.pause
        )
        started = clock.seconds()
        for number in range(5):
            await chat.post(ALERTS, message(f"{number}"), f"k:{number}")
        assert clock.seconds() - started == 4.0
        await chat.post(Place("C0NEWS"), message("elsewhere"), "k:6")
        assert clock.seconds() - started == 4.0
        assert slack.refusals == []


async def test_after_a_limit_others_wait_too(slack: FakeSlack) -> None:
    clock = Clock()
    chat = SlackChat(Api(client(slack.url, Secret(slack.bot_token))), clock=clock.seconds, pause=clock.pause)
    slack.rate_limit_next(30)
    started = clock.seconds()
    with pytest.raises(ChatDown):
        await chat.post(ALERTS, message("one"), "k:1")
    await chat.post(ALERTS, message("two"), "k:2")
    assert clock.seconds() - started == 30.0


async def test_a_few_edits_go_at_once_and_many_do_not(slack: FakeSlack) -> None:
    clock = Clock()
    chat = SlackChat(Api(client(slack.url, Secret(slack.bot_token))), clock=clock.seconds, pause=clock.pause)
    root = await chat.post(ALERTS, message("down"), "1a2b3c4d:root")
    started = clock.seconds()
    for number in range(10):
        await chat.edit(ALERTS, root, message(f"{number}"), "1a2b3c4d:root")
    assert clock.seconds() == started
    await chat.edit(ALERTS, root, message("last"), "1a2b3c4d:root")
    assert clock.seconds() - started == pytest.approx(15, abs=0.01)
    for number in range(10):
        await chat.edit(Place("C0ALERTS", awaited=True), root, message(f"{number}"), "1a2b3c4d:root")
    assert clock.seconds() - started == pytest.approx(15, abs=0.01)


async def forever(_: float) -> None:
    await asyncio.Event().wait()


async def test_in_a_storm_of_edits_an_awaited_one_goes_first(slack: FakeSlack) -> None:
    """Time stands still, so who has to wait waits for ever."""
    chat = SlackChat(Api(client(slack.url, Secret(slack.bot_token))), pause=forever)
    root = await chat.post(ALERTS, message("down"), "1a2b3c4d:root")
    storm = [
        asyncio.create_task(chat.edit(ALERTS, root, message("still down"), f"{number:08x}:root"))
        for number in range(100)
    ]
    async with asyncio.timeout(5):
        await chat.edit(Place("C0ALERTS", awaited=True), root, message("asked"), "1a2b3c4d:root")
        await chat.tell(ALERTS, message("you may not"), "U0ALICE")
    for one in storm:
        one.cancel()
    await asyncio.gather(*storm, return_exceptions=True)


# ---- lost answers


async def test_a_lost_answer_is_no_success_and_the_message_is_found(
    slack: FakeSlack, chat: SlackChat
) -> None:
    slack.lose_next_answer()
    with pytest.raises(ChatDown):
        await chat.post(ALERTS, message("down"), "k:root")
    [said] = slack.channel("C0ALERTS")  # sent once: the library did not try again by itself
    assert await chat.find(ALERTS, "k:root") == said.ts


async def story() -> list[Incident]:
    """Every state of an incident from its first sight to its fix."""
    house = House()
    house.doors.shut.add("r.example/oak:1")
    [incident] = await intake.failing([pull()], house.world())
    found = await advance(incident.id, house.world())
    digest = found.offers[0].digest
    await commands.request(found.id, digest, ANA, house.world())
    await commands.approve(found.id, digest, BEN, house.world())
    assert (await advance(found.id, house.world())).stage is Stage.RESOLVED
    return house.wall.shown


def screen(state: State, slack: FakeSlack) -> ChatScreen:
    """As after a start of the process: nothing remembered but what is in the store."""
    clock = Clock()
    api = Api(client(slack.url, Secret(slack.bot_token)))
    chat = SlackChat(api, every=0.0, clock=clock.seconds, pause=clock.pause)
    return ChatScreen(state, [chat], lambda cluster, chat: "C0ALERTS", patience=0.0, pause=clock.pause)


async def shown(on: ChatScreen, incident: Incident) -> None:
    await on.show(incident)
    await on.settled()


def told(said: list[Said]) -> list[list[str]]:
    """Thread by thread, what people read."""
    return [[one.text, *(reply.text for reply in one.replies)] for one in said]


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new process for every state"])
@pytest.mark.parametrize("lost", ["none", "posts", "edits", "all", "refused"])
async def test_a_whole_thread_is_neither_doubled_nor_short_whatever_answers_are_lost(
    slack: FakeSlack, tmp_path: Path, lost: str, restarts: bool
) -> None:
    state = open_state(str(tmp_path / "pullbot.db"))
    states = await story()
    on = screen(state, slack)
    for incident in states:
        if restarts:
            await on.stop(0.0)
            on = screen(state, slack)
        for _ in range(3):
            if lost in ("posts", "all"):
                slack.lose_next_answer("chat.postMessage")
            if lost in ("edits", "all"):
                slack.lose_next_answer("chat.update")
            if lost == "refused":
                slack.fail_next(503)
                slack.rate_limit_next(1)
        await shown(on, incident)
    assert told(slack.channel("C0ALERTS")) == await ideal(states, tmp_path)
    await state.close()


async def ideal(states: list[Incident], tmp_path: Path) -> list[list[str]]:
    """The same story on a day when nothing fails, with only its last state shown where edits allow it."""
    async with serve_slack() as slack:
        state = open_state(str(tmp_path / "ideal.db"))
        on = screen(state, slack)
        for incident in states:
            await shown(on, incident)
        await state.close()
        thread = present(states[-1])
        posts = await state_posts(slack)
        assert posts[0] == thread.root.fallback
        assert retired("x").fallback in posts  # the request for approval no longer counts
        return told(slack.channel("C0ALERTS"))


async def state_posts(slack: FakeSlack) -> list[str]:
    [root] = slack.channel("C0ALERTS")
    return [root.raw, *(one.raw for one in root.replies)]
