"""Teams' activities as HTTP requests. Anybody may send one, so who signed it counts before what it says."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from bot.chat.teams.activity import BadActivity, Inbound, Json, parse, tenants_of
from bot.chat.teams.tokens import KeysUnavailable, NotMicrosoft
from bot.settings_values import is_loopback

log = logging.getLogger(__name__)

_LARGEST = 256 * 1024  # Teams' messages are below 28 KB, and a press carries only its own data
# The only channel whose senders Entra vouches for: in a web chat, whoever asks is who they say they are.
_CHANNEL = "msteams"

Take = Callable[[Inbound], Awaitable[Json | None]]


class TokenCheck(Protocol):
    async def check(self, authorization: str, *, channel_id: str, service_url: str) -> None: ...


class Refused(Exception):
    """``status`` is HTTP's; the message is safe to log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Requests:
    """:param gate: ``None``: nobody signs anything, for we are reached from this machine alone

    :param tenant: the only one that we serve, "" for any
    :param is_trusted: whether answers may go to that service url
    """

    def __init__(
        self, gate: TokenCheck | None, tenant: str, is_trusted: Callable[[str], bool], take: Take
    ) -> None:
        self._gate = gate
        self._tenant = tenant.lower()
        self._is_trusted = is_trusted
        self._take = take
        self._closed = False

    def close(self) -> None:
        """Take nothing any more: Teams asks again, and finds the next process."""
        self._closed = True

    async def take(self, request: web.Request) -> web.Response:
        """200 for what is taken (with a body for whoever waits for one); 400, 401, 403, 413, 501 for what is
        not Teams' or not for us; 503 for what cannot be judged now, so that it is sent again.
        """
        try:
            answer = await self._take(await self._inbound(request))
        except (Refused, BadActivity) as no:
            # The body is a stranger's; their address is enough to find them.
            log.warning("an activity was refused with %d: %s (from %s)", no.status, no, request.remote)
            return web.Response(status=no.status, text=f"{no}\n")
        return web.Response() if answer is None else web.json_response(answer, dumps=_dumps)

    async def _inbound(self, request: web.Request) -> Inbound:
        if self._closed:
            raise Refused(503, "shutting down")
        if self._gate is None and (why := _why_not_ours(request)):
            raise Refused(403, why)
        if (request.content_length or 0) > _LARGEST:
            raise Refused(413, f"the activity is larger than {_LARGEST} bytes")
        text = await request.read()
        if len(text) > _LARGEST:
            raise Refused(413, f"the activity is larger than {_LARGEST} bytes")
        authorization = request.headers.get("Authorization", "")
        if self._gate is not None and not authorization:
            raise Refused(401, "the request bears no token")
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Refused(400, "the body is no JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body is no activity")
        await self._judge(body, authorization)
        return parse(body)

    async def _judge(self, body: dict[str, Any], authorization: str) -> None:
        url, channel = _string(body, "serviceUrl"), _string(body, "channelId")
        if self._gate is not None:
            try:
                await self._gate.check(authorization, channel_id=channel, service_url=url)
            except NotMicrosoft as no:
                raise Refused(no.status, str(no)) from None
            except KeysUnavailable as why:
                raise Refused(503, str(why)) from None
        if channel != _CHANNEL:
            raise Refused(403, f"pullbot is in Teams only, not in {channel[:40]!r}")
        if not self._is_trusted(url):
            raise Refused(403, f"answers would go to {url[:100]!r}, which is none of teams.service_hosts")
        tenants = tenants_of(body)
        if self._tenant and tenants != {self._tenant}:
            raise Refused(403, "the activity is from another tenant than MICROSOFT_APP_TENANT_ID")


def _why_not_ours(request: web.Request) -> str:
    """Where nobody signs anything, any page in a browser of this machine could be anybody.

    A page may send JSON only where it was let, which nobody is here; and one whose domain was made to lead to
    this machine says that domain's name.
    """
    if not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        return "with teams.local pullbot answers to localhost and 127.0.0.1 only"
    if request.content_type != "application/json":
        return "with teams.local only application/json is taken, which no web page can send here"
    return ""


def _string(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    return found if isinstance(found, str) else ""


def _dumps(tree: Json) -> str:
    return orjson.dumps(tree).decode()
