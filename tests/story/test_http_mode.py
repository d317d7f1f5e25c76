"""Slack's requests instead of its socket: only what Slack signed, and only now, is heard."""

from __future__ import annotations

import json
import time
from pathlib import Path

import aiohttp

from tests.story.rig import CHANNEL, DANA, NEVER, StoryWorld, story_world

_TOO_OLD = 60 * 5 + 10


async def test_signed_requests_are_heard_and_forged_or_replayed_ones_are_not(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path, http=True, back_off=NEVER) as it:
        await it.start_bot()
        offer = await it.shows("Fix: ", "offer")
        forged = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": f"v0={'0' * 64}"}
        body = mention("status")
        assert await posted(it, body, forged) == 401
        assert await posted(it, body, it.slack.signed(body, time.time() - _TOO_OLD)) == 401
        assert await posted(it, body, it.slack.signed(mention("history"))) == 401
        assert await posted(it, body, {}) == 401
        assert await it.asked("/healthz") == (200, "ok\n")
        assert await it.asked("/readyz") == (200, "ready\n")
        await it.slack.press(DANA, CHANNEL, offer.ts, "Fix: ")
        await it.shows("Approve", "request")
        assert await posted(it, body, it.slack.signed(body)) == 200
        await it.until(lambda: any(it.is_answer(one) for one in it.said()))
        assert next(one.text for one in it.said() if it.is_answer(one)).startswith("Open incidents")
        it.nothing_twice()
        assert await it.audit() == [("slack:U0DANA", "requested")]


def mention(text: str) -> str:
    """The same words each time, so they are one event, however often it is heard."""
    event = {"type": "app_mention", "user": DANA, "text": f"<@U0PULLBOT> {text}", "channel": CHANNEL}
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": "T0HOME",
            "api_app_id": "A0PULLBOT",
            "event_id": f"Ev{text.upper()}",
            "event": {**event, "ts": "1790000000.000001", "event_ts": "1790000000.000001"},
        }
    )


async def posted(it: StoryWorld, body: str, headers: dict[str, str]) -> int:
    json_headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(it.slack.events_url, data=body, headers=json_headers) as answer,
    ):
        return answer.status
