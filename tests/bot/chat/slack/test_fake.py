"""The Slack of these tests refuses what Slack refuses; else they would prove nothing."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.doors import Clock
from tests.fakes.slack import serve_slack

SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
TEXT = {"type": "rich_text", "elements": [SECTION]}
BUTTON = {
    "type": "button",
    "action_id": "press-0",
    "text": {"type": "plain_text", "text": "Fix"},
    "value": "fix",
    "style": "primary",
}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([TEXT] * 51, "invalid_blocks"),
        ([header("x" * 151)], "invalid_blocks"),
        ([header("")], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}}], "invalid_blocks"),
        ([{**TEXT, "colour": "red"}], "invalid_blocks"),
        ([{"type": "rich_text", "elements": []}], "invalid_blocks"),
        ([{**TEXT, "elements": [{**SECTION, "elements": [{"type": "text", "text": ""}]}]}], "invalid_blocks"),
        ([row({**BUTTON, "text": {"type": "mrkdwn", "text": "*Fix*"}})], "invalid_blocks"),
        ([row({**BUTTON, "text": {"type": "plain_text", "text": "x" * 76}})], "invalid_blocks"),
        ([row({**BUTTON, "style": "green"})], "invalid_blocks"),
        ([row({**BUTTON, "value": "x" * 2001})], "invalid_blocks"),
        ([row(BUTTON, BUTTON)], "invalid_blocks"),
        ([row()], "invalid_blocks"),
        ([row(*({**BUTTON, "action_id": f"press-{n}"} for n in range(26)))], "invalid_blocks"),
        ([header("x" * 140)] * 49 + [{**TEXT, "elements": [SECTION] * 200}], "msg_blocks_too_long"),
    ],
)
async def test_blocks_that_slack_refuses_are_refused(blocks: list[dict[str, Any]], code: str) -> None:
    assert await refused(blocks=blocks) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "x" * 4001}, "msg_too_long"),
        ({"text": "<!channel>"}, "invalid_blocks"),
        ({"parse": "full"}, "invalid_arguments"),
        ({"metadata": {"event_type": "pullbot"}}, "invalid_metadata_format"),
        ({"metadata": {"event_type": "Pull Bot", "event_payload": {}}}, "invalid_metadata_schema"),
        ({"channel": "C0NONE"}, "channel_not_found"),
        ({"thread_ts": "1.1"}, "thread_not_found"),
    ],
)
async def test_messages_that_slack_refuses_are_refused(fields: dict[str, Any], code: str) -> None:
    assert await refused(**fields) == code


async def refused(**fields: Any) -> str:
    """Slack's word for why."""
    good: dict[str, Any] = {
        "channel": "C0ALERTS",
        "text": "x",
        "blocks": [TEXT, row(BUTTON)],
        "parse": "none",
    }
    async with serve_slack() as slack:
        web = AsyncWebClient(slack.bot_token, base_url=slack.url)
        await web.chat_postMessage(**good, link_names=False)
        with pytest.raises(SlackApiError) as caught:
            await web.chat_postMessage(**{**good, **fields}, link_names=False)
        assert len(slack.channel("C0ALERTS")) == 1
        return str(caught.value.response["error"])


async def test_a_second_message_within_a_second_is_too_many() -> None:
    clock = Clock()
    async with serve_slack(every=1.0, clock=clock.seconds) as slack:
        web = AsyncWebClient(slack.bot_token, base_url=slack.url, retry_handlers=[])
        good: dict[str, Any] = {"channel": "C0ALERTS", "text": "x", "parse": "none", "link_names": False}
        await web.chat_postMessage(**good, blocks=[TEXT])
        with pytest.raises(SlackApiError) as caught:
            await web.chat_postMessage(**good, blocks=[TEXT])
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await clock.pause(1)
        await web.chat_postMessage(**good, blocks=[TEXT])


async def test_other_tokens_and_json_where_a_form_is_wanted_are_refused() -> None:
    async with serve_slack() as slack:
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await AsyncWebClient("xoxb-test-other", base_url=slack.url).auth_test()
        web = AsyncWebClient(slack.bot_token, base_url=slack.url)
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await web.api_call("conversations.history", json={"channel": "C0ALERTS"})


async def test_a_socket_that_acknowledges_nothing_is_noted() -> None:
    async with serve_slack(ack_seconds=0.05) as slack:
        web = AsyncWebClient(base_url=slack.url)
        url = (await web.apps_connections_open(app_token=slack.app_token))["url"]
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await slack.mention("U0ALICE", "C0ALERTS", "why")
            assert (await socket.receive_json())["payload"]["event"]["text"] == "<@U0PULLBOT> why"
        assert slack.failures == ["events_api was not acknowledged in 0.05 s"]
        async with aiohttp.ClientSession() as session, session.get(url) as again:
            assert again.status == 403
