"""Slack's Web API: one client, and what its refusals mean for who reads them.

Nothing is tried again in here: a message whose answer was lost may have arrived, and only who knows its
key can find out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chat.platform import ChatDown, ChatRefused
from checks.secret import Secret

_TIMEOUT_SECONDS = 15
_LONGEST_WAIT = 300.0

# May pass by itself. https://docs.slack.dev/reference/methods/chat.postMessage/#errors
_PASSING = frozenset(
    {
        "external_channel_migrating",
        "fatal_error",
        "internal_error",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_INVITE = "is pullbot in that channel? Invite it there: /invite @pullbot"
_TOKEN = "the bot's token is no longer valid; install the app again and renew SLACK_BOT_TOKEN"  # noqa: S105  words
_OURS = "this is a fault of pullbot's; please report it"
_WHAT_TO_DO = {
    "account_inactive": _TOKEN,
    "cant_update_message": "the message is not pullbot's own",
    "channel_is_archived": "the channel is archived; name another in `channels`, or unarchive it",
    "channel_not_found": f"there is no such channel for this bot; {_INVITE}",
    "edit_window_closed": "the workspace does not let messages be edited that late",
    "invalid_auth": _TOKEN,
    "invalid_blocks": _OURS,
    "invalid_blocks_format": _OURS,
    "is_archived": "the channel is archived; name another in `channels`, or unarchive it",
    "message_not_found": "somebody deleted the message",
    "msg_blocks_too_long": _OURS,
    "msg_too_long": _OURS,
    "no_permission": "the workspace's administrators do not allow it",
    "not_allowed_token_type": "this wants another kind of token; see docs/slack.md",
    "not_authed": "SLACK_BOT_TOKEN is empty",
    "not_in_channel": _INVITE,
    "restricted_action": "the workspace's administrators do not let apps post there",
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
    "user_not_in_channel": "they are not in that channel",
}


def client(api_url: str, token: Secret[str] | None) -> AsyncWebClient:
    """Without the library's own second tries: one of them would double a message."""
    return AsyncWebClient(
        token.reveal() if token else None, base_url=api_url, timeout=_TIMEOUT_SECONDS, retry_handlers=[]
    )


async def answer_to(method: str, call: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """What Slack answers to ``call``.

    :param method: such as ``chat.postMessage``, for the error
    :raises ChatDown: no answer, or one that says later
    :raises ChatRefused: Slack will not, until a person does what the error says
    """
    try:
        data = (await call).data
    except SlackApiError as error:
        raise _refusal(method, error.response) from None
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
        raise ChatDown(f"Slack did not answer {method} ({type(error).__name__})") from None
    except AttributeError:  # the library's, for text where JSON belongs
        data = None
    if not isinstance(data, dict):
        raise ChatDown(f"what answered {method} was not Slack; is slack.api_url right?")
    return data


def _refusal(method: str, response: Any) -> ChatDown | ChatRefused:
    if not isinstance(response, AsyncSlackResponse):
        return ChatDown(f"what answered {method} was not Slack; is slack.api_url right?")
    data: dict[str, Any] = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error", ""))
    if response.status_code == 429 or code in ("ratelimited", "rate_limited"):
        wait = _seconds(response.headers.get("Retry-After", ""))
        return RateLimited(f"Slack takes no {method} for {wait:g} s: too many at once", wait)
    if response.status_code >= 500 or code in _PASSING or not code:
        return ChatDown(f"Slack answered {method} with {code or f'status {response.status_code}'}")
    if code == "missing_scope":
        what = f"the app lacks the scope {data.get('needed', '?')}; add it and install the app again"
    elif method == "apps.connections.open":
        what = "SLACK_APP_TOKEN should be an app-level token (xapp-…) with the scope connections:write"
    else:
        what = _WHAT_TO_DO.get(code, "see docs/slack.md")
    return Refused(f"Slack refuses {method} ({code}): {what}", code)


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 5.0


class RateLimited(ChatDown):
    """Too many calls."""

    def __init__(self, why: str, retry_after: float) -> None:
        super().__init__(why, retry_after, certain=True)


class Refused(ChatRefused):
    """``code`` is Slack's word for it."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the token makes us. ``enterprise`` is "" outside of Enterprise Grid."""

    user: str
    bot: str
    team: str
    enterprise: str


class Api:
    """The client, and who we are to Slack, asked once."""

    def __init__(self, web: AsyncWebClient) -> None:
        self.web = web
        self._identity: Identity | None = None
        self._asking = asyncio.Lock()

    async def identity(self) -> Identity:
        """:raises ChatDown, ChatRefused: as ``answer_to``"""
        async with self._asking:
            if self._identity is None:
                said = await answer_to("auth.test", self.web.auth_test())
                self._identity = Identity(
                    user=str(said.get("user_id", "")),
                    bot=str(said.get("bot_id", "")),
                    team=str(said.get("team_id", "")),
                    enterprise=str(said.get("enterprise_id") or ""),
                )
            return self._identity

    def open(self) -> None:
        """Keep connections from now on, instead of one per call."""
        self.web.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS))

    async def close(self) -> None:
        if self.web.session is not None:
            await self.web.session.close()
