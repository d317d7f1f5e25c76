"""One cluster's API server: credentials that stay fresh, and one pool of connections.

The `kubernetes` package finds and reads the credentials (kubeconfig, programs such as `aws eks get-token`,
token files, service accounts); its typed models are left alone, since they take a hundred kilobytes for a
pod. It is imported on first use, because `pullbot --help` must not wait for it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.clouds._kube_errors import Asked, bad_credentials, refused, unreachable
from bot.imports import imported
from checks.model import Unavailable

if TYPE_CHECKING:  # both take long to import
    import aiohttp

    from bot.clouds._kube_credentials import Credentials

_CREDENTIALS_SECONDS = 60.0  # a program may ask somebody to sign in
# A 401 makes us read the credentials again; if that does not help, not again for so long.
_FRUITLESS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``what`` is the same in RBAC's terms; a body is sent as JSON."""

    method: str
    path: str
    what: Asked
    timeout: aiohttp.ClientTimeout
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"


class KubeConnection:
    """``context``: the kubeconfig's; "" for the cluster that we run in."""

    def __init__(self, context: str, environ: Mapping[str, str] | None = None) -> None:
        self._context = context
        self._environ = os.environ if environ is None else environ
        self._lock = asyncio.Lock()
        self._credentials: Credentials | None = None
        self._fruitless_until = 0.0
        self._closing: list[Credentials] = []
        self.calls = 0

    @asynccontextmanager
    async def request(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose status is 200 or 201.

        :raises NotFound: 404
        :raises Gone: 410
        :raises Conflict: 409, and 422 for a patch
        :raises Unavailable: everything else
        """
        credentials = await self._fresh()
        answer = await self._send(credentials, call)
        if answer.status == 401 and time.monotonic() >= self._fruitless_until:
            answer.release()
            credentials = await self._fresh(not_these=credentials)
            answer = await self._send(credentials, call)
            if answer.status == 401:
                self._fruitless_until = time.monotonic() + _FRUITLESS_SECONDS
        try:
            if answer.status not in (200, 201):
                raise refused(answer.status, await _body(answer, credentials.server, call.what), call.what)
            yield answer
        finally:
            answer.release()

    async def read(self, call: Call) -> bytes:
        """The whole body of a successful answer; raises what ``request`` raises."""
        async with self.request(call) as answer:
            return await _body(answer, str(answer.url.origin()), call.what)

    async def close(self) -> None:
        for one in (*self._closing, *([self._credentials] if self._credentials else [])):
            await one.client.close()
        self._closing, self._credentials = [], None

    async def _send(self, credentials: Credentials, call: Call) -> aiohttp.ClientResponse:
        import aiohttp  # noqa: PLC0415  imported by now

        client = credentials.client
        self.calls += 1
        parts = await client.param_serialize(
            call.method,
            quote(call.path, safe="/:@"),
            query_params=list(call.query.items()),
            header_params={"Content-Type": call.content_type, "Accept": "application/json"},
            body=call.body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await client.call_api(*parts, _request_timeout=call.timeout)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise unreachable(error, credentials.server, call.what) from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _fresh(self, not_these: Credentials | None = None) -> Credentials:
        """Credentials that have not expired and are not the ones just refused."""
        async with self._lock:
            now = time.monotonic()
            had = self._credentials
            if had is not None and had is not not_these and now < had.until:
                return had
            self._credentials = fresh = await self._read(had)
            if had is not None and had.client is not fresh.client:
                for older in self._closing:
                    await older.client.close()
                self._closing = [had]  # requests may be under way on it
            return fresh

    async def _read(self, had: Credentials | None) -> Credentials:
        module = await imported("bot.clouds._kube_credentials")
        try:
            async with asyncio.timeout(_CREDENTIALS_SECONDS):
                found: Credentials = await module.read(self._context, self._environ, had)
                return found
        except Unavailable:
            raise
        except Exception as error:
            # The package raises its own, KeyError, ValueError, OSError, ssl's and yaml's.
            raise bad_credentials(error, self._context) from error


def whole(seconds: float) -> aiohttp.ClientTimeout:
    """For an answer that is read at once."""
    import aiohttp  # noqa: PLC0415  see the top

    return aiohttp.ClientTimeout(total=seconds, sock_connect=10)


async def _body(answer: aiohttp.ClientResponse, server: str, what: Asked) -> bytes:
    import aiohttp  # noqa: PLC0415  imported by now

    try:
        return await answer.read()
    except (aiohttp.ClientError, OSError) as error:
        raise unreachable(error, server, what) from error
