"""botframework-connector as it has to be held: one ``ConnectorClient`` for each service url.

Imported only when Teams is used, for it takes a third of a second. What differs from the package's own ways:

- its requests run in our threads instead of the event loop's own, of which there are six on a small machine,
- the token comes with each call and only as the request is signed: not in a session, a log or ``repr``; with
  it, no redirect is followed, and a ~/.netrc does not replace it,
- nothing is tried again: who sends a message twice is decided in ``bot.chat.teams.calls``,
- what gateways say in HTML hides no status.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import DeserializationError
from botbuilder.schema import (  # type: ignore[import-untyped]  # it has no types
    Activity,
    ChannelAccount,
    ConversationParameters,
)
from botframework.connector.aio import ConnectorClient  # type: ignore[import-untyped]  # nor has this
from msrest.authentication import Authentication
from msrest.exceptions import ClientRequestError, HttpOperationError
from msrest.pipeline import Request, Response
from msrest.pipeline.async_abc import AsyncPipeline
from msrest.pipeline.async_requests import AsyncPipelineRequestsHTTPSender
from msrest.pipeline.universal import RawDeserializer
from msrest.universal_http.async_requests import AsyncRequestsClientResponse, AsyncRequestsHTTPSender
from urllib3.exceptions import NewConnectionError

from bot.chat.platform import ChatDown
from bot.chat.teams.refusals import Passing
from checks.secret import Secret

__all__ = [
    "Activity",
    "ChannelAccount",
    "ClientRequestError",
    "ConnectorClient",
    "ConversationParameters",
    "DeserializationError",
    "HttpOperationError",
    "client",
    "unreached",
]

# Whoever gives up on a message sooner sends it twice if Teams is only slow.
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 40.0


def client(service_url: str, threads: Executor) -> ConnectorClient:
    """Its calls take ``token=`` (a ``Secret`` or ``None``) besides their own arguments."""

    def pipeline(config: Any) -> AsyncPipeline[Any, Any]:
        config.redirect_policy.allow = False
        config.connection.timeout = (_CONNECT_SECONDS, _READ_SECONDS)
        config.proxies.use_env_settings = urlsplit(service_url).scheme == "https"  # else it is on loopback
        return AsyncPipeline([config.user_agent_policy, _Reading()], _Sender(config, threads))

    return ConnectorClient(Authentication(), service_url, pipeline_type=pipeline)


def unreached(asked: str, error: ClientRequestError) -> ChatDown:
    """Whether it may have arrived depends on whether there was a connection."""
    why = error.inner_exception
    name = type(why).__name__
    if isinstance(why, requests.exceptions.SSLError):
        return ChatDown(
            f"no trusted connection for {asked}; with a proxy's certificates, set REQUESTS_CA_BUNDLE", 60.0
        )
    if isinstance(why, requests.exceptions.ProxyError):
        return Passing(f"the proxy (HTTPS_PROXY) makes no connection for {asked}", certain=True)
    reason = getattr(why.args[0] if why.args else None, "reason", None)
    certain = isinstance(why, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)
    return Passing(f"Teams did not answer {asked} ({name})", certain=certain)


class _Sessions(AsyncRequestsHTTPSender):
    def _init_session(self, session: requests.Session) -> None:
        """As requests makes them: without msrest's tries, and without its patch of redirects, which breaks on
        those that are not followed.
        """


class _Sender(AsyncPipelineRequestsHTTPSender):
    def __init__(self, config: Any, threads: Executor) -> None:
        self._sessions = _Sessions(config)
        super().__init__(self._sessions)
        self._threads = threads

    async def send(
        self, request: Request[Any], *, token: Secret[str] | None = None, **kwargs: Any
    ) -> Response[Any, Any]:
        asked = request.http_request
        how = {**self._sessions._configure_send(asked, **kwargs), "auth": _Bearer(token)}
        call = partial(self._sessions.session.request, asked.method, asked.url, **how)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except requests.RequestException as error:
            raise ClientRequestError(type(error).__name__, error) from error
        return Response(request, AsyncRequestsClientResponse(asked, answer))  # type: ignore[no-untyped-call]  # msrest's


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: Secret[str] | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class _Reading(RawDeserializer):
    def on_response(self, request: Any, response: Any, **kwargs: Any) -> None:
        """:raises DeserializationError: what says that all is well is no JSON"""
        answer = response.http_response
        try:
            tree = self.deserialize_from_http_generics(answer.body(), answer.headers)
        except (DeserializationError, UnicodeDecodeError) as error:
            if answer.status_code < 300:
                raise DeserializationError("not JSON") from error
            tree = None
        response.context[self.CONTEXT_NAME] = tree
