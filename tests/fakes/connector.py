"""The Bot Connector on loopback, as strict as Teams' or stricter: conversations, messages, edits, rosters.

``async with serve_connector() as teams:`` gives conversations with what was said there, and bad days
(``fail_next``, ``lose_next_answer``, ``drop_next``, ``hold_next``).
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LARGEST = 100_000  # bytes of a request; Teams' own limit is about as much, and less for what is shown


@dataclass
class Said:
    """A message. ``replies`` are those of its thread."""

    id: str
    activity: Json
    edits: int = 0
    replies: list[Said] = field(default_factory=list)


@dataclass
class Conversation:
    """A channel, a group chat or somebody's own chat with the bot."""

    id: str
    members: Sequence[Json] = ()
    said: list[Said] = field(default_factory=list)

    @property
    def is_channel(self) -> bool:
        return self.id.endswith("@thread.tacv2")

    def find(self, ref: str) -> Said | None:
        return next((one for root in self.said for one in (root, *root.replies) if one.id == ref), None)


@dataclass(frozen=True)
class Asked:
    """A request as it came. ``path`` is as it was sent: ids in it are quoted."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json


class FakeConnector:
    """``token``: what requests have to carry; "" for no token at all. ``page``: members on each page.

    ``busy`` requests are held; ``connections()`` are open.
    """

    def __init__(self, token: str = "", page: int = 500) -> None:
        self.url = ""
        self.token, self.page = token, page
        self.conversations: dict[str, Conversation] = {}
        self.people: dict[str, Json] = {}  # who may be written to, by their id (29:…)
        self.asked: list[Asked] = []
        self.busy = 0
        self._ids = (str(1_700_000_000_000 + number) for number in itertools.count())
        self._bad: list[tuple[str, Handler]] = []
        self._let_go = asyncio.Event()
        self.connections: Callable[[], int] = lambda: 0

    def add(self, conversation: str, members: Sequence[Json] = ()) -> Conversation:
        found = self.conversations[conversation] = Conversation(conversation, members)
        return found

    # ---- bad days, for the next request

    def fail_next(
        self, status: int, code: str = "", method: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        async def fail(request: web.Request) -> web.Response:
            return _error(status, code, headers)

        self._bad.append((method, fail))

    def answer_next(
        self, status: int, text: str, kind: str = "text/html", headers: Mapping[str, str] | None = None
    ) -> None:
        """Not the Connector, but something between."""

        async def answer(request: web.Request) -> web.Response:
            return web.Response(status=status, text=text, content_type=kind, headers=headers)

        self._bad.append(("", answer))

    def redirect_next(self, to: str, status: int) -> None:
        self.answer_next(status, "", headers={"Location": to})

    def drop_next(self) -> None:
        """The connection breaks before anything is done."""
        self._bad.append(("", _broken))

    def lose_next_answer(self) -> None:
        """It is done, and nobody hears of it."""

        async def lose(request: web.Request) -> web.Response:
            await self._serve(request)
            return await _broken(request)

        self._bad.append(("", lose))

    def hold_next(self, method: str = "") -> None:
        """Nothing is done before ``let_go``."""

        async def hold(request: web.Request) -> web.StreamResponse:
            self.busy += 1
            await self._let_go.wait()
            self.busy -= 1
            return await self._serve(request)

        self._bad.append((method, hold))

    def let_go(self) -> None:
        self._let_go.set()

    # ---- the API

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = dict(request.headers)
        self.asked.append(Asked(request.method, request.raw_path, headers, json.loads(body or b"{}")))
        for number, (method, bad) in enumerate(self._bad):
            if method in ("", request.method):
                del self._bad[number]
                return await bad(request)
        return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "") != (f"Bearer {self.token}" if self.token else ""):
            return _error(401, "", None)
        if len(await request.read()) > _LARGEST:
            return _error(413, "MessageSizeTooBig", None)
        try:
            return await self._route(request)
        except _Refused as refused:
            return _error(refused.status, refused.code, None)

    async def _route(self, request: web.Request) -> web.Response:
        match (request.method, *request.path.removeprefix("/teams/v3/conversations").split("/")[1:]):
            case ("POST",):
                answer = self._create(await _json(request))
            case ("POST", conversation, "activities"):
                answer = _answer({"id": self._send(conversation, await _json(request))}, 201)
            case ("PUT", conversation, "activities", ref):
                answer = self._update(conversation, ref, await _json(request))
            case ("GET", conversation, "pagedmembers"):
                answer = self._members(conversation, request)
            case ("GET", conversation, "members", who):
                answer = self._member(conversation, who)
            case _:
                answer = web.Response(status=404)
        return answer

    def _create(self, asked: Json) -> web.Response:
        data = asked.get("channelData") or {}
        if asked.get("isGroup"):
            channel = (data.get("channel") or {}).get("id", "")
            _insist("members" not in asked and "activity" in asked)
            ref = self._send(channel, asked["activity"])
            return _answer({"id": f"{channel};messageid={ref}", "activityId": ref}, 201)
        [member] = asked.get("members") or [{}]
        _insist(
            (data.get("tenant") or {}).get("id") and (asked.get("bot") or {}).get("id", "").startswith("28:")
        )
        if member.get("id") not in self.people:
            _refuse(403, "ForbiddenOperationException")
        chat = f"a:{member['id']}"
        self.conversations.setdefault(chat, Conversation(chat, [self.people[member["id"]]]))
        return _answer({"id": chat}, 201)

    def _send(self, conversation: str, activity: Json) -> str:
        name, _, root = conversation.partition(";messageid=")
        found = self._open(name)
        _insist_on_message(activity)
        said = Said(next(self._ids), activity)
        if not root:
            found.said.append(said)
            return said.id
        thread = next((one for one in found.said if one.id == root), None)
        if thread is None or not found.is_channel:
            _refuse(404, "ConversationNotFound")
        thread.replies.append(said)
        return said.id

    def _update(self, conversation: str, ref: str, activity: Json) -> web.Response:
        found = self._open(conversation.partition(";messageid=")[0])
        _insist_on_message(activity)
        said = found.find(ref)
        if said is None:
            _refuse(404, "ActivityNotFoundInConversation")
        said.activity = activity
        said.edits += 1
        return _answer({"id": ref})

    def _members(self, conversation: str, request: web.Request) -> web.Response:
        found = self._open(conversation.partition(";messageid=")[0])
        size = min(int(request.query.get("pageSize", "200")), self.page)
        start = int(request.query.get("continuationToken", "0"))
        page: Json = {"members": list(found.members[start : start + size])}
        if start + size < len(found.members):
            page["continuationToken"] = str(start + size)
        return _answer(page)

    def _member(self, conversation: str, who: str) -> web.Response:
        found = self._open(conversation.partition(";messageid=")[0])
        names = ("id", "objectId", "aadObjectId")
        known = next((one for one in found.members if who in [one.get(name) for name in names]), None)
        if known is None:
            _refuse(404, "MemberNotFoundInConversation")
        return _answer(known)

    def _open(self, conversation: str) -> Conversation:
        found = self.conversations.get(conversation)
        if found is None:
            _refuse(404, "ConversationNotFound")
        return found


@asynccontextmanager
async def serve_connector(
    token: str = "", page: int = 500, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FakeConnector]:
    """At ``url``, which is a service url."""
    teams = FakeConnector(token, page)
    app = web.Application(client_max_size=4 * _LARGEST)
    app.router.add_route("*", "/{path:.*}", teams.take)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    teams.url = f"{'https' if tls else 'http'}://{host}:{port}/teams/"
    server = runner.server
    assert server is not None
    teams.connections = lambda: len(server.connections)
    try:
        yield teams
    finally:
        teams.let_go()
        await runner.cleanup()


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def _refuse(status: int, code: str) -> NoReturn:
    raise _Refused(status, code)


def _insist(condition: object) -> None:
    if not condition:
        _refuse(400, "BadArgument")


def _insist_on_message(activity: Json) -> None:
    """With a text or cards, of which each says what it is."""
    _insist(activity.get("type") == "message" and (activity.get("text") or activity.get("attachments")))
    for one in activity.get("attachments") or []:
        _insist(one.get("contentType") and isinstance(one.get("content"), dict))


async def _json(request: web.Request) -> Json:
    if not request.content_type.startswith("application/json"):
        _refuse(415, "BadSyntax")
    try:
        tree: Json = json.loads(await request.read())
    except ValueError:
        _refuse(400, "BadSyntax")
    return tree


def _answer(what: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON is UTF-8, and need not say so."""
    body = json.dumps(what, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _error(status: int, code: str, headers: Mapping[str, str] | None) -> web.Response:
    if not code:
        return web.Response(status=status, headers=headers)
    return _answer({"error": {"code": code, "message": f"{code}, said the Connector"}}, status, headers)


async def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
