"""Slack on loopback: the Web API, Socket Mode and signed requests, as strict as Slack or stricter.

``async with serve_slack() as slack:`` gives people (``mention``, ``press``), their eyes (``channel``,
``ephemeral``), and bad days (``lose_next_answer``, ``fail_next``, ``rate_limit_next``, ``drop_sockets``).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from bot.settings_shape import Slack
from bot.settings_sources import Secrets
from checks.secret import Secret
from tests.fakes.slack_rules import Json, NotTaken, buttons
from tests.fakes.slack_workspace import BOT, BOT_USER, TEAM, Channel, User, Workspace

_WRITES = {"chat.postMessage", "chat.update", "chat.postEphemeral"}


class FakeSlack(Workspace):
    """``calls``: methods, in order. ``failures``: what was not acknowledged in time."""

    def __init__(
        self,
        users: Sequence[str | User],
        groups: Mapping[str, Sequence[str]],
        channels: Sequence[str | Channel],
        every: float,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(users, groups, channels, every, clock)
        self.ack_seconds = 3.0
        self.url = ""
        self.events_url = ""  # where to send events; "" for sockets
        self.bot_token, self.app_token, self.signing_secret = "xoxb-test-bot", "xapp-test-app", "sh" * 16
        self.calls: list[str] = []
        self.failures: list[str] = []
        self.hellos = 0  # connections ever made
        self._bad: dict[str, list[Callable[[web.Request], Awaitable[web.StreamResponse]]]] = {}
        self._lose: list[str] = []
        self._tickets: set[str] = set()
        self._refused_sockets = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._last: tuple[str, Json] | None = None

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

    # ---- what people do

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
            await asyncio.wait_for(acked, self.ack_seconds)
        except TimeoutError:
            self.failures.append(f"{kind} was not acknowledged in {self.ack_seconds:g} s")

    async def _post_signed(self, kind: str, payload: Json, retry: int) -> None:
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            body = urlencode({"payload": json.dumps(payload)})
            content_type = "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, **self.signed(body)}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                async with session.post(self.events_url, data=body, headers=headers) as answer:
                    if answer.status != 200:
                        self.failures.append(f"{kind} was answered with {answer.status}")
            except TimeoutError:
                self.failures.append(f"{kind} was not acknowledged in {self.ack_seconds:g} s")

    def signed(self, body: str, at: float | None = None) -> dict[str, str]:
        stamp = str(int(time.time() if at is None else at))
        mac = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac.hexdigest()}"}

    # ---- the doors

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
        return await self.call(method, await _arguments(method, request))

    async def _apps_connections_open(self, _: Json) -> Json:
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return {"url": f"{self.url.replace('http', 'ws', 1).removesuffix('api/')}socket/{ticket}"}

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
    ack_seconds: float = 3.0,
) -> AsyncIterator[FakeSlack]:
    """``every``: seconds between two messages in one channel, below which they are refused; 1 as in Slack."""
    slack = FakeSlack(users, groups or {}, channels, every, clock)
    slack.ack_seconds = ack_seconds
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
