"""The Teams of these tests refuses what Microsoft refuses; else they would prove nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.chat.message import Button, Buttons, Message, Paragraph
from bot.chat.teams.activity import Moved, Press, Refresh, Words, parse, tenants_of
from bot.chat.teams.card import as_activity
from tests.fakes import cards, teams_activities
from tests.fakes.entra import APP, ISSUER, TENANT
from tests.fakes.teams import FakeTeams, serve_teams
from tests.fakes.teams_tenant import TEAM, TEAM_GROUP

ALERTS = "19:alerts@thread.tacv2"
MESSAGE = Message("root", "words", (Paragraph(("words",)), Buttons((Button("Fix", "fix 1 2"),))))
CARD = as_activity(MESSAGE, key="i:root", refresh_for=["29:1x"])


@dataclass
class Caller:
    teams: FakeTeams
    session: aiohttp.ClientSession
    token: str

    async def __call__(
        self, method: str, path: str, body: Any = None, base: str = "", token: str | None = None
    ) -> tuple[int, Any]:
        url = f"{base or self.teams.service_url}{path}"
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def thread(
        self, activity: Any = CARD, channel: str = ALERTS, tenant: str = TENANT
    ) -> tuple[int, Any]:
        where = {"channel": {"id": channel}, "tenant": {"id": tenant}}
        body = {"isGroup": True, "channelData": where, "activity": activity}
        return await self("POST", "v3/conversations", body)


@asynccontextmanager
async def calling() -> AsyncIterator[Caller]:
    async with serve_teams() as teams, aiohttp.ClientSession() as session:
        yield Caller(teams, session, await token(teams, f"{ISSUER}/.default"))


async def token(teams: FakeTeams, scope: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": APP, "scope": scope}
    form |= {"client_secret": teams.entra.apps[APP]}
    url = f"{teams.entra.url}/{TENANT}/oauth2/v2.0/token"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        return str((await answer.json())["access_token"])


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def test_a_thread_its_replies_and_their_edits_are_seen() -> None:
    async with calling() as call:
        status, made = await call.thread()
        root = made["activityId"]
        assert (status, made["id"]) == (201, f"{ALERTS};messageid={root}")
        there = f"v3/conversations/{quote(made['id'])}/activities"
        _, said = await call("POST", there, CARD)
        assert await call("PUT", f"{there}/{said['id']}", CARD) == (200, {"id": said["id"]})
        [shown] = call.teams.channel(ALERTS)
        assert (shown.text, shown.key, shown.buttons) == ("words\n[Fix]", "i:root", ["Fix"])
        assert [(one.ref, one.thread, one.edits) for one in shown.replies] == [(said["id"], root, 1)]


async def test_who_does_not_belong_there_gets_nothing() -> None:
    async with calling() as call:
        members = f"v3/conversations/{quote(ALERTS)}/pagedmembers"
        assert code(await call("GET", members, token="")) == (401, "Unauthorized")
        graph = await token(call.teams, f"{call.teams.url}/.default")
        assert code(await call("GET", members, token=graph)) == (401, "Unauthorized")
        groups = f"/v1.0/groups/{TEAM_GROUP}/transitiveMembers"
        assert code(await call("GET", groups, base=call.teams.url)) == (401, "Unauthorized")
        assert (await call("GET", groups, base=call.teams.url, token=graph))[0] == 404
        assert code(await call.thread(tenant="another")) == (400, "BadArgument")
        assert code(await call.thread(channel="19:nowhere@thread.tacv2")) == (400, "BadSyntax")
        call.teams.conversations[ALERTS].joined = False
        assert code(await call.thread()) == (403, "BotNotInConversationRoster")


@pytest.mark.parametrize(
    ("activity", "refused"),
    [
        (None, (400, "BadSyntax")),
        ({"type": "message", "text": "<at>all</at>"}, (400, "BadSyntax")),
        ({**CARD, "entities": [{"type": "mention"}]}, (400, "BadSyntax")),
        ({**CARD, "summary": "x" * 30_000}, (413, "MessageSizeTooBig")),
    ],
)
async def test_messages_that_teams_or_we_do_not_want_are_refused(
    activity: Any, refused: tuple[int, str]
) -> None:
    async with calling() as call:
        assert code(await call.thread(activity)) == refused
        assert call.teams.channel(ALERTS) == []


async def test_more_than_seven_messages_in_a_second_are_too_many() -> None:
    async with calling() as call:
        statuses = [(await call.thread())[0] for _ in range(8)]
        assert statuses == [201] * 7 + [429]


async def test_a_roster_comes_in_pages_and_tells_each_member() -> None:
    async with calling() as call:
        at = f"v3/conversations/{quote(ALERTS)}"
        _, first = await call("GET", f"{at}/pagedmembers?pageSize=1")
        _, second = await call(
            "GET", f"{at}/pagedmembers?pageSize=1&continuationToken={first['continuationToken']}"
        )
        assert "continuationToken" not in second
        alice, ben = (page["members"][0] for page in (first, second))
        assert (alice["name"], ben["userPrincipalName"]) == ("Alice", "ben@contoso.example")
        assert await call("GET", f"{at}/members/{alice['id']}") == (200, alice)
        assert code(await call("GET", f"{at}/members/29:nobody")) == (404, "MemberNotFoundInConversation")


async def test_a_chat_with_one_person_is_one_however_often_it_is_asked_for() -> None:
    async with calling() as call:
        body = {
            "bot": {"id": f"28:{APP}"},
            "members": [{"id": call.teams.people["ben"].id}],
            "tenantId": TENANT,
        }
        (_, first), (_, second) = [await call("POST", "v3/conversations", body) for _ in range(2)]
        assert first == second
        await call("POST", f"v3/conversations/{first['id']}/activities", CARD)
        assert [one.text for one in call.teams.private(call.teams.people["ben"])] == ["words\n[Fix]"]
        assert call.teams.private(call.teams.people["alice"]) == []


async def test_what_people_do_is_told_as_it_is_understood() -> None:
    async with calling() as call:
        teams, ben = call.teams, call.teams.people["ben"]
        root = (await call.thread())[1]["activityId"]
        there, said = teams.conversations[ALERTS], teams.find(ALERTS, root)
        url = teams.service_url
        written = teams.say("ben", ALERTS, "why deploy/ui", root)
        words = parse(teams_activities.message(url, there, ben, written))
        assert isinstance(words, Words)
        assert (words.text, words.direct, words.origin.thread) == ("why deploy/ui", False, root)
        assert (words.origin.sender.user, words.origin.sender.name) == (ben.object_id, "Ben")
        [button] = cards.buttons(said.card)
        pressed = parse(teams_activities.press(url, there, ben, said, button))
        assert isinstance(pressed, Press)
        assert (pressed.value, pressed.key, pressed.waits, pressed.origin.on) == (
            "fix 1 2",
            "i:root",
            True,
            root,
        )
        submitted = parse(teams_activities.submit(url, there, ben, said, button["fallback"]["data"]))
        assert isinstance(submitted, Press)
        assert (submitted.value, submitted.key, submitted.waits) == ("fix 1 2", "i:root", False)
        seen = {**said.card["refresh"]["action"], "trigger": "automatic"}
        refresh = parse(teams_activities.press(url, there, ben, said, seen))
        assert isinstance(refresh, Refresh)
        assert refresh.key == "i:root"
        for action in ("add", "remove"):
            installed = teams_activities.installation(url, there, ben, action)
            moved = parse(installed)
            assert isinstance(moved, Moved)
            assert (moved.gone, moved.origin.place.team, moved.origin.team) == (
                action == "remove",
                TEAM_GROUP,
                TEAM,
            )
            assert tenants_of(installed) == {TENANT}


async def test_graph_finds_what_was_written_and_reads_groups() -> None:
    async with calling() as call:
        graph = await token(call.teams, f"{call.teams.url}/.default")
        root = (await call.thread())[1]["activityId"]
        path = f"/v1.0/teams/{TEAM_GROUP}/channels/{quote(ALERTS)}/messages"
        _, page = await call("GET", path, base=call.teams.url, token=graph)
        assert [one["id"] for one in page["value"]][:1] == [root]
        assert page["value"][0]["from"]["application"]["id"] == APP
        assert call.teams.calls["find root"] == 1
