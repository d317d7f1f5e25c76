"""The Bot Connector: posts, edits, rosters, at Teams' pace, tried again where that doubles no message.

What Microsoft says passes (412, 429, 502, 503, 504) is tried again, later and later. But a message whose
answer was lost may have arrived, and only who knows its key can find out: that one is not sent again here.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.identity import Identity
from bot.chat.teams.pace import READS, WRITES, Clock, Newest, Pace, Pause, TooLong, everything
from bot.chat.teams.refusals import Passing, Refused, no_connector, refusal
from bot.chat.teams.tokens import KeysUnavailable

__all__ = ["Connector", "Json", "Member", "Refused"]

Json = dict[str, Any]
_Edit = tuple[str, str, str]  # service url, conversation, the message's id
_Call = Callable[[Any, Json], Awaitable[Any]]

_THREADS = 8  # as many requests at once; each has a connection, of which urllib3 keeps 10
_CLIENTS = 16  # a tenant has one service url, or a few while it moves
_TRIES = 5
_PATIENCE = 60.0  # seconds, for all tries
_CALL_SECONDS = 30.0
_PAGE = 500  # the most that a page has
_PAGES = 100  # a team has at most 25,000 members


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a roster. ``id`` is Teams' own (``29:…``), ``object_id`` Entra's in lower case; "" for what
    Teams does not tell.
    """

    id: str
    object_id: str
    upn: str
    name: str


