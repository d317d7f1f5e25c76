"""Microsoft Graph: who is in a group, and whether a message of ours arrived whose answer was lost.

Both are reads, and both need a permission that somebody has to grant. Without the one for messages nothing is
found again; without the one for groups nobody is known to be in one, and that is an error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from yarl import URL

from bot.chat.clock import Clock
from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.body import json_in
from bot.chat.teams.card import key_of
from bot.chat.teams.identity import Identity
from bot.chat.teams.places import Reference
from bot.settings_values import is_loopback
from checks.redaction import redact

log = logging.getLogger(__name__)

Json = dict[str, Any]

_TIMEOUT_SECONDS = 15
_LONGEST_WAIT = 300.0
_LARGEST = 16 * 1024 * 1024  # bytes; fifty cards are a page
_LONGEST_SAID = 200  # characters of a message that is not ours
_PASSING = frozenset({408, 412, 429, 500, 502, 503, 504})
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_WHAT_TO_DO = {
    _FORBIDDEN: "; grant the app the application permission GroupMember.Read.All of Microsoft Graph"
    " (and Member.Read.Hidden if the group hides its members)",
    _NOT_FOUND: "; is that the object id of a group in this tenant?",
}

# https://learn.microsoft.com/graph/api/group-list-transitivemembers and channel-list-messages
_MEMBERS_A_PAGE, _MESSAGES_A_PAGE = 999, 50
_MEMBER_PAGES = 100
_MESSAGE_PAGES = 4  # what was lost was lost just now
# Where no way leads to Graph at all, a message that is there twice is better than none.
_DOWN_SECONDS = 60.0
_CARD = "application/vnd.microsoft.card.adaptive"


class Graph:
    """:param url: such as ``https://graph.microsoft.com``; national clouds have their own"""

    def __init__(self, url: str, identity: Identity, *, clock: Clock = time.monotonic) -> None:
        self._url = url.rstrip("/")
        self._identity = identity
        self._clock = clock
        self._down_since: float | None = None
        self._session: aiohttp.ClientSession | None = None
        self._told: set[str] = set()  # conversations

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def group_members(self, group: str) -> frozenset[str]:
        """The Entra object ids, in lower case, of the people in a group and in the groups in it.

        They are not asked for as users alone: that would be answered from an index, in which somebody who was
        taken out of the group may still be. https://learn.microsoft.com/graph/aad-advanced-queries

        :param group: its object id
        :raises ChatDown: Graph does not say now
        :raises ChatRefused: there is no such group, or it may not be read
        """
        what = f"the members of the group {group}"
        path = f"/v1.0/groups/{quote(group, safe='')}/transitiveMembers?$select=id&$top={_MEMBERS_A_PAGE}"
        try:
            found = [one async for page in self._pages(path, what, _MEMBER_PAGES) for one in page]
        except _Refused as refused:
            raise ChatRefused(f"{refused}{_WHAT_TO_DO.get(refused.status, '')}") from None
        except _TooLong:
            raise ChatRefused(f"{what} are too many to read; name a smaller group") from None
        return frozenset(str(one.get("id", "")).lower() for one in found if _is_user(one)) - {""}

    async def find(self, place: Reference, thread: str, key: str) -> str | None:
        """The id of our message with that key, among the newest 200.

        Nowhere is it promised that a message is listed as soon as it was taken. One that is not is not found.

        :param thread: the id of the message that begins it, "" for the channel itself
        :returns: ``None`` if there is none, or if we may not look, or could not for a minute
        :raises ChatDown: Graph does not say now
        """
        try:
            return await self._found(place, thread, key)
        except ChatDown as why:
            now = self._clock()
            self._down_since = now if self._down_since is None else self._down_since
            if now - self._down_since < _DOWN_SECONDS:
                raise
            self._tell_once(place, str(why))
            return None
        except ChatRefused as why:  # who will not give us a token for it lets us post, perhaps
            self._tell_once(place, str(why))
            return None

    async def _found(self, place: Reference, thread: str, key: str) -> str | None:
        if place.kind == "personal":
            return None  # Graph knows those chats by other ids
        if place.kind == "channel" and not place.team:
            self._tell_once(place, "nothing has told yet which team it is of")
            return None
        what = f"the messages in {place.conversation}"
        try:
            async with aclosing(self._pages(_messages(place, thread), what, _MESSAGE_PAGES)) as pages:
                async for page in pages:
                    for one in page:
                        if _is_from(one, place.bot) and any(key_of(card) == key for card in _cards(one)):
                            return str(one.get("id", "")) or None
        except _Refused as refused:
            self._tell_once(place, f"{refused}{_grant(place) if refused.status == _FORBIDDEN else ''}")
        except _TooLong:
            pass
        return None

    def _tell_once(self, place: Reference, why: str) -> None:
        if place.conversation not in self._told:
            self._told.add(place.conversation)
            log.warning(
                "a message in %s whose answer is lost may be posted twice: %s", place.conversation, why
            )

    # ---- requests

    async def _pages(self, path: str, what: str, most: int) -> AsyncGenerator[list[Json], None]:
        """:raises _TooLong: there are more than ``most``"""
        url = self._url + path
        for _ in range(most):
            tree = await self._asked(url, what)
            found = tree.get("value")
            yield [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
            link = tree.get("@odata.nextLink")
            if not link:
                return
            url = str(link)
            if _place(url) != _place(self._url):  # the token is for nobody else
                raise _Refused(
                    0, f"a link of Microsoft Graph leads to {urlsplit(url).netloc}; it is not followed"
                )
        raise _TooLong

    async def _asked(self, url: str, what: str) -> Json:
        scope = f"{self._url}/.default"
        token = await self._identity.token(scope)
        if token is None and not is_loopback(urlsplit(self._url).hostname or ""):
            raise _Refused(0, f"Microsoft Graph is not asked for {what}: it answers nobody without a login")
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        whole = URL(url, encoded=True)  # links are followed as they are
        try:
            async with self._opened().get(whole, headers=headers, allow_redirects=False) as answer:
                if answer.status in _PASSING:
                    why = f"Microsoft Graph answered {answer.status} when asked for {what}"
                    raise ChatDown(why, _seconds(answer.headers.get("Retry-After", "")))
                tree = await json_in(answer, _LARGEST)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ChatDown(f"Microsoft Graph did not answer for {what} ({type(error).__name__})") from None
        except ValueError:
            tree = None
        if not isinstance(tree, dict):
            raise ChatDown(f"what answered for {what} was not Microsoft Graph; is azure.graph right?")
        self._down_since = None
        if answer.status == _UNAUTHORIZED and token and self._identity.refused(scope, token):
            return await self._asked(url, what)
        if answer.status != _OK:
            raise _Refused(answer.status, f"Microsoft Graph refuses {what} ({answer.status}{_said(tree)})")
        return tree

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
                trust_env=True,  # by HTTPS_PROXY
            )
        return self._session


