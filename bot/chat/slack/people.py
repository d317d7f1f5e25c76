"""Who people are in Slack: their names, their addresses, their groups; each looked up once a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bot.chat.clock import Clock
from bot.chat.fresh import Fresh
from bot.chat.platform import ChatDown, ChatRefused, Sender
from bot.chat.slack.api import Api, Identity, answer_to


@dataclass(frozen=True, slots=True)
class Profile:
    """``email`` is "" for whoever's address our own workspace does not vouch for."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    handle: str
    disabled: bool


class SlackPeople:
    """``members`` and ``email`` are what ``bot.people.People`` asks for; both raise if Slack does not say."""

    def __init__(self, api: Api, *, clock: Clock = time.monotonic) -> None:
        self._api = api
        self._profiles: Fresh[Profile] = Fresh(clock)
        self._groups: Fresh[tuple[Group, ...]] = Fresh(clock)
        self._members: Fresh[frozenset[str]] = Fresh(clock)

    async def members(self, group: str) -> frozenset[str]:
        """The user ids in ``@oncall`` or ``S0ONCALL``; nobody is in a disabled group.

        :raises ChatDown: Slack does not say now
        :raises ChatRefused: there is no such group, or it may not be read
        """
        groups = await self._groups.get("", self._read_groups)
        found = next((one for one in groups if group in (one.id, f"@{one.handle}")), None)
        if found is None:
            raise ChatRefused(f"there is no user group {group} in Slack")
        if found.disabled:
            return frozenset()
        return await self._members.get(found.id, lambda: self._read_members(found.id))

    async def email(self, sender: Sender) -> str:
        """:raises ChatDown, ChatRefused: Slack does not say"""
        return (await self._profile(sender.user)).email

    async def name(self, user: str) -> str:
        """What people call them; the id if Slack does not say."""
        try:
            return (await self._profile(user)).name
        except (ChatDown, ChatRefused):
            return user

    async def _profile(self, user: str) -> Profile:
        return await self._profiles.get(user, lambda: self._read_profile(user))

    async def _read_profile(self, user: str) -> Profile:
        us = await self._api.identity()
        said = await answer_to("users.info", self._api.web.users_info(user=user))
        one: dict[str, Any] = said.get("user", {})
        profile: dict[str, Any] = one.get("profile", {})
        name = profile.get("display_name") or profile.get("real_name") or one.get("name") or user
        return Profile(str(name), str(profile.get("email", "")) if _is_vouched_for(one, us) else "")

    async def _read_groups(self) -> tuple[Group, ...]:
        call = self._api.web.usergroups_list(include_disabled=True)
        said = await answer_to("usergroups.list", call)
        return tuple(
            Group(str(one["id"]), str(one.get("handle", "")), bool(one.get("date_delete")))
            for one in said.get("usergroups", [])
        )

    async def _read_members(self, group: str) -> frozenset[str]:
        call = self._api.web.usergroups_users_list(usergroup=group)
        return frozenset(map(str, (await answer_to("usergroups.users.list", call)).get("users", [])))


def _is_vouched_for(user: dict[str, Any], us: Identity) -> bool:
    """Somebody from another company in a shared channel has whatever address they gave themselves there."""
    grid = str(user.get("enterprise_user", {}).get("enterprise_id", ""))
    ours = user.get("team_id") == us.team or bool(us.enterprise and grid == us.enterprise)
    return ours and not user.get("deleted") and not user.get("is_stranger") and not user.get("is_bot")
