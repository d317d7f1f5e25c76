"""Microsoft's doors to Teams for bots: the Bot Connector and Graph, with bad days. Whoever asks has a token.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import orjson
from aiohttp import web

from tests.fakes.cards import Json, NotTaken
from tests.fakes.entra import APP, ISSUER, TENANT, Entra
from tests.fakes.graph import FakeGraph, Written
from tests.fakes.teams_tenant import TEAM_GROUP, Conversation, Person, Said, Tenant

Call = Literal["post", "edit", "find root", "find reply", "roster"]
Trouble = Callable[[web.Request], web.StreamResponse]


class Doors(Tenant):
    """``calls``: how often what was asked."""

    def __init__(self, entra: Entra, people: Sequence[str], channels: Sequence[str]) -> None:
        super().__init__(people, channels)
        self.entra = entra
        self.graph = FakeGraph()
        for channel in self.conversations:
            self.graph.write(channel, Written("0", None, ""), team=TEAM_GROUP)  # so that Graph knows it
        self.url = ""
        self.calls: Counter[Call] = Counter()
        self._trouble: dict[Call, list[Trouble]] = {}
        self._lose: list[Call] = []
        self._transports: set[Any] = set()

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
