"""What the Bot Connector's refusals mean for who reads them.

https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-agent-conversational-apis
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from bot.chat.platform import ChatDown, ChatRefused
from checks.redaction import redact

_LONGEST_WAIT = 300.0
_RARELY = 60.0  # seconds; it may pass, but hardly by itself
_BUSY = 5.0
_FAULT = 15.0

_CREDENTIALS = (
    "check that MICROSOFT_APP_ID is the Azure Bot's, and that MICROSOFT_APP_PASSWORD (or the managed"
    " identity) and MICROSOFT_APP_TENANT_ID are of the same app"
)
_INSTALL = "install the app there (in Teams: the team or chat, Manage, Apps)"
_OURS = "this is a fault of pullbot's; please report it"
_TOO_BIG = "the message is larger than Teams takes; " + _OURS
_GONE = "that conversation is gone; see that `channels` names one that exists and has the app"

_WHAT_TO_DO = {
    "ActivityNotFoundInConversation": "somebody deleted the message",
    "BadArgument": _OURS,
    "BadSyntax": _OURS,
    "BotDisabledByAdmin": "the tenant's administrators disabled this bot; ask them to allow the app",
    "BotNotInConversationRoster": f"the bot is not in that conversation; {_INSTALL}",
    "BotNotRegistered": f"no bot is registered with this app id; {_CREDENTIALS}",
    "ConversationBlockedByUser": "they blocked the bot there; only they can unblock it",
    "ConversationNotFound": _GONE,
    "ForbiddenOperationException": "they have not installed the app for themselves; ask them to",
    "InvalidBotApiHost": "a GCC tenant is reached elsewhere; set teams.service_url to"
    " https://smba.infra.gcc.teams.microsoft.com/teams",
    "MemberNotFoundInConversation": "they are not in that conversation",
    "MessageSizeTooBig": _TOO_BIG,
    "MessageWritesBlocked": "they blocked or removed the bot there; only they can undo that",
    "NotEnoughPermissions": "the bot lacks a permission there; see docs/teams.md",
}
_BY_STATUS = {400: _OURS, 401: _CREDENTIALS, 403: _INSTALL, 404: _GONE, 413: _TOO_BIG}


class Passing(ChatDown):
    """Worth another try in a moment.

    ``certain``: nothing was done, so that even a message may be sent again. ``wait``: seconds that Teams
    asked for, if it did.
    """

    def __init__(self, why: str, *, certain: bool, wait: float = 0.0) -> None:
        super().__init__(why, wait or _BUSY, certain=certain)
        self.wait = wait


class Refused(ChatRefused):
    """``code`` is Teams' word for it."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.code = code


def no_connector(asked: str) -> ChatDown:
    return ChatDown(f"what answered {asked} was not the Bot Connector; is teams.service_url right?", _RARELY)


def refusal(asked: str, status: int, headers: Mapping[str, str], body: bytes) -> ChatDown | ChatRefused:
    """
    :param asked: such as ``POST a message``
    :param status: none that says that it was done
    """
    code, words = _code_and_words(body)
    wait = _seconds(headers.get("Retry-After", ""))
    if status in (412, 429):  # "PreconditionFailed", of several at once, and "Throttled"
        return Passing(f"Teams does not take {asked} now: too many at once", certain=True, wait=wait)
    if status in (502, 503, 504):
        return Passing(f"Teams answered {asked} with status {status}", certain=False, wait=wait)
    if status >= 500 or status == 408:  # the table says of 500 not to try again; who asked must, some time
        return ChatDown(f"Teams answered {asked} with status {status} {code}".rstrip(), _FAULT)
    if status in (401, 413):
        code = code or {401: "Unauthorized", 413: "MessageSizeTooBig"}[status]
    if status < 400 or not code:
        return no_connector(asked)
    what = _WHAT_TO_DO.get(code) or _BY_STATUS.get(status) or "see docs/teams.md"
    said = f", “{words}”" if words and code not in _WHAT_TO_DO else ""
    return Refused(f"Teams refuses {asked} ({code}{said}): {what}", code)


def _code_and_words(body: bytes) -> tuple[str, str]:
    """Of ``{"error": {"code": …, "message": …}}``, or of the older ``{"errorCode": 209, "message": "{…}"}``,
    in which the message is JSON again and has a ``subCode``. "" for what there is none of.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
    """
    tree = _mapping(body)
    error = tree.get("error")
    if isinstance(error, dict):
        return _text(error.get("code")), _text(error.get("message"))
    if isinstance(error, str):
        return _text(error), _text(tree.get("message"))
    within = _mapping(tree.get("message"))
    code = within.get("subCode") or tree.get("code") or tree.get("errorCode")
    words = within.get("details") or ("" if within else tree.get("message"))
    return _text(str(code) if isinstance(code, int) else code), _text(words)


def _mapping(text: Any) -> Mapping[str, Any]:
    try:
        tree = orjson.loads(text) if isinstance(text, str | bytes) else None
    except orjson.JSONDecodeError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _text(value: Any) -> str:
    """A stranger's, for one line of a log."""
    return " ".join(redact(value).split())[:200] if isinstance(value, str) else ""


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 0.0