class Connector:
    """All of its methods raise ``ChatDown`` for what may pass, and ``ChatRefused`` for what will not.

    :param scope: of the tokens that the Bot Connector takes
    :param spread: between 0 and 1: so that those who were refused together do not come back together
    """

    def __init__(
        self,
        identity: Identity,
        scope: Callable[[], Awaitable[str]],
        *,
        clock: Clock = time.monotonic,
        pause: Pause = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._identity = identity
        self._scope = scope
        self._clock, self._pause, self._spread = clock, pause, spread
        together = everything()
        self._writes = Pace(WRITES, clock, pause, together)
        self._reads = Pace(READS, clock, pause, together)
        self._edits: Newest[_Edit, Json] = Newest(self._update)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="teams")
        self._slots = asyncio.Semaphore(_THREADS)
        self._sdk: asyncio.Task[Any] | None = None
        self._clients: dict[str, Any] = {}

    def open(self) -> None:
        """Load the package meanwhile; the first call would otherwise."""
        if self._sdk is None:
            loading = asyncio.to_thread(import_module, "bot.chat.teams._botframework")
            self._sdk = asyncio.create_task(loading, name="teams package")

    async def close(self) -> None:
        await self._edits.close()
        if self._sdk is not None:
            await asyncio.gather(self._sdk, return_exceptions=True)
        while self._clients:
            await _close(self._clients.popitem()[1])
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def start_thread(self, service_url: str, channel: str, tenant: str, activity: Json) -> str:
        """A new post in a channel; the id of its root message."""
        sdk = await self._package()
        asked = sdk.ConversationParameters(
            is_group=True,
            channel_data={"channel": {"id": channel}, "tenant": {"id": tenant}},
            activity=sdk.Activity.deserialize(activity),
        )
        said = await self._write(
            "POST a new thread",
            service_url,
            channel,
            lambda of, token: of.create_conversation(asked, **token),
            repeatable=False,
        )
        root = (
            getattr(said, "activity_id", None)
            or (getattr(said, "id", None) or "").partition(";messageid=")[2]
        )
        return _id(root, "POST a new thread")

    async def send(self, service_url: str, conversation: str, activity: Json) -> str:
        """The message's id."""
        sdk = await self._package()
        asked = sdk.Activity.deserialize(activity)
        said = await self._write(
            "POST a message",
            service_url,
            conversation,
            lambda of, token: of.send_to_conversation(conversation, asked, **token),
            repeatable=False,
        )
        return _id(getattr(said, "id", None), "POST a message")

    async def update(self, service_url: str, conversation: str, ref: str, activity: Json) -> None:
        """Of several for one message that wait, the newest is sent, and all of them return."""
        await self._edits.put((service_url, conversation, ref), activity)

    async def _update(self, edit: _Edit, newest: Callable[[], Json]) -> None:
        service_url, conversation, ref = edit
        sdk = await self._package()

        async def put(of: Any, token: Json) -> None:
            await of.update_activity(conversation, ref, sdk.Activity.deserialize(newest()), **token)

        await self._write("PUT a message", service_url, conversation, put, repeatable=True)

    async def start_chat(self, service_url: str, tenant: str, bot_id: str, member: str) -> str:
        """The conversation's id: the same one whenever it is asked for."""
        sdk = await self._package()
        asked = sdk.ConversationParameters(
            is_group=False,
            bot=sdk.ChannelAccount(id=bot_id),
            members=[sdk.ChannelAccount(id=member)],
            tenant_id=tenant,
            channel_data={"tenant": {"id": tenant}},
        )
        said = await self._write(
            "POST a new chat",
            service_url,
            f"chats of {tenant}",  # what is created has no id yet, so all of them are counted together
            lambda of, token: of.create_conversation(asked, **token),
            repeatable=True,
        )
        return _id(getattr(said, "id", None), "POST a new chat")

    async def members(self, service_url: str, conversation: str) -> tuple[Member, ...]:
        """All pages of it. "A request … may rarely return members from a previous request." """
        found: dict[str, Member] = {}
        after: str | None = None
        for _ in range(_PAGES):
            page = await self._page(service_url, conversation, after)
            for one in page.members or ():
                found[one.id] = _member(one)
            after = page.continuation_token
            if not after:
                break
        return tuple(found.values())

    async def _page(self, service_url: str, conversation: str, after: str | None) -> Any:
        page = await self._read(
            "GET members",
            service_url,
            conversation,
            lambda of, token: of.get_conversation_paged_members(
                conversation, page_size=_PAGE, continuation_token=after, **token
            ),
        )
        if page is None:
            raise no_connector("GET members")
        return page

    async def member(self, service_url: str, conversation: str, who: str) -> Member:
        """:param who: their id in Teams, or Entra's object id"""
        found = await self._read(
            "GET a member",
            service_url,
            conversation,
            lambda of, token: of.get_conversation_member(conversation, who, **token),
        )
        if found is None or not found.id:
            raise no_connector("GET a member")
        return _member(found)

    async def _read(self, asked: str, service_url: str, conversation: str, call: _Call) -> Any:
        return await self._patiently(asked, service_url, self._reads, conversation, call, repeatable=True)

    async def _write(
        self, asked: str, service_url: str, conversation: str, call: _Call, *, repeatable: bool
    ) -> Any:
        return await self._patiently(
            asked, service_url, self._writes, conversation, call, repeatable=repeatable
        )

    async def _patiently(
        self, asked: str, service_url: str, pace: Pace, conversation: str, call: _Call, *, repeatable: bool
    ) -> Any:
        _check(service_url)
        key = conversation.partition(";")[0]
        began = self._clock()
        for tried in range(1, _TRIES + 1):
            try:
                await pace.turn(key)
            except TooLong as why:
                raise ChatDown(f"{asked} has to wait for {why}: too many at once", why.seconds) from None
            try:
                return await self._once(asked, service_url, call)
            except Passing as why:
                wait = max(why.wait, 2.0 ** (tried - 1)) + self._spread()
                if why.certain:
                    pace.hold(key, wait)
                late = self._clock() + wait > began + _PATIENCE
                if late or tried == _TRIES or not (why.certain or repeatable):
                    raise
                await self._pause(wait)
        raise AssertionError("the last try returns or raises")

    async def _once(self, asked: str, service_url: str, call: _Call) -> Any:
        sdk = await self._package()
        try:
            token = {"token": await self._identity.token(await self._scope())}
        except KeysUnavailable as why:
            raise ChatDown(f"{asked} needs a token, and whose is unknown: {why}") from None
        async with self._slots:
            client = await self._client(sdk, service_url)
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    return await call(client.conversations, token)
            except sdk.HttpOperationError as error:
                answer = error.response
                raise refusal(asked, answer.status_code, answer.headers, answer.content) from None
            except sdk.ClientRequestError as error:
                raise sdk.unreached(asked, error) from None
            except TimeoutError:
                raise Passing(f"Teams did not answer {asked} in time", certain=False) from None
            except sdk.DeserializationError:
                raise no_connector(asked) from None

    async def _package(self) -> Any:
        self.open()
        assert self._sdk is not None  # noqa: S101  for mypy
        return await asyncio.shield(self._sdk)

    async def _client(self, sdk: Any, service_url: str) -> Any:
        found = self._clients.pop(service_url, None) or sdk.client(service_url, self._threads)
        self._clients[service_url] = found
        while len(self._clients) > _CLIENTS:
            await _close(self._clients.pop(next(iter(self._clients))))
        return found


async def _close(client: Any) -> None:
    await client.__aexit__(None, None, None)


def _check(service_url: str) -> None:
    """The token goes there, so it is encrypted, or stays on this machine."""
    try:
        parts = urlsplit(service_url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    plain = bool(host) and parts.scheme == "http" and _is_loopback(host)
    if not host or not (plain or parts.scheme == "https") or "{" in service_url:
        raise ChatRefused(
            f"Teams is reached over https only, and not at {service_url!r}; set teams.service_url right"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _id(said: Any, asked: str) -> str:
    if not isinstance(said, str) or not said:
        raise no_connector(asked)
    return said


def _member(account: Any) -> Member:
    """Teams names the object id in two ways, and what is its own is not in the model."""
    more = account.additional_properties or {}
    object_id = account.aad_object_id or more.get("objectId") or ""
    return Member(
        account.id, str(object_id).lower(), str(more.get("userPrincipalName") or ""), account.name or ""
    )
