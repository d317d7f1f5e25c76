"""The port ``ArmWriter``. What Azure takes long for is followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.clouds._azure import AzureConnection, version_of
from bot.clouds._azure_errors import arm_action, said, translated, unreadable
from checks.model import NotFound, Unavailable
from handlers.remedy import Conflict

_LONGEST = 40 * 60.0  # seconds; a cluster that is put anew may take half an hour
_BETWEEN_LOOKS = 10.0  # seconds, where Azure names none
_RUNNING = frozenset({"", "accepted", "creating", "deleting", "inprogress", "running", "updating"})


class AzureHands:
    """Only the executor of plans is given one."""

    def __init__(self, connection: AzureConnection) -> None:
        self._connection = connection

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        return await self._asked("GET", path, query=query)

    async def put(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._asked("PUT", path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._asked("PATCH", path, body)

    async def delete(self, path: str) -> None:
        try:
            await self._asked("DELETE", path)
        except NotFound:
            return

    async def _asked(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        action = arm_action(method, path)
        wanted = {**(query or {}), "api-version": version_of(path)}
        status, headers, tree = await self._send(method, path, action, query=wanted, body=body)
        if status not in (200, 201, 202, 204):
            raise translated(status, headers, tree, action, path)
        follow = headers.get("Azure-AsyncOperation") or headers.get("Location") if method != "GET" else ""
        if follow:
            await self._to_the_end(follow, headers, action)
        if method in ("PUT", "PATCH") and follow:
            return await self._asked("GET", path)
        return tree if isinstance(tree, dict) else {}

    async def _to_the_end(self, url: str, headers: Mapping[str, str], action: str) -> None:
        """:raises Conflict: it failed, or somebody stopped it"""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST
        while loop.time() < end:
            await asyncio.sleep(_pause(headers))
            status, headers, tree = await self._send("GET", url, action)
            if status not in (200, 201, 202, 204):
                raise translated(status, headers, tree, action, url.partition("?")[0])
            state = str(tree.get("status") or "") if isinstance(tree, dict) else ""
            if state.lower() == "succeeded" or (not state and status in (200, 204)):
                return
            if state.lower() not in _RUNNING:
                code, message = said(tree)
                raise Conflict(f"Azure ended {action} with {state}: {code} {message}".rstrip(": "))
        raise Unavailable(f"Azure has not finished {action} after {_LONGEST / 60:.0f} minutes")

    async def _send(
        self, method: str, url: str, action: str, **more: Any
    ) -> tuple[int, Mapping[str, str], Any]:
        try:
            return await self._connection.send(method, url, **more)
        except Exception as error:
            raise unreadable(error, action) from error


def _pause(headers: Mapping[str, str]) -> float:
    try:
        return min(max(float(headers.get("Retry-After", _BETWEEN_LOOKS)), 0.0), 60.0)
    except ValueError:
        return _BETWEEN_LOOKS
