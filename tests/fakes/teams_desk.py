"""A ``TeamsSide`` between a fake tenant and a desk that notes what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.chat.teams.side import TeamsSide
from bot.people import Approvers
from bot.settings_shape import Teams
from bot.settings_sources import Secrets
from bot.web import Listener
from checks.secret import Secret
from tests.fakes.doors import Clock
from tests.fakes.entra import APP, TENANT
from tests.fakes.slack_desk import Desk, until
from tests.fakes.teams import FakeTeams


class Shelf:
    """Addresses, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    async def address(self, chat: str, place: str) -> str | None:
        return self.kept.get((chat, place))

    async def learn(self, chat: str, place: str, address: str) -> None:
        self.kept[chat, place] = address

    async def forget(self, chat: str, place: str) -> None:
        self.kept.pop((chat, place), None)


def settings(teams: FakeTeams, **more: Any) -> Teams:
    return Teams(
        openid_metadata=teams.entra.metadata,
        authority=teams.entra.authority,
        service_hosts=("127.0.0.1",),
        app_id=APP,
        tenant_id=TENANT,
        **{"service_url": f"{teams.url}/teams/", **more},
    )


@asynccontextmanager
async def connected(
    teams: FakeTeams,
    desk: Desk,
    *,
    shelf: Shelf | None = None,
    approvers: Approvers | None = None,
    clock: Clock | None = None,
    secret: str = "",
    ready: bool = True,
    service_url: str | None = None,
    **more: Any,
) -> AsyncIterator[TeamsSide]:
    """A side with the service's web server, and ``ready``. ``secret``: another than Entra's."""
    configured = {} if service_url is None else {"service_url": service_url}
    paced: dict[str, Any] = {"clock": clock.seconds, "pause": clock.pause} if clock else {}
    secrets = Secrets(microsoft_app_password=Secret(secret or teams.entra.apps[APP]))
    side = TeamsSide(
        settings(teams, **configured),
        teams.url,
        secrets,
        shelf or Shelf(),
        approvers or Approvers(),
        **paced,
        **more,
    )
    app = web.Application()
    app.add_routes(list(side.routes(desk)))
    listener = Listener(app, "127.0.0.1", 0)
    [(host, port)] = await listener.start()
    teams.bot_url = f"http://{host}:{port}"
    await side.start(desk)
    try:
        await until(lambda: not ready or not side.why_not_ready())
        yield side
    finally:
        desk.open.set()
        await side.stop()
        await side.close()
        await listener.stop()