class _Refused(Exception):
    """``status``: HTTP's, 0 for a refusal of our own."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _TooLong(Exception):
    """A list that goes on and on."""


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 5.0


def _said(tree: Json) -> str:
    error = tree.get("error")
    if not isinstance(error, dict):
        return ""
    said = [str(error[one]) for one in ("code", "message") if error.get(one)]
    return redact(f" {': '.join(said)}")[:_LONGEST_SAID]


def _grant(place: Reference) -> str:
    permission = "ChannelMessage.Read.Group" if place.kind == "channel" else "ChatMessage.Read.Chat"
    return f"; the app lacks the resource-specific permission {permission}, see docs/teams.md"


def _messages(place: Reference, thread: str) -> str:
    """The path of the list of messages there, newest first."""
    conversation, top = quote(place.conversation, safe=""), f"?$top={_MESSAGES_A_PAGE}"
    if place.kind != "channel":
        return f"/v1.0/chats/{conversation}/messages{top}&$orderby=createdDateTime%20desc"
    channel = f"/v1.0/teams/{quote(place.team, safe='')}/channels/{conversation}/messages"
    return f"{channel}/{quote(thread, safe='')}/replies{top}" if thread else f"{channel}{top}"


def _is_user(member: Json) -> bool:
    return member.get("@odata.type") == "#microsoft.graph.user"


def _is_from(message: Json, bot: str) -> bool:
    """Anybody may send a card with any key.

    https://learn.microsoft.com/graph/api/resources/chatmessagefromidentityset
    """
    sender = message.get("from")
    app = sender.get("application") if isinstance(sender, dict) else None
    us = bot.removeprefix("28:").lower()
    return isinstance(app, dict) and bool(us) and str(app.get("id", "")).lower() == us


def _cards(message: Json) -> Iterator[Json]:
    """A card is in there as text, whatever it was sent as.

    https://learn.microsoft.com/graph/api/resources/chatmessageattachment
    """
    attachments = message.get("attachments")
    for one in attachments if isinstance(attachments, list) else ():
        if not isinstance(one, dict) or one.get("contentType") != _CARD:
            continue
        try:
            card = orjson.loads(str(one.get("content", "")))
        except orjson.JSONDecodeError:
            continue
        if isinstance(card, dict):
            yield card


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
