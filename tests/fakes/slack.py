"""Slack on loopback: the Web API, Socket Mode and signed requests, as strict as Slack or stricter.

``async with serve_slack() as slack:`` gives people (``mention``, ``press``), their eyes (``channel``,
``ephemeral``), and bad days (``lose_next_answer``, ``fail_next``, ``rate_limit_next``, ``drop_sockets``).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from bot.settings_shape import Slack
from bot.settings_sources import Secrets
from checks.secret import Secret
from tests.fakes.slack_rules import Json, NotTaken, buttons, check_message, check_metadata, flattened

TEAM, BOT_USER, BOT = "T0HOME", "U0PULLBOT", "B0PULLBOT"
_ACK_SECONDS = 3.0
_WRITES = {"chat.postMessage", "chat.update", "chat.postEphemeral"}
_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "users.info": "users:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
}


@dataclass
class User:
    id: str
    name: str = ""
    email: str = ""
    team: str = TEAM
    deleted: bool = False

    def __post_init__(self) -> None:
        self.name = self.name or self.id.removeprefix("U0").capitalize()
        self.email = self.email or f"{self.name.lower()}@example.com"


@dataclass
class Group:
    id: str
    handle: str
    users: list[str]
    disabled: bool = False


@dataclass
class Channel:
    id: str
    joined: bool = True
    archived: bool = False
    restricted: bool = False


@dataclass
class Said:
    """A message. ``text`` is what people see; ``replies`` are those of its thread, oldest first."""

    ts: str
    channel: str
    user: str
    text: str
    thread: str = ""
    blocks: list[Json] = field(default_factory=list)
    raw: str = ""
    metadata: Json = field(default_factory=dict)
    edits: int = 0
    only_for: str = ""
    replies: list[Said] = field(default_factory=list)

    @property
    def buttons(self) -> list[str]:
        return [one["text"]["text"] for one in buttons(self.blocks)]


class FakeSlack:
    """``calls``: methods, in order. ``refusals``: what was asked and is not allowed. ``failures``: what was
    not acknowledged in time.
    """

    def __init__(
        self,
        users: Sequence[str | User],
        groups: Mapping[str, Sequence[str]],
        channels: Sequence[str | Channel],
        every: float,
        clock: Callable[[], float],
    ) -> None:
        self.url = ""
        self.events_url = ""  # where to send events; "" for sockets
        self.bot_token, self.app_token, self.signing_secret = "xoxb-test-bot", "xapp-test-app", "sh" * 16
        self.users = {one.id: one for one in (User(u) if isinstance(u, str) else u for u in users)}
        self.groups = [
            Group(f"S0{handle.strip('@').upper()}", handle.strip("@"), list(who))
            for handle, who in groups.items()
        ]
        made = (Channel(c) if isinstance(c, str) else c for c in channels)
        self.channels = {one.id: one for one in made}
        self.scopes = set(_SCOPES.values()) | {"users:read.email"}
        self.failures: list[str] = []
        self.calls: list[str] = []
        self.refusals: list[str] = []
        self._said: list[Said] = []
        self._every, self._clock = every, clock
        self._last_post: dict[str, float] = {}
        self._count = itertools.count(1)
        self._bad: dict[str, list[Callable[[web.Request], Awaitable[web.StreamResponse]]]] = {}
        self._lose: list[str] = []
        self._tickets: set[str] = set()
        self._refused_sockets = 0
        self.hellos = 0  # connections ever made
        self._sockets: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._last: tuple[str, Json] | None = None
        self._news = asyncio.Event()

    # ---- what a bot is configured with

    def settings(self) -> Slack:
        return Slack(mode="http" if self.events_url else "socket", api_url=self.url)

    def secrets(self) -> Secrets:
        return Secrets(
            slack_bot_token=Secret(self.bot_token),
            slack_app_token=Secret(self.app_token),
            slack_signing_secret=Secret(self.signing_secret) if self.signing_secret else None,
        )

    def environment(self) -> dict[str, str]:
        """The same as variables."""
        return {
            "PULLBOT_SLACK_API_URL": self.url,
            "PULLBOT_SLACK_MODE": "http" if self.events_url else "socket",
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }

    # ---- what people see

    def channel(self, channel: str) -> list[Said]:
        """The channel's messages, oldest first, each with its thread."""
        return [one for one in self._said if one.channel == channel and not one.thread and not one.only_for]

    def ephemeral(self, user: str) -> list[Said]:
        return [one for one in self._said if one.only_for == user]

    async def until(self, true: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Wait for something to be so; gives what ``true`` gave.

        :raises AssertionError: with what there is instead
        """
        try:
            async with asyncio.timeout(seconds):
                while not (found := true()):
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            shown = "\n".join(
                f"{one.channel} {one.thread and '  '}{one.user}: {one.text}" for one in self._said
            )
            raise AssertionError(
                f"not so after {seconds} s; Slack shows:\n{shown}\n{self.refusals}"
            ) from None

    # ---- what people do

    def say(self, user: str, channel: str, text: str, thread: str = "", metadata: Json | None = None) -> str:
        """Words that are not for the bot, so nobody tells it of them."""
        return self._add(channel, user, text, thread=thread, metadata=metadata or {}).ts

    async def mention(self, user: str, channel: str, text: str, thread: str = "", **more: Any) -> str:
        """``@pullbot`` and ``text`` (as Slack would escape it), in a channel or a thread; gives its ts.

        In a direct message (a channel D…) there is no mention. ``more``: fields of the event.
        """
        direct = channel.startswith("D")
        self.channels.setdefault(channel, Channel(channel))
        written = text if direct else f"<@{BOT_USER}> {text}"
        said = self._add(channel, user, written, thread=thread)
        event = {"type": "message" if direct else "app_mention", "user": user, "text": written, "ts": said.ts}
        event |= {"channel": channel, "event_ts": said.ts} | ({"thread_ts": thread} if thread else {})
        event |= {"channel_type": "im"} if direct else {}
        await self.send_event({**event, **more})
        return said.ts

    async def press(self, user: str, channel: str, ts: str, label: str) -> None:
        """Press the button of that message whose label begins so."""
        said = self._find(channel, ts)
        pressed = next((one for one in buttons(said.blocks) if one["text"]["text"].startswith(label)), None)
        assert pressed is not None, f"there is no button {label!r}; there is {said.buttons}"
        message = {"type": "message", "ts": ts, "text": said.raw, "bot_id": BOT, "blocks": said.blocks}
        await self._send(
            "interactive",
            {
                "type": "block_actions",
                "team": {"id": TEAM},
                "user": {"id": user, "name": user.lower(), "team_id": TEAM},
                "api_app_id": "A0PULLBOT",
                "trigger_id": uuid.uuid4().hex,
                "container": {"type": "message", "message_ts": ts, "channel_id": channel},
                "channel": {"id": channel, "name": "alerts"},
                "message": message | ({"thread_ts": said.thread} if said.thread else {}),
                "response_url": f"{self.url}response",
                "actions": [{**pressed, "block_id": "b1", "action_ts": self._ts()}],
            },
        )

    async def send_event(self, event: Json) -> None:
        await self._send(
            "events_api",
            {
                "type": "event_callback",
                "team_id": TEAM,
                "api_app_id": "A0PULLBOT",
                "event": event,
                "event_id": f"Ev{uuid.uuid4().hex[:10].upper()}",
                "event_time": int(time.time()),
                "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            },
        )

    async def redeliver_last(self) -> None:
        """Slack saw no acknowledgement, and sends the same again."""
        assert self._last is not None
        await self._send(*self._last, retry=1)

    def delete(self, channel: str, ts: str) -> None:
        self._said.remove(self._find(channel, ts))

    # ---- bad days

    def lose_next_answer(self, method: str = "chat.postMessage") -> None:
        """The next such call is carried out, and the connection breaks before its answer."""
        self._lose.append(method)

    def fail_next(self, status: int = 503, method: str = "chat.postMessage", error: str = "") -> None:
        """``error``: answer that code of Slack's instead of a bare status."""

        async def fail(_: web.Request) -> web.StreamResponse:
            return web.json_response({"ok": False, "error": error}) if error else web.Response(status=status)

        self._bad.setdefault(method, []).append(fail)

    def rate_limit_next(self, seconds: int = 1, method: str = "chat.postMessage") -> None:
        async def limit(_: web.Request) -> web.StreamResponse:
            return _limited(seconds)

        self._bad.setdefault(method, []).append(limit)

    async def drop_sockets(self, *, abruptly: bool = False) -> None:
        """``abruptly``: without a word, as a cable that is pulled."""
        for socket in list(self._sockets):
            if abruptly:
                self._transports[socket].abort()
            else:
                await socket.close()

    def refuse_next_socket(self) -> None:
        """The address that is given out next is not good any more when it is used."""
        self._refused_sockets += 1

    async def refresh_sockets(self) -> None:
        """What Slack does every hour or so: it asks for a new connection."""
        for socket in list(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})

    # ---- delivering

    @property
    def connections(self) -> int:
        return len(self._sockets)

    async def _send(self, kind: str, payload: Json, retry: int = 0) -> None:
        self._last = (kind, payload)
        if self.events_url:
            await self._post_signed(kind, payload, retry)
            return
        await self.until(lambda: self._sockets)
        envelope = uuid.uuid4().hex
        acked = self._acks[envelope] = asyncio.get_running_loop().create_future()
        await self._sockets[-1].send_json(
            {
                "type": kind,
                "envelope_id": envelope,
                "payload": payload,
                "accepts_response_payload": kind == "interactive",
                "retry_attempt": retry,
                "retry_reason": "timeout" if retry else "",
            }
        )
        try:
            await asyncio.wait_for(acked, _ACK_SECONDS)
        except TimeoutError:
            self.failures.append(f"{kind} was not acknowledged in {_ACK_SECONDS:g} s")

    async def _post_signed(self, kind: str, payload: Json, retry: int) -> None:
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            body = urlencode({"payload": json.dumps(payload)})
            content_type = "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, **self.signed(body)}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        timeout = aiohttp.ClientTimeout(total=_ACK_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                async with session.post(self.events_url, data=body, headers=headers) as answer:
                    if answer.status != 200:
                        self.failures.append(f"{kind} was answered with {answer.status}")
            except TimeoutError:
                self.failures.append(f"{kind} was not acknowledged in {_ACK_SECONDS:g} s")

    def signed(self, body: str, at: float | None = None) -> dict[str, str]:
        stamp = str(int(time.time() if at is None else at))
        mac = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac.hexdigest()}"}

    # ---- the Web API

    async def api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        if self._bad.get(method):
            return await self._bad[method].pop(0)(request)
        try:
            answer = await self._answered(method, request)
        except NotTaken as why:
            self.refusals.append(f"{method}: {why}")
            if why.code == "ratelimited":
                return _limited(1)
            needed = {"needed": why.detail} if why.code == "missing_scope" else {}
            return web.json_response({"ok": False, "error": why.code, **needed})
        finally:
            self._news.set()
        if method in self._lose:
            self._lose.remove(method)
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, **answer})

    async def _answered(self, method: str, request: web.Request) -> Json:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != wanted:
            raise NotTaken("invalid_auth" if token else "not_authed")
        if _SCOPES.get(method, "chat:write") not in self.scopes:
            raise NotTaken("missing_scope", _SCOPES[method])
        asked = await _arguments(method, request)
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            raise NotTaken("unknown_method", method)
        answer: Json = await handler(asked)
        return answer

    async def _auth_test(self, _: Json) -> Json:
        return {"user_id": BOT_USER, "bot_id": BOT, "team_id": TEAM, "team": "Home", "user": "pullbot"}

    async def _apps_connections_open(self, _: Json) -> Json:
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return {"url": f"{self.url.replace('http', 'ws', 1).removesuffix('api/')}socket/{ticket}"}

    async def _chat_postMessage(self, asked: Json) -> Json:
        channel = self._joined(asked)
        now = self._clock()
        if now - self._last_post.get(channel, float("-inf")) < self._every:
            raise NotTaken("ratelimited", f"a second message within {self._every} s in {channel}")
        check_message(asked.get("text"), asked.get("blocks", []))
        if "metadata" in asked:
            check_metadata(asked["metadata"])
        self._known_thread(channel, asked)
        self._last_post[channel] = now
        said = self._add(
            channel,
            BOT_USER,
            asked["text"],
            thread=str(asked.get("thread_ts", "")),
            blocks=asked.get("blocks", []),
            metadata=asked.get("metadata", {}),
        )
        return {"channel": channel, "ts": said.ts, "message": _as_json(said, metadata=False)}

    async def _chat_update(self, asked: Json) -> Json:
        said = self._find(self._joined(asked), str(asked.get("ts", "")))
        if said.user != BOT_USER:
            raise NotTaken("cant_update_message")
        check_message(asked.get("text"), asked.get("blocks", []))
        if "metadata" in asked:
            check_metadata(asked["metadata"])
        said.raw, said.blocks = asked["text"], asked.get("blocks", [])
        said.text = flattened(said.raw, said.blocks)
        said.metadata = asked.get("metadata", {})  # what is not said again is gone
        said.edits += 1
        return {"channel": said.channel, "ts": said.ts, "text": said.raw}

    async def _chat_postEphemeral(self, asked: Json) -> Json:
        channel = self._joined(asked)
        if asked.get("user") not in self.users:
            raise NotTaken("user_not_in_channel", str(asked.get("user")))
        check_message(asked.get("text"), asked.get("blocks", []))
        self._known_thread(channel, asked)
        said = self._add(
            channel,
            BOT_USER,
            asked["text"],
            thread=str(asked.get("thread_ts", "")),
            blocks=asked.get("blocks", []),
            only_for=asked["user"],
        )
        return {"message_ts": said.ts}

    async def _conversations_history(self, asked: Json) -> Json:
        channel = self._joined(asked)
        return _page(list(reversed(self.channel(channel))), asked)

    async def _conversations_replies(self, asked: Json) -> Json:
        root = self._find(self._joined(asked), str(asked.get("ts", "")), "thread_not_found")
        return _page([root, *root.replies], asked)

    async def _users_info(self, asked: Json) -> Json:
        user = self.users.get(str(asked.get("user")))
        if user is None:
            raise NotTaken("user_not_found", str(asked.get("user")))
        profile = {"display_name": user.name, "real_name": f"{user.name} Example"}
        profile |= {"email": user.email} if "users:read.email" in self.scopes else {}
        shown = {"id": user.id, "team_id": user.team, "name": user.name.lower(), "deleted": user.deleted}
        return {"user": {**shown, "is_bot": False, "profile": profile}}

    async def _usergroups_list(self, asked: Json) -> Json:
        all_of_them = str(asked.get("include_disabled", "0")).lower() in ("1", "true")
        return {
            "usergroups": [
                {"id": one.id, "handle": one.handle, "date_delete": 1_700_000_000 if one.disabled else 0}
                for one in self.groups
                if all_of_them or not one.disabled
            ]
        }

    async def _usergroups_users_list(self, asked: Json) -> Json:
        found = next((one for one in self.groups if one.id == asked.get("usergroup")), None)
        if found is None:
            raise NotTaken("no_such_subteam")
        return {"users": found.users}

    # ---- the socket

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="an address is good for one connection")
        self._tickets.remove(ticket)
        if self._refused_sockets:
            self._refused_sockets -= 1
            raise web.HTTPForbidden(text="too late")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0"}})
        assert request.transport is not None
        self._transports[socket] = request.transport
        self._sockets.append(socket)
        self.hellos += 1
        self._news.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    acked = self._acks.pop(json.loads(message.data).get("envelope_id", ""), None)
                    if acked is not None and not acked.done():
                        acked.set_result({})
        finally:
            self._sockets.remove(socket)
            del self._transports[socket]
            self._news.set()
        return socket

    # ---- messages

    def _add(self, channel: str, user: str, text: str, *, thread: str = "", **more: Any) -> Said:
        blocks = more.get("blocks", [])
        said = Said(self._ts(), channel, user, flattened(text, blocks), thread, raw=text, **more)
        self._said.append(said)
        if thread and not said.only_for:
            self._find(channel, thread).replies.append(said)
        self._news.set()
        return said

    def _find(self, channel: str, ts: str, code: str = "message_not_found") -> Said:
        for one in self._said:
            if (one.channel, one.ts) == (channel, ts) and not one.only_for:
                return one
        raise NotTaken(code, ts)

    def _known_thread(self, channel: str, asked: Json) -> None:
        if asked.get("thread_ts"):
            root = self._find(channel, str(asked["thread_ts"]), "thread_not_found")
            if root.thread:
                raise NotTaken("cannot_reply_to_message", "a reply is no root")

    def _joined(self, asked: Json) -> str:
        channel = self.channels.get(str(asked.get("channel")))
        if channel is None:
            raise NotTaken("channel_not_found", str(asked.get("channel")))
        if not channel.joined:
            raise NotTaken("not_in_channel", channel.id)
        if channel.archived:
            raise NotTaken("is_archived", channel.id)
        if channel.restricted:
            raise NotTaken("restricted_action", channel.id)
        return channel.id

    def _ts(self) -> str:
        return f"1790000000.{next(self._count):06}"


