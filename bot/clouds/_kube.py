"""The Kubernetes API behind the ports ``Kube`` (read) and ``KubeWriter`` (change): two classes.

Objects stay as the API sends them. A page of five hundred pods is 3.5 MB of JSON; who reads lists keeps
little of each.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from bot.clouds._kube_connection import Call, KubeConnection, whole
from bot.clouds._kube_errors import Asked, asked, refused, unreachable
from bot.watch.ports import Gone
from checks.model import NotFound, Unavailable

_PAGE = "500"
_GET_SECONDS = 15.0
_PAGE_SECONDS = 30.0
_PATCH_SECONDS = 30.0
_WATCH_SECONDS = 240
_LONGEST_EVENT = 16 * 1024 * 1024
_STARTING_OVER = 3  # lists that lost their place


class KubeReader:
    """The port ``Kube``, and lists and watches. It has no way to write.

    :param patience: seconds that the answer about one object may take
    """

    def __init__(self, connection: KubeConnection, *, patience: float = _GET_SECONDS) -> None:
        self._connection = connection
        self._patience = patience

    @property
    def calls(self) -> int:
        """Requests so far, pages and watches included."""
        return self._connection.calls

    async def reach(self) -> None:
        """Ask for the server's version, which everybody may.

        :raises Unavailable: it cannot be reached, or the credentials cannot be used
        """
        await self.get("/version")

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        what = asked("get", path)
        return _object(await self._read(path, what, query, self._patience), what)

    async def pages(self, path: str, **query: str) -> AsyncGenerator[Mapping[str, Any], None]:
        for attempt in range(_STARTING_OVER):
            try:
                found, _ = await self.snapshot(path, **query)
                async for one in found:
                    yield one
                return
            except Gone as lost:
                if attempt == _STARTING_OVER - 1:
                    raise Unavailable(
                        f"the API server forgets faster than we can {asked('get', path)}: {lost}"
                    ) from None

    async def snapshot(self, path: str, **query: str) -> tuple[AsyncGenerator[Mapping[str, Any], None], str]:
        what = asked("get", path)
        first = _object(await self._read(path, what, {**query, "limit": _PAGE}, _PAGE_SECONDS), what)
        version = str((first.get("metadata") or {}).get("resourceVersion") or "")
        return self._rest(first, path, what, query), version

    async def watch(
        self, path: str, resource_version: str, **query: str
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        import aiohttp  # noqa: PLC0415  slow to import

        what = asked("watch", path)
        query = {
            **query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        # A server that is silent for longer than it promised to answer at all has gone without a word.
        patience = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_WATCH_SECONDS + 15)
        async with self._connection.request(Call("GET", path, what, patience, query)) as answer:
            try:
                async for line in _lines(answer.content, what):
                    yield _event(line, what)
            except (aiohttp.ClientError, OSError) as error:
                raise unreachable(error, str(answer.url.origin()), what) from error

    async def _rest(
        self, page: Mapping[str, Any], path: str, what: Asked, query: Mapping[str, str]
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        while True:
            for one in page.get("items") or ():
                yield one
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            page = {}  # not two pages at once in memory
            more = {**query, "limit": _PAGE, "continue": str(token)}
            page = _object(await self._read(path, what, more, _PAGE_SECONDS), what)

    async def _read(self, path: str, what: Asked, query: Mapping[str, str], seconds: float) -> bytes:
        return await self._connection.read(Call("GET", path, what, whole(seconds), query))


class KubeHands:
    """The ports ``KubeWriter`` and ``SecretWriter``. Only the executor of plans is given one."""

    def __init__(self, connection: KubeConnection) -> None:
        self._connection = connection

    async def get(self, path: str) -> Mapping[str, Any]:
        what = asked("get", path)
        return _object(await self._connection.read(Call("GET", path, what, whole(_GET_SECONDS))), what)

    async def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        what = asked("create", path)
        call = Call("POST", path, what, whole(_PATCH_SECONDS), body=dict(body))
        async with self._connection.request(call) as answer:
            # It is made once the status is there: a lost body must not look like a failure.
            with suppress(Exception):
                return _object(await answer.read(), what)
        return body

    async def delete(self, path: str, version: str) -> None:
        """Gone already is as good."""
        only = {"preconditions": {"resourceVersion": version}}
        call = Call("DELETE", path, asked("delete", path), whole(_PATCH_SECONDS), body=only)
        with suppress(NotFound):
            async with self._connection.request(call):
                return

    async def patch(
        self, path: str, body: Sequence[Mapping[str, Any]], content_type: str
    ) -> Mapping[str, Any]:
        what = asked("patch", path)
        changes = [dict(one) for one in body]
        call = Call("PATCH", path, what, whole(_PATCH_SECONDS), body=changes, content_type=content_type)
        async with self._connection.request(call) as answer:
            # The change is made once the status is there: a lost body must not look like a failure.
            with suppress(Exception):
                return _object(await answer.read(), what)
        return await self.get(path)


async def _lines(content: Any, what: Asked) -> AsyncGenerator[bytes, None]:
    """Lines of any length up to a limit; aiohttp's own reader stops at a smaller one."""
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        if b"\n" in chunk:
            *complete, last = bytes(rest).split(b"\n")
            for line in complete:
                if line:
                    yield line
            rest = bytearray(last)
        if len(rest) > _LONGEST_EVENT:
            raise Unavailable(f"the API server sent an event of more than {len(rest)} bytes to {what}")
    if rest:
        raise Unavailable(f"the API server broke off in the middle of an event when asked to {what}")


def _event(line: bytes, what: Asked) -> Mapping[str, Any]:
    event = _object(line, what)
    if event.get("type") == "ERROR":
        status = event.get("object") or {}
        raise refused(int(status.get("code") or 500), orjson.dumps(status), what)
    return event


def _object(raw: bytes, what: Asked) -> Mapping[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable(
            f"what answered our request to {what} is no Kubernetes API server; check the address"
        )
    return found
