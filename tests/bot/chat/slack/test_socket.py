"""The connection that we open: made again when it breaks, and never waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.chat.slack.api import Api, client
from bot.chat.slack.side import SlackSide
from bot.chat.slack.socket import Socket
from checks.secret import Secret
from tests.fakes.doors import Clock
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_desk import Desk, connected, until


async def test_a_broken_connection_is_made_again(slack: FakeSlack, desk: Desk) -> None:
    async with connected(slack, desk, "socket"):
        for number, breaking in enumerate((slack.drop_sockets, slack.refresh_sockets, slack.drop_sockets), 2):
            await breaking()
            await slack.until(lambda: slack.hellos == number)  # noqa: B023  waited for here
        await slack.mention("U0ALICE", "C0ALERTS", "why")
        await until(lambda: desk.mentions)


async def test_a_connection_that_the_library_cannot_mend_is_replaced(slack: FakeSlack, desk: Desk) -> None:
    api = Api(client(slack.url, Secret(slack.bot_token)))
    app = AsyncApp(client=api.web, request_verification_enabled=False)
    socket = Socket(api, app, Secret(slack.app_token), Clock().pause, patience=0.3)
    socket.start()
    await slack.until(lambda: slack.hellos == 1)
    slack.refuse_next_socket()  # the library tries this address for ever
    await slack.drop_sockets()
    await until(lambda: socket.why_not == "Slack's socket is down")
    await slack.until(lambda: slack.hellos == 2)
    await until(lambda: socket.why_not == "")
    await socket.stop()


async def test_a_cut_cable_is_noticed(slack: FakeSlack, desk: Desk) -> None:
    api = Api(client(slack.url, Secret(slack.bot_token)))
    app = AsyncApp(client=api.web, request_verification_enabled=False)
    socket = Socket(api, app, Secret(slack.app_token), Clock().pause, patience=0.3)
    socket.start()
    await slack.until(lambda: slack.hellos == 1)
    await slack.drop_sockets(abruptly=True)
    await slack.until(lambda: slack.hellos == 2)
    await socket.stop()


async def test_slack_being_down_holds_up_nothing_and_is_told(slack: FakeSlack, desk: Desk) -> None:
    for _ in range(3):
        slack.fail_next(503, "auth.test")
        slack.fail_next(503, "apps.connections.open")
    gate = asyncio.Event()

    async def pause(_: float) -> None:
        await gate.wait()

    side = SlackSide(slack.settings(), slack.secrets(), pause=pause)
    assert side.why_not_ready() == "Slack: not started"
    await side.start(desk)
    await until(lambda: "503" in side.why_not_ready())
    assert side.why_not_ready() == "Slack: Slack answered auth.test with status 503"
    gate.set()
    await until(lambda: not side.why_not_ready())
    await side.stop()
    await side.close()


async def test_a_wrong_app_token_is_told(slack: FakeSlack, desk: Desk) -> None:
    slack.app_token = "xapp-test-other"
    side = SlackSide(slack.settings(), replace(slack.secrets(), slack_app_token=Secret("xapp-test-wrong")))
    await side.start(desk)
    await until(lambda: "apps.connections.open" in side.why_not_ready())
    assert "SLACK_APP_TOKEN" in side.why_not_ready()
    assert "xapp-test-wrong" not in side.why_not_ready()
    await side.stop()
    await side.close()
    slack.refusals.clear()


async def test_nothing_is_left_behind_when_it_is_stopped_before_it_was_connected(
    slack: FakeSlack, desk: Desk
) -> None:
    side = SlackSide(slack.settings(), slack.secrets())
    await side.start(desk)
    await side.stop()
    await side.close()
    assert slack.connections == 0