async def _arguments(method: str, request: web.Request) -> Json:
    """Methods that read take no JSON, as with Slack; in a form, structures are JSON."""
    if request.content_type == "application/json":
        body = await request.read()
        if body and method not in _WRITES:
            raise NotTaken("invalid_arguments", f"{method} does not take JSON")
        return dict(json.loads(body)) if body else {}
    form = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
    if "token" in form:
        raise NotTaken("invalid_arguments", "a token belongs into the header")
    return {name: json.loads(text) if name in ("blocks", "metadata") else text for name, text in form.items()}


def _page(messages: list[Said], asked: Json) -> Json:
    at, limit = int(asked.get("cursor") or 0), min(int(asked.get("limit") or 100), 999)
    metadata = str(asked.get("include_all_metadata", "0")).lower() in ("1", "true")
    more = at + limit < len(messages)
    return {
        "messages": [_as_json(one, metadata=metadata) for one in messages[at : at + limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(at + limit) if more else ""},
    }


def _as_json(said: Said, *, metadata: bool) -> Json:
    one: Json = {"type": "message", "ts": said.ts, "user": said.user, "text": said.raw, "blocks": said.blocks}
    if said.user == BOT_USER:
        one["bot_id"] = BOT
    if said.thread:
        one["thread_ts"] = said.thread
    if metadata and said.metadata:
        one["metadata"] = said.metadata
    return one


def _limited(seconds: int) -> web.Response:
    headers = {"Retry-After": str(seconds)}
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)


@asynccontextmanager
async def serve_slack(
    users: Sequence[str | User] = ("U0ALICE", "U0BEN"),
    groups: Mapping[str, Sequence[str]] | None = None,
    channels: Sequence[str | Channel] = ("C0ALERTS",),
    *,
    every: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[FakeSlack]:
    """``every``: seconds between two messages in one channel, below which they are refused; 1 as in Slack."""
    slack = FakeSlack(users, groups or {}, channels, every, clock)
    app = web.Application()
    app.add_routes([web.route("*", "/api/{method}", slack.api), web.get("/socket/{ticket}", slack.socket)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield slack
    finally:
        await slack.drop_sockets()
        await runner.cleanup()
