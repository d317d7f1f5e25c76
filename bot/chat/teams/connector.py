"""The Bot Connector, as the rest of pullbot sees it: threads, messages, edits and rosters.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.chat.clock import Clock, Pause
from bot.chat.teams.calls import Call, Calls
from bot.chat.teams.identity import Identity
from bot.chat.teams.pace import Newest
from bot.chat.teams.refusals import Refused, no_connector

__all__ = ["Connector", "Json", "Member", "Refused"]

Json = dict[str, Any]
_Hurried = asyncio.Event | None

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


@dataclass(frozen=True, slots=True)
class _Edit:
    """Which message is edited."""

    service_url: str
    conversation: str
    ref: str
    hurried: _Hurried = field(default=None, compare=False)


class Connector:
    """All of its methods raise ``ChatDown`` for what may pass, and ``ChatRefused`` for what will not.

    The conversation of a thread in a channel is ``{channel};messageid={root}``. ``hurried`` is that of
    ``Call``, and the parameters are those of ``Calls``.
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
        self._calls = Calls(identity, scope, clock=clock, pause=pause, spread=spread)
        self._edits: Newest[_Edit, Json] = Newest(self._edit)

    def open(self) -> None:
        self._calls.open()

    async def close(self) -> None:
        await self._edits.close()
        await self._calls.close()

    async def start_thread(
        self, service_url: str, channel: str, tenant: str, activity: Json, hurried: _Hurried = None
    ) -> str:
        """A new post in a channel; the id of its root message."""
        sdk = await self._calls.package()
        asked = sdk.ConversationParameters(
            is_group=True,
            channel_data={"channel": {"id": channel}, "tenant": {"id": tenant}},
            activity=sdk.Activity.deserialize(activity),
        )
        what = f"a new thread in {channel}"
        said = await self._calls.answer(
            Call(
                what,
                service_url,
                channel,
                lambda of, token: of.create_conversation(asked, **token),
                repeatable=False,
                hurried=hurried,
            )
        )
        if said is None:
            raise no_connector(what)
        return _known((said.id or "").partition(";messageid=")[2] or said.activity_id, what)

    async def send(
        self, service_url: str, conversation: str, activity: Json, hurried: _Hurried = None
    ) -> str:
        """The message's id."""
        sdk = await self._calls.package()
        asked = sdk.Activity.deserialize(activity)
        what = f"a message to {conversation}"
        said = await self._calls.answer(
            Call(
                what,
                service_url,
                conversation,
                lambda of, token: of.send_to_conversation(conversation, asked, **token),
                repeatable=False,
                hurried=hurried,
            )
        )
        return _known(said and said.id, what)

    async def update(
        self, service_url: str, conversation: str, ref: str, activity: Json, hurried: _Hurried = None
    ) -> None:
        """Of several for one message that wait, the newest is sent, and all of them return."""
        await self._edits.put(_Edit(service_url, conversation, ref, hurried), activity)

    async def _edit(self, edit: _Edit, newest: Callable[[], Json]) -> None:
        sdk = await self._calls.package()
        there = edit.conversation

        async def make(of: Any, token: Json) -> None:
            await of.update_activity(there, edit.ref, sdk.Activity.deserialize(newest()), **token)

        what = f"an edit in {there}"
        await self._calls.answer(Call(what, edit.service_url, there, make, hurried=edit.hurried))

    async def start_chat(self, service_url: str, tenant: str, bot_id: str, member: str) -> str:
        """The conversation's id: it is the same one whenever it is asked for."""
        sdk = await self._calls.package()
        asked = sdk.ConversationParameters(
            is_group=False,
            bot=sdk.ChannelAccount(id=bot_id),
            members=[sdk.ChannelAccount(id=member)],
            tenant_id=tenant,
            channel_data={"tenant": {"id": tenant}},
        )
        what = f"a chat with {member}"
        # It has no id yet, so all that are created take turns with each other.
        said = await self._calls.answer(
            Call(
                what,
                service_url,
                f"new chats in {tenant}",
                lambda of, token: of.create_conversation(asked, **token),
            )
        )
        return _known(said and said.id, what)

    async def members(self, service_url: str, conversation: str) -> tuple[Member, ...]:
        """All pages of it, of which one may repeat members of another."""
        found: dict[str, Member] = {}
        before, after = None, ""
        for _ in range(_PAGES):
            page = await self._page(service_url, conversation, after)
            for one in page.members or ():
                member = _member(one, f"the members of {conversation}")
                found[member.id] = member
            before, after = after, page.continuation_token or ""
            if after in ("", before):
                break
        return tuple(found.values())

    async def _page(self, service_url: str, conversation: str, after: str) -> Any:
        what = f"the members of {conversation}"
        page = await self._calls.answer(
            Call(
                what,
                service_url,
                conversation,
                lambda of, token: of.get_conversation_paged_members(
                    conversation, page_size=_PAGE, continuation_token=after or None, **token
                ),
                reads=True,
            )
        )
        if page is None:
            raise no_connector(what)
        return page

    async def member(self, service_url: str, conversation: str, who: str) -> Member:
        """:param who: their id in Teams, or Entra's object id"""
        what = f"a member of {conversation}"
        found = await self._calls.answer(
            Call(
                what,
                service_url,
                conversation,
                lambda of, token: of.get_conversation_member(conversation, who, **token),
                reads=True,
            )
        )
        return _member(found, what)


def _known(said: Any, what: str) -> str:
    if not isinstance(said, str) or not said:
        raise no_connector(what)
    return said


def _member(account: Any, what: str) -> Member:
    """Teams names the object id in two ways, and what is Teams' own is not in the model."""
    if account is None or not account.id:
        raise no_connector(what)
    more = account.additional_properties or {}
    object_id = account.aad_object_id or more.get("objectId") or ""
    upn = more.get("userPrincipalName") or ""
    return Member(account.id, str(object_id).lower(), str(upn), account.name or "")
