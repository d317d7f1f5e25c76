"""Microsoft Teams as the story's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes import cards
from tests.fakes.teams import FakeTeams, serve_teams
from tests.fakes.teams_tenant import Said
from tests.story import room
from tests.story.room import BEN, DANA, PEOPLE, Call

ALERTS = "19:a1e7t5a1e7t5a1e7t5a1e7t5@thread.tacv2"
GROUP = "9b1d7d3a-4a51-4a0e-8f4e-5a7f0d6c2e11"  # those on call, in Entra


class TeamsRoom:
    """The ``Room`` of ``tests.story.room``. Ben's client is an old one."""

    name = "teams"
    alerts = ALERTS
    on_call = f"group:{GROUP}"

    def __init__(self, teams: FakeTeams, others: Sequence[str]) -> None:
        self.teams = teams
        self.others = others

    @property
    def failures(self) -> Sequence[str]:
        return self.teams.failures

    @property
    def refusals(self) -> Sequence[str]:
        return self.teams.refusals

    def id(self, who: str) -> str:
        return self.teams.people[who].object_id

    def settings(self) -> dict[str, Any]:
        return {}

    def environment(self) -> dict[str, str]:
        return self.teams.environment()

    async def bot_is_at(self, url: str) -> None:
        self.teams.bot_url = url
        if url and not self.teams.installed:
            await self.teams.install(DANA, ALERTS)

    @property
    def connected(self) -> bool:
        return bool(self.teams.bot_url)

    # ---- what people see and do

    def channel(self, channel: str) -> Sequence[Said]:
        return self.teams.channel(channel)

    def private(self, who: str) -> Sequence[Said]:
        return self.teams.private(self.teams.people[who])

    async def mention(self, who: str, channel: str, text: str, thread: str = "") -> str:
        return await self.teams.mention(who, channel, text, thread)

    async def press(self, who: str, said: room.Said, label: str) -> None:
        await self.teams.press(who, self._of(said), label)

    async def press_forged(self, who: str, said: room.Said, value: str) -> None:
        await self.teams.press_forged(who, self._of(said), value)

    def value_of(self, said: room.Said, label: str) -> str:
        found = cards.buttons(self._of(said).card)
        return next(str(one["data"]["action"]) for one in found if one["title"].startswith(label))

    def _of(self, said: room.Said) -> Said:
        return self.teams.find(said.channel, said.ref)

    async def redeliver_last(self) -> None:
        await self.teams.redeliver_last()

    # ---- bad days

    def count(self, call: Call) -> int:
        return self.teams.calls[call]

    def lose_next_answer(self, call: Call = "post") -> None:
        self.teams.lose_next_answer(call)

    def fail_next(self, status: int = 503, call: Call = "post") -> None:
        self.teams.fail_next(status, call)

    def garble_next(self, call: Call = "post") -> None:
        self.teams.refuse_next(502, "ServiceError", call)

    def rate_limit_next(self, seconds: int = 1, call: Call = "post") -> None:
        self.teams.throttle_next(seconds, call)

    async def drop_connections(self) -> None:
        await self.teams.drop_connections()


@asynccontextmanager
async def teams_room(on_call: Sequence[str], others: int = 0) -> AsyncIterator[TeamsRoom]:
    rooms = [f"19:700m{number:020}@thread.tacv2" for number in range(others)]
    async with serve_teams(PEOPLE, (ALERTS, *rooms)) as teams:
        teams.old.add(BEN)
        teams.graph.groups[GROUP] = [teams.people[who].object_id for who in on_call]
        yield TeamsRoom(teams, rooms)
