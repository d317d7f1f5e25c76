"""Teams on loopback: the Bot Connector, Graph, Entra, and signed activities, as strict as Microsoft at least.

``async with serve_teams() as teams:`` gives people (``mention``, ``press``, ``look``), their eyes
(``channel``, ``private``), and bad days (``lose_next_answer``, ``fail_next``, ``throttle_next``,
``drop_connections``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import orjson
from aiohttp import web

from tests.fakes import cards
from tests.fakes import teams_activities as activities
from tests.fakes.cards import Json, NotTaken, check_card
from tests.fakes.entra import APP, TENANT, Entra
from tests.fakes.teams_doors import Doors
from tests.fakes.teams_tenant import TEAM, Person, Said

# Microsoft's pages name no number for all; Teams shows "Unable to reach app" after about this long.
_DEADLINE = 10.0


class FakeTeams(Doors):
    """``failures``: what the bot did not take, or not in time.

    ``old``: people whose client knows no ``Action.Execute``.
    """

    def __init__(self, entra: Entra, people: Sequence[str], channels: Sequence[str]) -> None:
        super().__init__(entra, people, channels)
        self.bot_url = ""
        self.deadline = _DEADLINE
        self.old: set[str] = set()
        self.failures: list[str] = []
        self.installed = False
        self._views: dict[tuple[str, str, str], tuple[int, Json]] = {}
        self._last: Json | None = None

    @property
    def service_url(self) -> str:
        """As activities tell it; another than the one that is used where nothing was heard."""
        return f"{self.url}/emea/{TENANT}/"

    def environment(self) -> dict[str, str]:
        """What a bot is configured with, as variables."""
        return {
            "MICROSOFT_APP_ID": APP,
            "MICROSOFT_APP_PASSWORD": self.entra.apps[APP],
            "MICROSOFT_APP_TENANT_ID": TENANT,
            "PULLBOT_TEAMS_OPENID_METADATA": self.entra.metadata,
            "PULLBOT_TEAMS_AUTHORITY": self.entra.authority,
            "PULLBOT_TEAMS_SERVICE_HOSTS": "127.0.0.1",
            "PULLBOT_TEAMS_SERVICE_URL": f"{self.url}/teams/",
            "PULLBOT_AZURE_GRAPH": self.url,
        }

    # ---- what people do

    async def install(self, who: str, channel: str) -> None:
        """Add the app to the team, for that channel."""
        self.installed = True
        there, by = self.conversations[channel], self.people[who]
        await self.send(activities.installation(self.service_url, there, by))
        await self.send(activities.joined(self.service_url, self.conversations[TEAM], by))

    async def remove(self, who: str, channel: str) -> None:
        there, by = self.conversations[channel], self.people[who]
        there.joined = False
        await self.send(activities.installation(self.service_url, there, by, "remove"))

    async def mention(self, who: str, channel: str, text: str, thread: str = "") -> str:
        """``@pullbot`` and ``text``, or ``text`` alone in a chat with the bot alone; gives its id."""
        there = self.conversations[channel]
        said = self.say(who, channel, text, thread)
        await self.send(activities.message(self.service_url, there, self.people[who], said))
        return said.ref

    async def press(self, who: str, said: Said, label: str) -> None:
        """Press the button whose label begins so, as they see the message."""
        found = [one for one in cards.buttons(self.view(who, said)) if str(one["title"]).startswith(label)]
        assert found, f"there is no button {label!r} for {who}; there is {said.buttons}"
        await self._press(who, said, found[0])

    async def press_forged(self, who: str, said: Said, value: str) -> None:
        """Press what no card has."""
        data = {"action": value, "on": said.key}
        fallback = {"type": "Action.Submit", "title": "Forged", "data": data}
        forged = {"type": "Action.Execute", "verb": "press", "title": "Forged", "data": data}
        await self._press(who, said, {**forged, "fallback": fallback})

    async def _press(self, who: str, said: Said, button: Json) -> None:
        there, by = self.conversations[said.channel], self.people[who]
        if who in self.old:
            await self.send(activities.submit(self.service_url, there, by, said, button["fallback"]["data"]))
            return
        answer = await self.send(activities.press(self.service_url, there, by, said, dict(button)))
        if answer is not None:
            self._shown(by, said, answer)

    async def look(self, who: str, said: Said) -> Json:
        """See a message; a card that is refreshed for them is asked for. Gives the card that they see."""
        by = self.people[who]
        refresh = said.card.get("refresh", {})
        if by.id in refresh.get("userIds", ()) and who not in self.old:
            action = {**refresh["action"], "trigger": "automatic"}
            there = self.conversations[said.channel]
            answer = await self.send(activities.press(self.service_url, there, by, said, action))
            if answer is not None:
                self._shown(by, said, answer)
        return self.view(who, said)

    def view(self, who: str, said: Said) -> Json:
        """The card as they see it: what they alone were shown, until it is edited for all."""
        edits, card = self._views.get((self.people[who].id, said.channel, said.ref), (-1, {}))
        return card if edits == said.edits else said.card

    def _shown(self, who: Person, said: Said, answer: Json) -> None:
        try:
            assert answer["statusCode"] == 200, answer
            match answer["type"]:
                case "application/vnd.microsoft.activity.message":
                    assert isinstance(answer["value"], str)
                    self.whisper(who, answer["value"])
                case "application/vnd.microsoft.card.adaptive":
                    check_card(answer["value"])
                    self._views[(who.id, said.channel, said.ref)] = (said.edits, answer["value"])
                case other:
                    raise AssertionError(f"Teams knows no answer {other}")
        except (AssertionError, KeyError, TypeError, NotTaken) as why:
            self.failures.append(f"a press was answered with {str(answer)[:300]}: {why}")

    # ---- delivering

    async def send(self, activity: Json) -> Json | None:
        """As Teams sends it; the body of its answer, if there is one."""
        self._last = activity
        headers = {
            "Authorization": self.entra.bearer(service_url=activity["serviceUrl"]),
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)",
        }
        kind, deadline = activity["type"], aiohttp.ClientTimeout(total=self.deadline)
        try:
            async with (
                aiohttp.ClientSession(timeout=deadline) as session,
                session.post(
                    f"{self.bot_url}/api/messages", data=orjson.dumps(activity), headers=headers
                ) as answer,
            ):
                body = await answer.read()
                if answer.status not in (200, 201, 202):
                    self.failures.append(f"{kind} was answered with {answer.status}: {body[:200]!r}")
                    return None
        except (TimeoutError, aiohttp.ClientError) as why:
            self.failures.append(f"{kind} was not taken in {self.deadline:g} s: {why!r}")
            return None
        if kind == "invoke" and not body:
            self.failures.append("an invoke was answered without a word")
        found: Json | None = orjson.loads(body) if body else None
        return found

    async def redeliver_last(self) -> None:
        """Teams heard no answer, and sends the same again."""
        assert self._last is not None
        await self.send(self._last)


@asynccontextmanager
async def serve_teams(
    people: Sequence[str] = ("alice", "ben"), channels: Sequence[str] = ("19:alerts@thread.tacv2",)
) -> AsyncIterator[FakeTeams]:
    entra = Entra()
    await entra.start()
    teams = FakeTeams(entra, people, channels)
    app = web.Application(middlewares=[teams.guard], client_max_size=2**20)
    app.add_routes(teams.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    teams.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield teams
    finally:
        await runner.cleanup()
        await entra.stop()
