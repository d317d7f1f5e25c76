"""Teams as the application starts and stops it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web

from bot.chat.clock import Clock, Pause
from bot.chat.platform import ChatDown, ChatRefused, Desk
from bot.chat.teams.chat import TeamsChat
from bot.chat.teams.connector import Connector
from bot.chat.teams.graph import Graph
from bot.chat.teams.identity import ClientSecret, Identity, ManagedIdentity, Unsigned
from bot.chat.teams.listeners import PATIENCE_SECONDS, Listeners
from bot.chat.teams.people import TeamsPeople
from bot.chat.teams.places import Places
from bot.chat.teams.requests import Requests
from bot.chat.teams.tokens import Gate
from bot.people import Approvers
from bot.settings_shape import Teams
from bot.store.ports import Addresses
from checks.secret import Secret

log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 10.0


class Passwords(Protocol):
    """The secret that Teams needs; ``bot.settings.Secrets`` has it."""

    @property
    def microsoft_app_password(self) -> Secret[str] | None: ...


class TeamsSide:
    """The ``Side`` of ``bot.chat.platform``.

    :param graph: where Microsoft Graph is
    :param patience: seconds that a press may wait for its answer
    """

    def __init__(
        self,
        settings: Teams,
        graph: str,
        passwords: Passwords,
        addresses: Addresses,
        approvers: Approvers,
        *,
        patience: float = PATIENCE_SECONDS,
        clock: Clock = time.monotonic,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._gate = (
            None
            if settings.local
            else Gate(settings.openid_metadata, settings.app_id, settings.tenant_id, clock=clock)
        )
        self._identity = _identity(settings, passwords, clock)
        self._connector = Connector(self._identity, self._scope, clock=clock, pause=pause)
        self._graph = Graph(graph, self._identity, clock=clock)
        places = Places(addresses, settings)
        self.people = TeamsPeople(self._connector, self._graph, approvers, clock=clock)
        self.chat = TeamsChat(self._connector, places, self.people, self._graph.find)
        self._listeners = Listeners(self.chat, places, self.people, pause=pause, patience=patience)
        tenant = "" if settings.local else settings.tenant_id
        self._requests = Requests(self._gate, tenant, places.is_trusted, self._listeners.take)
        self._pause = pause
        self._trying: asyncio.Task[None] | None = None
        self._why_not = "not started"

    def routes(self, desk: Desk) -> Iterable[web.RouteDef]:
        self._listeners.serve(desk)
        return (web.post("/api/messages", self._requests.take),)

    async def start(self, desk: Desk) -> None:
        self._listeners.serve(desk)
        if self._gate is not None:
            self._gate.open()
        self._connector.open()
        self._trying = asyncio.create_task(self._try_the_door(), name="teams identity")

    async def stop(self) -> None:
        self._requests.close()
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)
        await self._listeners.errands.finish()
        self._why_not = "stopped"

    async def close(self) -> None:
        await self.people.close()
        await self._connector.close()
        await self._graph.close()
        await self._identity.close()
        if self._gate is not None:
            await self._gate.close()

    def why_not_ready(self) -> str:
        return f"Teams: {self._why_not}" if self._why_not else ""

    async def _scope(self) -> str:
        """Of tokens for the Bot Connector: who signs what comes in is who takes what goes out."""
        return f"{await self._gate.issuer()}/.default" if self._gate is not None else ""

    async def _try_the_door(self) -> None:
        """Whether Microsoft is known when it comes to us, and we are when we go to it."""
        self._why_not = "not asked yet whether Microsoft knows us"
        while self._gate is not None and self._why_not:
            try:
                await self._identity.token(await self._scope())
                self._why_not = ""
            except (ChatDown, ChatRefused) as why:
                if str(why) != self._why_not:
                    log.warning("no connection to Teams: %s", why)
                self._why_not = str(why)
                await self._pause(_ASK_AGAIN_SECONDS)
        self._why_not = ""


def _identity(settings: Teams, passwords: Passwords, clock: Clock) -> Identity:
    if settings.local:
        return Unsigned()
    if settings.registration == "managed_identity":
        return ManagedIdentity(settings.app_id, clock=clock)
    if passwords.microsoft_app_password is None:
        raise ValueError("a single-tenant app has a secret")  # the settings were not asked what is missing
    return ClientSecret(
        settings.authority, settings.tenant_id, settings.app_id, passwords.microsoft_app_password, clock=clock
    )
