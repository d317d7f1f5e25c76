"""Slack's events as HTTP requests. Whoever knows our address may send one, so the signature decides."""

from __future__ import annotations

import logging

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier

from checks.secret import Secret

log = logging.getLogger(__name__)

_LARGEST = 512 * 1024  # a press carries the whole message that the button is on


class Requests:
    def __init__(self, app: AsyncApp, secret: Secret[str] | None) -> None:
        self._app = app
        self._secret = secret
        self._closed = False

    def close(self) -> None:
        """Take nothing any more: Slack asks again, and finds the next process."""
        self._closed = True

    async def take(self, request: web.Request) -> web.Response:
        """Answers 200 within Slack's three seconds, 401 to whoever is not Slack or says it late."""
        if self._closed:
            raise web.HTTPServiceUnavailable(text="shutting down\n")
        if (request.content_length or 0) > _LARGEST:
            raise web.HTTPRequestEntityTooLarge(_LARGEST, request.content_length or 0)
        body = await request.read()
        if not self._is_signed(request, body):
            # The body is a stranger's, and long; their address is enough to find them.
            log.warning("a request to %s was not signed by Slack (from %s)", request.path, request.remote)
            return web.Response(status=401, text="this is not signed by Slack\n")
        return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """Within five minutes: who recorded a request must not send it again tomorrow."""
        if self._secret is None:
            return False
        signature = request.headers.get("X-Slack-Signature", "")
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        try:
            return SignatureVerifier(self._secret.reveal()).is_valid(body, timestamp, signature)
        except (ValueError, TypeError):  # a timestamp that is none, a body or signature that is no text
            return False
