"""Slack's requests instead of its socket: only what Slack signed, and only now, is heard."""

from __future__ import annotations

import json
import time
from pathlib import Path

import aiohttp

from tests.fakes.slack import FakeSlack
from tests.story.rig import DANA, NEVER, story_world
from tests.story.slack_room import ALERTS, SlackRoom, user

_TOO_OLD = 60 * 5 + 10


async def test_signed_requests_are_heard_and_forged_or_replayed_ones_are_not(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path, http=True, back_off=NEVER) as it:
        assert isinstance(it.room, SlackRoom)
        slack = it.room.slack
        await it.start_bot()
        offer = await it.shows("Fix: ", "offer")
        forged = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": f"v0={'0' * 64}"}
        body = mention("status")
        assert await posted(slack, body, forged) == 401
        assert await posted(slack, body, slack.signed(body, time.time() - _TOO_OLD)) == 401
        assert await posted(slack, body, slack.signed(mention("history"))) == 401
        assert await posted(slack, body, {}) == 401
        assert await it.asked("/healthz") == (200, "ok\n")
        assert await it.asked("/readyz") == (200, "ready\n")
        await it.room.press(DANA, offer, "Fix: ")
        await it.shows("Approve", "request")
        assert await posted(slack, body, slack.signed(body)) == 200
        await it.until(lambda: any(it.is_answer(one) for one in it.said()))
        assert next(one.text for one in it.said() if it.is_answer(one)).startswith("Open incidents")
        it.nothing_twice()
        assert await it.audit() == [(it.by(DANA), "requested")]


def mention(text: str) -> str:
    """The same words each time, so they are one event, however often it is heard."""
    event = {"type": "app_mention", "user": user(DANA), "text": f"<@U0PULLBOT> {text}", "channel": ALERTS}
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": "T0HOME",
            "api_app_id": "A0PULLBOT",
            "event_id": f"Ev{text.upper()}",
            "event": {**event, "ts": "1790000000.000001", "event_ts": "1790000000.000001"},
        }
    )


async def posted(slack: FakeSlack, body: str, headers: dict[str, str]) -> int:
    json_headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.events_url, data=body, headers=json_headers) as answer,
    ):
        return answer.status
