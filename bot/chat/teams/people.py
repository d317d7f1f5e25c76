"""Who people are in Teams: their addresses, the groups they are in, and which of a channel's may approve.

A bot knows people by the rosters of the conversations that it is in, and nobody else; so where somebody was
last met is where they are looked up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from bot.chat.clock import Clock
from bot.chat.fresh import Fresh
from bot.chat.platform import ChatDown, ChatRefused, Sender
from bot.chat.teams.connector import Member
from bot.chat.teams.places import Reference
from bot.people import Approvers

log = logging.getLogger(__name__)

_REMEMBERED = 1000
# https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
_REFRESHED = 60
_GROUP = "group:"
# A roster may be long, or Teams slow; nobody should wait for it who presses a button, nor an alert.
_PATIENCE_SECONDS = 1.5


class Rosters(Protocol):
    """What the connector is asked for; it raises ``ChatDown`` and ``ChatRefused``."""

    async def members(self, service_url: str, conversation: str) -> tuple[Member, ...]: ...

    async def member(self, service_url: str, conversation: str, who: str) -> Member: ...


class Groups(Protocol):
    async def group_members(self, group: str) -> frozenset[str]: ...


class TeamsPeople:
    """A ``Directory`` of ``bot.people``, and who is shown a card anew whenever they look at it.

    :param approvers: the operator's list
    :param patience: seconds that a card waits for who may approve
    """

    def __init__(
        self,
        rosters: Rosters,
        groups: Groups,
        approvers: Approvers,
        *,
        clock: Clock = time.monotonic,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._rosters = rosters
        self._groups = groups
        self._approvers = approvers
        self._patience = patience
        self._met: dict[str, tuple[str, Reference]] = {}
        self._addresses: Fresh[str] = Fresh(clock)
        self._members: Fresh[frozenset[str]] = Fresh(clock)
        self._shown: Fresh[tuple[str, ...]] = Fresh(clock)
        self._reading: dict[str, asyncio.Task[tuple[str, ...]]] = {}  # by conversation
        self._told: set[str] = set()  # conversations

    def met(self, sender: Sender, member: str, place: Reference) -> None:
        """An activity told where they are.

        :param member: their id in Teams (``29:…``)
        """
        self._met.pop(sender.user, None)
        self._met[sender.user] = (member, place)
        while len(self._met) > _REMEMBERED:
            del self._met[next(iter(self._met))]

    # ---- for bot.people

    async def members(self, group: str) -> frozenset[str]:
        """The Entra object ids in ``group:`` and its id.

        :raises ChatDown: Microsoft Graph does not say now
        :raises ChatRefused: there is no such group, or it may not be read
        """
        group = group.removeprefix(_GROUP)
        return await self._members.get(group, lambda: self._groups.group_members(group))

    async def email(self, sender: Sender) -> str:
        """Their user principal name: the ``email`` beside it may be any address, and of nobody's domain.

        A guest's is none that anybody would write down (``ann_example.com#EXT#@…``): guests are listed by id.

        :raises ChatDown: Teams does not say now
        :raises ChatRefused: it says somebody else, or nobody
        """
        return await self._addresses.get(sender.user, lambda: self._read_address(sender))

    async def _read_address(self, sender: Sender) -> str:
        if sender.user not in self._met:
            raise ChatRefused(f"{sender.name} was not met in Teams since this started; let them write there")
        who, place = self._met[sender.user]
        member = await self._rosters.member(place.service_url, place.conversation, who)
        if member.object_id != sender.user.lower():
            raise ChatRefused(f"Teams says that {who} in {place.conversation} is not {sender.id}")
        return member.upn

    # ---- for cards

    async def approvers_in(self, place: Reference) -> tuple[str, ...]:
        """The Teams ids of those in the roster who may approve, those who are listed by name first.

        Nobody may do anything because of this: whoever presses is judged then.

        :returns: at most as many as a card takes; none if it cannot be told, which is told once, or not soon
        """
        there = place.conversation
        reading = self._reading.get(there)
        if reading is None:  # else many cards are edited at once, and one look will do
            looking = self._shown.get(there, lambda: self._read_approvers(place))
            reading = self._reading[there] = asyncio.create_task(looking, name=f"who may approve in {there}")
            reading.add_done_callback(lambda _: self._reading.pop(there))
        await asyncio.wait({reading}, timeout=self._patience)
        return reading.result() if reading.done() else ()

    async def close(self) -> None:
        for one in (late := list(self._reading.values())):
            one.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _read_approvers(self, place: Reference) -> tuple[str, ...]:
        """From the roster alone, and one look at each group, however many they are."""
        failed: list[str] = []
        grouped = await self._in_groups(failed)
        try:
            roster = await self._rosters.members(place.service_url, place.conversation)
        except (ChatDown, ChatRefused) as why:
            failed.append(str(why))
            roster = ()
        self._tell_once(place, failed)
        ranked = sorted((rank, one.id) for one in roster if (rank := self._rank(one, grouped)) is not None)
        return tuple(who for _, who in ranked[:_REFRESHED])

    async def _in_groups(self, failed: list[str]) -> frozenset[str]:
        found: set[str] = set()
        for one in self._approvers.groups("teams"):
            try:
                found |= await self.members(one)
            except (ChatDown, ChatRefused) as why:
                failed.append(str(why))
        return frozenset(found)

    def _tell_once(self, place: Reference, failed: list[str]) -> None:
        """Until all is well again."""
        if not failed:
            self._told.discard(place.conversation)
        elif place.conversation not in self._told:
            self._told.add(place.conversation)
            why = "; ".join(failed)
            log.warning("cards in %s are not shown anew to every approver: %s", place.conversation, why)

    def _rank(self, member: Member, grouped: frozenset[str]) -> int | None:
        if not member.id or not member.object_id:
            return None
        account = f"teams:{member.object_id}"
        if any(self._approvers.names(one) for one in (account, *self._approvers.others(account))):
            return 0
        if member.upn.casefold() in self._approvers.emails:
            return 1
        return 2 if member.object_id in grouped else None
