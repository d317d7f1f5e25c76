"""Requests from whoever knows our address: only what Slack signed just now is believed."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from bot.chat.slack.side import SlackSide
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_desk import Desk, connected


@pytest.fixture
async def by_http(slack: FakeSlack, desk: Desk) -> AsyncIterator[SlackSide]:
    async with connected(slack, desk, "http") as side:
        yield side


async def sent(slack: FakeSlack, body: str, headers: dict[str, str]) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.events_url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


EVENT = (
    '{"type":"event_callback","team_id":"T0HOME","event_id":"Ev1","event":{"type":"app_mention",'
    '"user":"U0ALICE","text":"<@U0PULLBOT> why","ts":"1.1","channel":"C0ALERTS","event_ts":"1.1"}}'
)


async def test_slacks_question_about_the_address_is_answered(slack: FakeSlack, by_http: SlackSide) -> None:
    body = '{"type":"url_verification","challenge":"3eZbrw1a","token":"x"}'
    status, text = await sent(slack, body, slack.signed(body))
    assert status == 200
    assert "3eZbrw1a" in text


@pytest.mark.parametrize(
    "forge",
    [
        lambda slack: {},
        lambda slack: slack.signed(EVENT + " "),
        lambda slack: slack.signed(EVENT, at=time.time() - 301),
        lambda slack: slack.signed(EVENT, at=time.time() + 301),
        lambda slack: {**slack.signed(EVENT), "X-Slack-Request-Timestamp": "soon"},
        lambda slack: {**slack.signed(EVENT), "X-Slack-Signature": "v0=ünsigned"},
    ],
    ids=["unsigned", "of another body", "recorded", "from the future", "no time", "no hash"],
)
async def test_what_slack_did_not_sign_just_now_is_refused_with_one_line(
    slack: FakeSlack,
    desk: Desk,
    by_http: SlackSide,
    caplog: pytest.LogCaptureFixture,
    forge: Callable[[FakeSlack], dict[str, str]],
) -> None:
    with caplog.at_level(logging.INFO):
        status, _ = await sent(slack, EVENT, forge(slack))
    assert status == 401
    assert [one.message for one in caplog.records] == [
        "a request to /slack/events was not signed by Slack (from 127.0.0.1)"
    ]
    assert desk.mentions == []


async def test_a_body_that_is_no_text_is_refused(slack: FakeSlack, by_http: SlackSide) -> None:
    async with aiohttp.ClientSession() as session:
        headers = slack.signed("x")
        async with session.post(slack.events_url, data=b"\xff\xfe", headers=headers) as answer:
            assert answer.status == 401


async def test_an_oversized_body_is_not_even_read(slack: FakeSlack, by_http: SlackSide) -> None:
    body = " " * 600_000
    assert (await sent(slack, body, slack.signed(body)))[0] == 413


async def test_after_the_end_slack_is_told_to_come_back(
    slack: FakeSlack, desk: Desk, by_http: SlackSide
) -> None:
    await by_http.stop()
    assert (await sent(slack, EVENT, slack.signed(EVENT)))[0] == 503
    assert desk.mentions == []


async def test_without_a_signing_secret_nobody_is_believed(slack: FakeSlack, desk: Desk) -> None:
    slack.signing_secret = ""
    async with connected(slack, desk, "http"):
        assert (await sent(slack, EVENT, slack.signed(EVENT)))[0] == 401
