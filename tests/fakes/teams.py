"""Teams on loopback: the Bot Connector, Graph, Entra, and signed activities, as strict as Microsoft at least.

``async with serve_teams() as teams:`` gives people (``mention``, ``press``, ``look``), their eyes
(``channel``, ``private``), and bad days (``lose_next_answer``, ``fail_next``, ``throttle_next``,
``drop_connections``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import orjson
from aiohttp import web

from tests.fakes import cards
from tests.fakes import teams_activities as activities
from tests.fakes.cards import Json, NotTaken, check_card
from tests.fakes.entra import APP, ISSUER, TENANT, Entra
from tests.fakes.graph import FakeGraph, Written
from tests.fakes.teams_tenant import TEAM, TEAM_GROUP, Conversation, Person, Said, Tenant

Call = Literal["post", "edit", "find root", "find reply", "roster", "chat"]
Trouble = Callable[[web.Request], web.StreamResponse]

# Microsoft's pages name no number for all; Teams shows "Unable to reach app" after about this long.
_DEADLINE = 10.0
_WORD, _CARD = "application/vnd.microsoft.activity.message", cards.CARD


class FakeTeams(Tenant):
    """``failures``: what the bot did not take, or not in time. ``calls``: how often it was asked for what.

    ``old``: people whose client knows no ``Action.Execute``.
    """

    def __init__(self, entra: Entra, people: Sequence[str], channels: Sequence[str]) -> None:
        super().__init__(people, channels)
        self.entra = entra
        self.graph = FakeGraph()
        self.url = ""
        self.bot_url = ""
        self.deadline = _DEADLINE
        self.old: set[str] = set()
        self.calls: Counter[Call] = Counter()
        self.failures: list[str] = []
        self.installed = False
        self._views: dict[tuple[str, str, str], tuple[int, Json]] = {}
        self._trouble: dict[Call, list[Trouble]] = {}
        self._lose: list[Call] = []
        self._last: Json | None = None
        self._transports: set[Any] = set()

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

    # ---- bad days

    def lose_next_answer(self, call: Call = "post") -> None:
        """The next such call is carried out, and the connection breaks before its answer."""
        self._lose.append(call)

    def fail_next(self, status: int = 503, call: Call = "post", body: str = "Service Unavailable") -> None:
        def fail(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text=body, content_type="text/html")

        self._trouble.setdefault(call, []).append(fail)

    def refuse_next(self, status: int, code: str, call: Call = "post") -> None:
        """In the Bot Connector's own words."""
        self._trouble.setdefault(call, []).append(lambda _: _refused(status, code, code))

    def throttle_next(self, seconds: int = 1, call: Call = "post") -> None:
        def throttle(_: web.Request) -> web.StreamResponse:
            return _refused(429, "Throttled", "Too many requests", {"Retry-After": str(seconds)})

        self._trouble.setdefault(call, []).append(throttle)

    async def drop_connections(self) -> None:
        """All that are open, without a word."""
        for transport in list(self._transports):
            transport.abort()

    # ---- the doors

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self._transports = {one for one in self._transports if not one.is_closing()}
        assert request.transport is not None
        self._transports.add(request.transport)
        call = _call(request)
        if call is not None:
            self.calls[call] += 1
            if self._trouble.get(call):
                return self._trouble[call].pop(0)(request)
        scope = f"{self.url}/.default" if request.path.startswith("/v1.0/") else f"{ISSUER}/.default"
        try:
            if not self.entra.is_of(request.headers.get("Authorization", ""), scope=scope):
                raise NotTaken(401, "Unauthorized", "Authorization has been denied for this request.")
            answer: web.StreamResponse = await handler(request)
        except NotTaken as why:
            self.refusals.append(f"{request.method} {request.path}: {why}")
            headers = {"Retry-After": "1"} if why.status == 429 else {}
            return _refused(why.status, why.code, why.detail, headers)
        finally:
            self.news.set()
        if call in self._lose:
            self._lose.remove(call)
            request.transport.abort()
        return answer

    def routes(self) -> list[web.RouteDef]:
        every: list[web.RouteDef] = []
        for base in ("/teams", f"/emea/{TENANT}"):
            at = f"{base}/v3/conversations"
            every += [
                web.post(at, self._create),
                web.post(f"{at}/{{conversation}}/activities", self._post),
                web.post(f"{at}/{{conversation}}/activities/{{activity}}", self._post),
                web.put(f"{at}/{{conversation}}/activities/{{activity}}", self._put),
                web.get(f"{at}/{{conversation}}/pagedmembers", self._paged_members),
                web.get(f"{at}/{{conversation}}/members", self._members),
                web.get(f"{at}/{{conversation}}/members/{{member}}", self._member),
            ]
        return [*every, *self.graph.routes()]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        """A thread of a channel, with its first message; or a chat with one person."""
        body = await _body(request)
        if body.get("isGroup"):
            channel = body.get("channelData", {}).get("channel", {}).get("id", "")
            if body.get("members") or self.conversations.get(channel, _NOWHERE).kind != "channel":
                raise NotTaken(400, "BadSyntax", "Incorrect conversation creation parameters")
            self._want_tenant(body)
            said = self._posted(channel, "", body.get("activity"))
            id = f"{channel};messageid={said.ref}"
            return web.json_response({"id": id, "activityId": said.ref}, status=201)
        members = body.get("members") or []
        if len(members) != 1 or body.get("bot", {}).get("id") not in (f"28:{APP}", APP):
            raise NotTaken(400, "BadSyntax", "Incorrect conversation creation parameters")
        self._want_tenant(body)
        chat = self.chat_with(str(members[0].get("id")))
        return web.json_response({"id": chat.id}, status=201)

    def _want_tenant(self, body: Json) -> None:
        told = {body.get("tenantId"), body.get("channelData", {}).get("tenant", {}).get("id")} - {None}
        if told != {TENANT}:
            raise NotTaken(400, "BadArgument", f"Missing or wrong tenant id: {told}")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        channel, thread = _conversation(request)
        said = self._posted(channel, thread, await _body(request))
        return web.json_response({"id": said.ref}, status=201)

    def _posted(self, channel: str, thread: str, activity: Any) -> Said:
        said = self.post(channel, thread, _as_sent(activity))
        team = TEAM_GROUP if self.conversations[channel].kind == "channel" else ""
        self.graph.write(channel, Written(said.ref, said.card, APP, said.thread), team=team)
        return said

    async def _put(self, request: web.Request) -> web.StreamResponse:
        channel, thread = _conversation(request)
        ref = request.match_info["activity"]
        said = self.edit(channel, thread, ref, _as_sent(await _body(request)))
        self.graph.edit(channel, ref, said.card)
        return web.json_response({"id": ref})

    async def _paged_members(self, request: web.Request) -> web.StreamResponse:
        known = self.roster(_conversation(request)[0])
        start = int(request.query.get("continuationToken") or 0)
        size = min(int(request.query.get("pageSize") or 200), 500)
        page: Json = {"members": [_as_member(one) for one in known[start : start + size]]}
        if start + size < len(known):
            page["continuationToken"] = str(start + size)
        return web.json_response(page)

    async def _members(self, request: web.Request) -> web.StreamResponse:
        return web.json_response([_as_member(one) for one in self.roster(_conversation(request)[0])])

    async def _member(self, request: web.Request) -> web.StreamResponse:
        wanted = request.match_info["member"]
        for one in self.roster(_conversation(request)[0]):
            if wanted in (one.id, one.object_id, one.upn):
                return web.json_response(_as_member(one))
        raise NotTaken(404, "MemberNotFoundInConversation", "Member not found in conversation.")


