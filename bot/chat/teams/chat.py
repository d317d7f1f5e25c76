"""The ``Chat`` port on Teams: post, edit, and find again what was posted.

A message's key travels in its card, where people do not see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from bot.chat.hurry import Hurry
from bot.chat.message import Buttons, Message
from bot.chat.platform import CannotEdit, ChatDown, ChatRefused, Place
from bot.chat.teams.card import WHOLE, as_activity, render
from bot.chat.teams.connector import Connector
from bot.chat.teams.places import Places, Reference
from bot.chat.teams.refusals import Refused
from bot.store.ports import StoreDown

_UNHEARD_SECONDS = 10.0
_SIZES = (WHOLE, WHOLE // 2, WHOLE // 4)
_TOO_LARGE, _DELETED = "MessageSizeTooBig", "ActivityNotFoundInConversation"
_REMEMBERED = 1000  # incidents

Json = dict[str, Any]
Find = Callable[[Reference, str, str], Awaitable[str | None]]


class Approvers(Protocol):
    async def approvers_in(self, place: Reference) -> tuple[str, ...]: ...


class TeamsChat:
    """:param find: asks for the id of the message with a key, in a conversation and a thread of it"""

    name = "teams"

    def __init__(self, connector: Connector, places: Places, people: Approvers, find: Find) -> None:
        self._connector = connector
        self._places = places
        self._people = people
        self._find = find
        self._hurry = Hurry()

    def hurry(self, key: str) -> None:
        """Somebody waits for what becomes of the incident that the message with that key is of: what is sent
        about it goes before what nobody asked for.
        """
        self._hurry.of(key, awaited=True)

    async def post(self, place: Place, message: Message, key: str) -> str:
        there = await self._reference(place.channel)
        hurried = self._hurry.of(key, awaited=place.awaited)

        async def send(activity: Json) -> str:
            if there.kind == "channel" and not place.thread:
                return await self._connector.start_thread(
                    there.service_url, there.conversation, there.tenant, activity, hurried
                )
            return await self._connector.send(
                there.service_url, there.thread(place.thread), activity, hurried
            )

        return await self._sized(there, message, key, send)

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None:
        there = await self._reference(place.channel)
        hurried = self._hurry.of(key, awaited=place.awaited)

        async def update(activity: Json) -> str:
            conversation = there.thread(place.thread or ref)
            try:
                await self._connector.update(there.service_url, conversation, ref, activity, hurried)
            except Refused as why:
                if why.code == _DELETED:
                    raise CannotEdit(str(why)) from None
                raise
            return ref

        await self._sized(there, message, key, update)

    async def find(self, place: Place, key: str) -> str | None:
        return await self._find(await self._reference(place.channel), place.thread, key)

    async def card(self, there: Reference, message: Message, key: str) -> Json:
        """The card alone, for somebody who waits for it."""
        return render(message, key=key, refresh_for=await self._refreshed(there, message))

    async def tell(self, there: Reference, person: str, member: str, message: Message) -> None:
        """To one person alone, in their own chat with us.

        :param person: their Entra object id
        :param member: their id in Teams, such as ``29:…``
        :raises ChatRefused: they have not installed the app, say
        """
        try:
            known = await self._places.chat_with(person)
        except StoreDown:
            known = None
        url = known.service_url if known else there.service_url
        conversation = (
            known.conversation
            if known
            else await self._connector.start_chat(url, there.tenant, there.bot, member)
        )
        await self._connector.send(url, conversation, as_activity(message))

    async def _sized(
        self, there: Reference, message: Message, key: str, send: Callable[[Json], Awaitable[str]]
    ) -> str:
        """What is too large by Teams' own count is sent shorter."""
        people = await self._refreshed(there, message)
        for size in _SIZES:
            try:
                return await send(as_activity(message, key=key, refresh_for=people, size=size))
            except Refused as why:
                if why.code != _TOO_LARGE or size == _SIZES[-1]:
                    raise
        raise AssertionError("the last size returns or raises")

    async def _refreshed(self, there: Reference, message: Message) -> tuple[str, ...]:
        """Who sees it anew whenever they look. Others see what everybody was shown last."""
        if not any(isinstance(one, Buttons) for one in message.blocks):
            return ()
        try:
            return await self._people.approvers_in(there)
        except (ChatDown, ChatRefused):
            return ()

    async def _reference(self, channel: str) -> Reference:
        try:
            there = await self._places.of(channel)
        except StoreDown as why:
            raise ChatDown(
                f"where {channel} is reached is in the store, and that does not answer: {why}"
            ) from None
        if not there.service_url:
            raise ChatDown(
                f"nothing was heard from Teams yet, so nobody knows where {channel} is; add pullbot there"
                " and write to it, or set teams.service_url",
                _UNHEARD_SECONDS,
            )
        return there
