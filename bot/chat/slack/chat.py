"""The ``Chat`` port on Slack: post, edit, and find again what was posted.

A message's key travels in its metadata, which people do not see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chat.clock import Clock, Pause
from bot.chat.hurry import Hurry
from bot.chat.message import Message
from bot.chat.pace import Lane, Limit
from bot.chat.platform import CannotEdit, Place
from bot.chat.slack.api import Api, RateLimited, Refused, answer_to
from bot.chat.slack.blocks import WHOLE, render

_EVENT = "pullbot"
# https://docs.slack.dev/apis/web-api/rate-limits: a message a second and channel; other methods by the minute
_POSTS: Sequence[Limit] = ((1, 1.0),)
_EDITS: Sequence[Limit] = ((50, 60.0),)
_BULK_OF_EDITS: Sequence[Limit] = ((10, 15.0),)  # what nobody waits for leaves a fifth
_NOT_EDITED = frozenset({"cant_update_message", "edit_window_closed", "message_not_found"})
_PAGE = 200
_PAGES = 5  # a message whose answer was lost is a recent one
_SIZES = (WHOLE, WHOLE // 2, WHOLE // 4)
# No names and addresses made into links; an update would, by default.
_AS_IT_IS: dict[str, Any] = {"parse": "none", "link_names": False}

_Call = Callable[..., Awaitable[AsyncSlackResponse]]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a call waits for; the rest is as for ``Lane.turn``."""

    lane: Lane
    key: str
    hurried: asyncio.Event | None = None


class SlackChat:
    """``every``: seconds between two messages in one channel."""

    name = "slack"

    def __init__(
        self, api: Api, *, every: float = 1.0, clock: Clock = time.monotonic, pause: Pause = asyncio.sleep
    ) -> None:
        self._api = api
        posts, edits, bulk_of_edits = (_slower(limits, every) for limits in (_POSTS, _EDITS, _BULK_OF_EDITS))
        self._posts = Lane(posts, posts, clock, pause)
        self._edits = Lane(edits, bulk_of_edits, clock, pause)
        self._hurry = Hurry()

    @property
    def _web(self) -> AsyncWebClient:
        return self._api.web

    def hurry(self, incident: str) -> None:
        """Somebody waits for what becomes of it: what is sent about it goes before what nobody asked for."""
        self._hurry.of(incident, awaited=True)

    async def post(self, place: Place, message: Message, key: str) -> str:
        said = await self._send(
            "chat.postMessage",
            self._web.chat_postMessage,
            _Turn(self._posts, place.channel, self._hurry.of(key, awaited=place.awaited)),
            message,
            channel=place.channel,
            thread_ts=place.thread or None,
            metadata=_metadata(key),
            unfurl_links=False,
            unfurl_media=False,
            **_AS_IT_IS,
        )
        return str(said["ts"])

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None:
        try:
            await self._send(
                "chat.update",
                self._web.chat_update,
                _Turn(self._edits, "", self._hurry.of(key, awaited=place.awaited)),
                message,
                channel=place.channel,
                ts=ref,
                metadata=_metadata(key),  # an update without takes it away
                **_AS_IT_IS,
            )
        except Refused as why:
            raise CannotEdit(str(why)) if why.code in _NOT_EDITED else why from None

    async def find(self, place: Place, key: str) -> str | None:
        """Looks at the latest thousand messages of the channel, or the first thousand of the thread."""
        bot = (await self._api.identity()).bot
        async for one in self._messages(place):
            payload = one.get("metadata", {}).get("event_payload", {})
            if one.get("bot_id") == bot and payload.get("key") == key:
                return str(one["ts"])
        return None

    async def tell(self, place: Place, message: Message, user: str) -> None:
        """To one person's eyes only. Slack forgets it when they reload."""
        await self._send(
            "chat.postEphemeral",
            self._web.chat_postEphemeral,
            _Turn(self._edits, ""),
            message,
            channel=place.channel,
            user=user,
            thread_ts=place.thread or None,
            **_AS_IT_IS,
        )

    async def _send(
        self, method: str, call: _Call, turn: _Turn, message: Message, **fields: Any
    ) -> dict[str, Any]:
        """How long is too long is Slack's secret, so it is asked."""
        for size in _SIZES:
            text, blocks = render(message, size)
            async with turn.lane.turn(turn.key, turn.hurried):
                try:
                    return await answer_to(method, call(text=text, blocks=blocks, **fields))
                except RateLimited as why:
                    turn.lane.hold(turn.key, why.retry_after)
                    raise
                except Refused as why:
                    if why.code != "msg_blocks_too_long" or size == _SIZES[-1]:
                        raise
        raise AssertionError("the last size is returned or raised")

    async def _messages(self, place: Place) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        for _ in range(_PAGES):
            asked: dict[str, Any] = {
                "channel": place.channel,
                "include_all_metadata": True,
                "limit": _PAGE,
                "cursor": cursor or None,
            }
            if place.thread:
                page = await answer_to(
                    "conversations.replies", self._web.conversations_replies(ts=place.thread, **asked)
                )
            else:
                page = await answer_to("conversations.history", self._web.conversations_history(**asked))
            for one in page.get("messages", []):
                yield one
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": _EVENT, "event_payload": {"key": key}}


def _slower(limits: Sequence[Limit], times: float) -> Sequence[Limit]:
    return tuple((count, seconds * times) for count, seconds in limits)