_NOWHERE = Conversation("", "personal")


def _call(request: web.Request) -> Call | None:
    path = request.path
    if path.startswith("/v1.0/"):
        return ("find reply" if path.endswith("/replies") else "find root") if "/messages" in path else None
    if request.method == "PUT":
        return "edit"
    if "members" in path:
        return "roster"
    # A thread is begun with its first message; a chat is made without any.
    return "post" if request.method == "POST" else None


def _conversation(request: web.Request) -> tuple[str, str]:
    channel, _, thread = request.match_info["conversation"].partition(";messageid=")
    return channel, thread


async def _body(request: web.Request) -> Json:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise NotTaken(400, "BadSyntax", "the body is no JSON object")
    return body


def _as_sent(activity: Any) -> Any:
    """Without what says to whom it goes, which the path says already."""
    if not isinstance(activity, dict):
        raise NotTaken(400, "BadSyntax", "there is no activity")
    addressed = {"conversation", "from", "recipient", "channelId", "serviceUrl", "id", "replyToId"}
    return {name: value for name, value in activity.items() if name not in addressed}


def _as_member(one: Person) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "objectId": one.object_id,
        "givenName": one.name,
        "surname": "Example",
        "email": one.upn,
        "userPrincipalName": one.upn,
        "tenantId": TENANT,
        "userRole": "user",
    }


def _refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


@asynccontextmanager
async def serve_teams(
    people: Sequence[str] = ("alice", "ben"), channels: Sequence[str] = ("19:alerts@thread.tacv2",)
) -> AsyncIterator[FakeTeams]:
    entra = Entra()
    await entra.start()
    teams = FakeTeams(entra, people, channels)
    for channel in teams.conversations:
        teams.graph.write(channel, Written("0", None, ""), team=TEAM_GROUP)  # a channel that has messages
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
