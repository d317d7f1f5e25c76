"""HTTP to one API of Azure: a bearer token, which stays with its endpoint, and a little patience.

azure-core's own retries wait for as long as the service asks for, which may be minutes; here somebody waits
for a diagnosis. What is asked again counts as one call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bot.clouds._azure_credentials import Credential

if TYPE_CHECKING:
    from azure.core import AsyncPipelineClient

SEARCH = "/providers/Microsoft.ResourceGraph/resources"

_AT_ONCE = 16
_PAUSES = (0.2, 0.8)  # seconds, before the second and the third try
_LONGEST_PAUSE = 3.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_THROTTLED = 429
_CONNECT_SECONDS, _READ_SECONDS = 5, 30


class AzureConnection:
    """One HTTP pipeline to one API. ``endpoint`` is where it is, and whom tokens are asked for."""

    def __init__(self, endpoint: str, credential: Credential) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._client: AsyncPipelineClient[Any, Any] | None = None
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.calls = 0

    async def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and decoded body (``None``: it is no JSON); ``url`` may be a path of this endpoint.

        A read that fails in passing is tried again; a change only where it was turned away at the door.

        :raises azure.core.exceptions.AzureError: nobody answered, or there are no credentials.
        :raises ValueError: the URL leads elsewhere; the token is for this endpoint alone.
        """
        whole = url if "://" in url else self.endpoint + quote(url, safe="/()'=,$:@-._~")
        if _place(whole) != _place(self.endpoint):
            raise ValueError(
                f"a link of {self.endpoint} leads to {urlsplit(whole).netloc}, which is not asked"
            )
        client = await self._opened()
        from azure.core.rest import HttpRequest  # noqa: PLC0415  see bot.clouds._azure_credentials

        def request() -> HttpRequest:
            return HttpRequest(
                method, whole, params=dict(query or {}), headers=dict(headers or {}), json=body
            )

        async with self._gate:
            self.calls += 1
            return await _patiently(client, request, reads=method == "GET" or url == SEARCH)

    async def _opened(self) -> AsyncPipelineClient[Any, Any]:
        if self._client is None:
            made = await asyncio.to_thread(_client, self.endpoint, self._credential)  # imports much
            if self._client is None:
                self._client = made
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def wanted_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks for, from its ``Retry-After``; ``None`` where it names none."""
    said = headers.get("Retry-After", "")
    try:
        return max(float(said), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def until(headers: Mapping[str, str]) -> str:
    """When the service wants to be asked again, in words; "" where it does not say."""
    pause = wanted_pause(headers)
    return "" if pause is None else f"in {pause:.0f} seconds"


async def _patiently(
    client: AsyncPipelineClient[Any, Any], request: Callable[[], Any], *, reads: bool
) -> tuple[int, Mapping[str, str], Any]:
    from azure.core import exceptions  # noqa: PLC0415  see bot.clouds._azure_credentials

    for usual in _PAUSES:
        pause = usual
        try:
            answer = _answer(await client.send_request(request()))
        except exceptions.ClientAuthenticationError:
            raise
        except exceptions.AzureError:
            if not reads:
                raise
        else:
            wait = _wait(answer, pause, reads=reads)
            if wait is None:
                return answer
            pause = wait
        await asyncio.sleep(pause)
    return _answer(await client.send_request(request()))


def _wait(answer: tuple[int, Mapping[str, str], Any], pause: float, *, reads: bool) -> float | None:
    """How long until it is tried again; ``None``: it is not."""
    status, headers, _ = answer
    if status not in _PASSING or not (reads or status == _THROTTLED):
        return None
    wanted = wanted_pause(headers)
    wait = pause if wanted is None else wanted
    return wait if wait <= _LONGEST_PAUSE else None


def _answer(response: Any) -> tuple[int, Mapping[str, str], Any]:
    try:
        tree = response.json()
    except ValueError:
        tree = None
    return response.status_code, response.headers, tree


def _place(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def _client(endpoint: str, credential: Any) -> AsyncPipelineClient[Any, Any]:
    from azure.core import AsyncPipelineClient  # noqa: PLC0415  see bot.clouds._azure_credentials
    from azure.core.pipeline import policies  # noqa: PLC0415  see bot.clouds._azure_credentials
    from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415  see bot.clouds._azure_credentials

    class Bearer(policies.AsyncBearerTokenCredentialPolicy[Any, Any]):
        """Over plain HTTP only to loopback, which the settings see to."""

        async def on_request(self, request: Any) -> None:
            request.context.options["enforce_https"] = endpoint.startswith("https:")
            await super().on_request(request)

    return AsyncPipelineClient(
        endpoint,
        policies=[policies.UserAgentPolicy("pullbot"), Bearer(credential, f"{endpoint}/.default")],
        transport=AioHttpTransport(connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS),
    )
