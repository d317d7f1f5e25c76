"""Where Teams is reached: what an activity told about its conversation, kept for the next alert.

Teams gives no list of channels, and an address only with an activity. What it once told is in the store;
for a channel that nothing was heard from yet, the settings and the form of its id have to do.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

import orjson

from bot.settings_values import host_matches, is_loopback
from bot.store.ports import Addresses

log = logging.getLogger(__name__)

Kind = Literal["channel", "groupChat", "personal"]

_CHAT = "teams"
_LATEST = "service"  # the service url of the latest activity from anywhere
_TEAM = "team"  # the group of the team that the app was installed in last


@dataclass(frozen=True, slots=True)
class Reference:
    """A conversation. ``conversation`` is its id without the thread in it; ``team`` the Entra group's of the
    team, "" where there is none or it was never told; ``bot`` is our own id there (``28:…``).
    """

    service_url: str
    conversation: str
    kind: Kind
    tenant: str
    team: str = ""
    bot: str = ""

    def thread(self, root: str) -> str:
        """The conversation that a reply to ``root`` goes to: only channels have threads."""
        return (
            f"{self.conversation};messageid={root}" if self.kind == "channel" and root else self.conversation
        )


class TeamsSettings(Protocol):
    @property
    def app_id(self) -> str: ...

    @property
    def tenant_id(self) -> str: ...

    @property
    def service_url(self) -> str: ...

    @property
    def service_hosts(self) -> tuple[str, ...]: ...

    @property
    def local(self) -> bool: ...


class Places:
    def __init__(self, addresses: Addresses, settings: TeamsSettings) -> None:
        self._addresses = addresses
        self._settings = settings

    async def of(self, channel: str) -> Reference:
        """What was heard from there, else the best guess; its ``service_url`` is "" where there is none.

        :raises StoreDown: as the store does
        """
        text = await self._addresses.address(_CHAT, channel)
        if text is not None and (found := _read(text)) is not None and self.is_trusted(found.service_url):
            return found
        heard = await self._addresses.address(_CHAT, _LATEST) or ""
        url = heard if self.is_trusted(heard) else self._settings.service_url
        return Reference(
            service_url=url,
            conversation=channel,
            kind=(kind := kind_of(channel)),
            tenant=self._settings.tenant_id,
            # Most bots are in one team. In another one a message of ours is looked for in vain, and no more.
            team=await self._addresses.address(_CHAT, _TEAM) or "" if kind == "channel" else "",
            bot=f"28:{self._settings.app_id}",
        )

    def is_trusted(self, service_url: str) -> bool:
        """Whether the settings let answers, and a token with them, go there; they may have changed since."""
        try:
            parts = urlsplit(service_url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.username or parts.password or parts.query or parts.fragment or not _is_plain(service_url):
            return False
        if self._settings.local:
            return parts.scheme in ("http", "https") and is_loopback(host)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
        return safe and host_matches(host, self._settings.service_hosts)

    async def learn(self, told: Reference, person: str = "", team: str = "") -> None:
        """
        :param person: whose chat with us it is, if it is one
        :param team: Teams' own id of the team that the conversation is in, "" for none
        :raises StoreDown: as the store does
        """
        # A message tells less of its team than an installation does.
        if team and told.team:
            await self._note(f"team:{team}", told.team)
            await self._note(_TEAM, told.team)
        elif team:
            told = replace(told, team=await self._addresses.address(_CHAT, f"team:{team}") or "")
        text = orjson.dumps(asdict(told)).decode()
        await self._note(told.conversation, text)
        await self._note(_LATEST, told.service_url)
        if person and told.kind == "personal":
            await self._note(f"person:{person}", text)

    async def chat_with(self, person: str) -> Reference | None:
        """Our chat with them alone, if there was one."""
        text = await self._addresses.address(_CHAT, f"person:{person}")
        found = _read(text) if text else None
        return found if found and self.is_trusted(found.service_url) else None

    async def forget(self, told: Reference, person: str = "") -> None:
        """The app was taken away from there.

        :param person: whose chat with us it is, if it is one
        :raises StoreDown: as the store does
        """
        await self._addresses.forget(_CHAT, told.conversation)
        if person and told.kind == "personal":
            await self._addresses.forget(_CHAT, f"person:{person}")
        log.info("the app was removed from %s", told.conversation)

    async def _note(self, key: str, text: str) -> None:
        """Most activities tell nothing new. What another replica learnt or forgot meanwhile counts."""
        if await self._addresses.address(_CHAT, key) != text:
            await self._addresses.learn(_CHAT, key, text)


def _is_plain(url: str) -> bool:
    """Whether it means the same to everybody who reads it: ``urlsplit`` leaves line ends out, say."""
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url


def kind_of(channel: str) -> Kind:
    """By the form of its id: ``19:…@thread.tacv2`` is a channel's, ``19:…@thread.v2`` a group chat's.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-basics
    """
    if channel.endswith(("@thread.tacv2", "@thread.skype")):
        return "channel"
    return "groupChat" if channel.endswith("@thread.v2") else "personal"


def _read(text: str) -> Reference | None:
    """``None`` for what an older or newer version of us may have written otherwise."""
    try:
        tree = orjson.loads(text)
        fields = {name: tree[name] for name in Reference.__dataclass_fields__}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not all(isinstance(one, str) for one in fields.values()):
        return None
    kind = fields.pop("kind")
    return (
        Reference(kind=cast(Kind, kind), **fields) if kind in ("channel", "groupChat", "personal") else None
    )
