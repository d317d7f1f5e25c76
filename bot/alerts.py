"""Alerts that clouds post to us. Who posts has to know the token, and what is posted is a stranger's word."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from checks.secret import Secret

log = logging.getLogger(__name__)

_LARGEST = 256 * 1024  # of an event, by EventBridge's own limit


def eventbridge(token: Secret[str], hear: Callable[[Any], bool]) -> web.RouteDef:
    """``POST /alerts/eventbridge``. ``hear``: take an event, and tell whether it is one for us.

    Events of other things are taken as well: a rule that selects too much must not make anybody try again.
    """
    wanted = f"Bearer {token.reveal()}".encode()

    async def post(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, wanted):
            return web.Response(
                status=401, headers={"WWW-Authenticate": "Bearer"}, text="the token is wrong\n"
            )
        body = await request.read()  # the server takes in no more than a megabyte
        if len(body) > _LARGEST:
            return web.Response(status=413, text="no event of EventBridge is that large\n")
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return web.Response(status=400, text="that is no JSON\n")
        taken = hear(event)
        return web.Response(status=202, text="taken\n" if taken else "that is nothing for us\n")

    return web.post("/alerts/eventbridge", post)
