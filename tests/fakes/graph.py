"""Microsoft Graph on loopback, as far as a bot in Teams asks it: who is in a group, what was written where.

``async with serve_graph() as graph:`` and give ``graph.url`` to whoever asks Microsoft. Lists come in pages,
newest first; a permission that is not in ``granted`` is missing; ``trouble`` is what it answers instead.
https://learn.microsoft.com/graph/api/overview
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Json = dict[str, Any]

READ_CHANNEL, READ_CHAT, READ_GROUPS = (
    "ChannelMessage.Read.Group",
    "ChatMessage.Read.Chat",
    "GroupMember.Read.All",
)
_ADAPTIVE = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class Trouble:
    """What it answers instead. ``drop``: it hangs up."""

    status: int = 503
    body: str = '{"error": {"code": "ServiceUnavailable", "message": "Try later."}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass
class Written:
    """A message. ``app``: of the bot that wrote it, "" for a person. ``root``: what it is a reply to."""

    id: str
    card: Json | None
    app: str
    root: str = ""
    kind: str = _ADAPTIVE
    deleted: bool = False
    listed: bool = True  # a new message may not be in the lists yet

    def json(self) -> Json:
        attachments = [] if self.card is None else [self._attachment(self.card)]
        return {
            "id": self.id,
            "replyToId": self.root or None,
            "messageType": "message",
            "deletedDateTime": "2026-01-01T00:00:00Z" if self.deleted else None,
            "from": {"user": {"id": "someone"}, "application": None} if not self.app else self._by_app(),
            "body": {"contentType": "html", "content": '<attachment id="a1"></attachment>'},
            "attachments": [] if self.deleted else attachments,
        }

    def _by_app(self) -> Json:
        return {"user": None, "application": {"id": self.app, "applicationIdentityType": "bot"}}

    def _attachment(self, card: Json) -> Json:
        """As a string, whatever it was sent as."""
        return {"id": "a1", "contentType": self.kind, "contentUrl": None, "content": json.dumps(card)}


class FakeGraph:
    """``token``: the one that is taken; "" takes requests without any. ``asked``: paths, in order.

    ``groups``: members by id of the group, each an id, or (kind, id) for what is no user.
    ``trouble``: answers for the next requests, first one first.
    """

    def __init__(self, token: str = "", *, page: int = 50) -> None:
        self.token = token
        self.page = page
        self.url = ""
        self.granted = {READ_CHANNEL, READ_CHAT, READ_GROUPS}
        self.groups: dict[str, list[str | tuple[Literal["group", "device"], str]]] = {}
        self.trouble: list[Trouble] = []
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.next_page_at = ""  # another host, if it lies
        self._written: dict[str, list[Written]] = {}
        self._teams: dict[str, str] = {}

    def write(self, conversation: str, written: Written, *, team: str = "") -> Written:
        """In a channel of ``team``, or else a chat."""
        self._teams[conversation] = team
        self._written.setdefault(conversation, []).append(written)
        return written

    def edit(self, conversation: str, ref: str, card: Json) -> None:
        next(one for one in self._written[conversation] if one.id == ref).card = card

    # ---- requests

    def routes(self) -> list[web.RouteDef]:
        channel = "/v1.0/teams/{team}/channels/{conversation}/messages"
        group = "/v1.0/groups/{group}/transitiveMembers"
        return [
            web.get(group, self._members),
            web.get(group + "/microsoft.graph.user", self._members),
            web.get(channel, self._messages),
            web.get(channel + "/{root}/replies", self._messages),
            web.get("/v1.0/chats/{conversation}/messages", self._messages),
        ]

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        if self.trouble:
            trouble = self.trouble.pop(0)
            if trouble.drop and request.transport is not None:
                request.transport.close()
            return web.Response(
                status=trouble.status,
                text=trouble.body,
                headers=trouble.headers,
                content_type="application/json",
            )
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refused(401, "InvalidAuthenticationToken", "Access token is empty or not valid.")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _members(self, request: web.Request) -> web.StreamResponse:
        if READ_GROUPS not in self.granted:
            return _refused(403, "Authorization_RequestDenied", "Insufficient privileges.")
        members = self.groups.get(request.match_info["group"])
        if members is None:
            return _refused(404, "Request_ResourceNotFound", "Resource does not exist.")
        pairs = [("user", one) if isinstance(one, str) else one for one in members]
        if request.path.endswith("microsoft.graph.user"):
            pairs = [one for one in pairs if one[0] == "user"]
        found = [{"@odata.type": f"#microsoft.graph.{kind}", "id": one} for kind, one in pairs]
        return self._paged(request, found, 999, 100)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        team, root = request.match_info.get("team", ""), request.match_info.get("root", "")
        if (READ_CHANNEL if team else READ_CHAT) not in self.granted:
            return _refused(403, "Forbidden", "Missing role permissions on the request.")
        conversation = request.match_info["conversation"]
        written = self._written.get(conversation)
        if written is None or self._teams[conversation] != team:
            return _refused(404, "NotFound", "NotFound")
        of_thread = [one for one in written if one.root == root or not team]
        found = [one.json() for one in reversed(of_thread) if one.listed]
        return self._paged(request, found, 50, 20)

    def _paged(self, request: web.Request, found: list[Json], most: int, usual: int) -> web.Response:
        top = int(request.query.get("$top", usual))
        if not 0 < top <= most:
            return _refused(400, "BadRequest", f"Invalid page size specified: '{top}'.")
        start, size = int(request.query.get("$skiptoken", 0)), min(top, self.page)
        tree: Json = {"value": found[start : start + size]}
        if start + size < len(found):
            link = request.url.update_query({"$skiptoken": str(start + size)})
            tree["@odata.nextLink"] = (
                (self.next_page_at + str(link.relative())) if self.next_page_at else str(link)
            )
        return web.json_response(tree)


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


@asynccontextmanager
async def serve_graph(token: str = "", *, page: int = 50) -> AsyncIterator[FakeGraph]:
    graph = FakeGraph(token, page=page)
    app = web.Application(middlewares=[graph.guard])
    app.add_routes(graph.routes())
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    graph.url = f"http://{host}:{port}"
    try:
        yield graph
    finally:
        await runner.cleanup()
