"""The port ``ArmWriter``. What Azure takes long for is followed to its end.

How, it says in the answer to the change: ``Azure-AsyncOperation`` leads to a status, ``Location`` to the
result, and without either the resource tells its ``provisioningState``
(learn.microsoft.com/azure/azure-resource-manager/management/async-operations). Only three states are an end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from bot.clouds._azure import version_of
from bot.clouds._azure_errors import arm_action, said, translated, unreadable
from bot.clouds._azure_http import AzureConnection, wanted_pause
from checks.azure.facts import word
from checks.model import NotFound, Unavailable

log = logging.getLogger(__name__)

_LONGEST = 40 * 60.0  # seconds; a cluster that is put anew may take half an hour
_BETWEEN_LOOKS = 10.0  # seconds, where Azure names none
_LONGEST_PAUSE = 60.0
_FINE = frozenset({200, 201, 202, 204})
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_ENDED = frozenset({"succeeded", "failed", "canceled", "cancelled"})


class AzureHands:
    """Only the executor of plans is given one."""

    def __init__(self, connection: AzureConnection, tell: Callable[[str], None] | None = None) -> None:
        self._connection = connection
        self._tell = tell

    def telling(self, tell: Callable[[str], None]) -> AzureHands:
        """The same, which says how far Azure is with what takes long."""
        return AzureHands(self._connection, tell)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        _, tree = await self._asked("GET", path, query=query)
        return tree

    async def put(
        self,
        path: str,
        body: Mapping[str, Any],
        if_match: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        return await self._changed("PUT", path, body, if_match, query)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._changed("PATCH", path, body)

    async def delete(self, path: str) -> None:
        try:
            headers, _ = await self._asked("DELETE", path)
            if follow := _operation(headers):
                await self._to_the_end(follow, headers, arm_action("DELETE", path))
        except NotFound:
            return

    async def _changed(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        if_match: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """What is there in the end."""
        action = arm_action(method, path)
        headers, tree = await self._asked(method, path, body, query, if_match=if_match)
        if follow := _operation(headers):
            await self._to_the_end(follow, headers, action)
        elif _state(tree).lower() not in {"", *_ENDED}:
            await self._to_the_end(path, headers, action, {"api-version": version_of(path)})
        elif tree:
            _check_end(tree, action)
            return tree
        return await self.get(path)

    async def _asked(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        if_match: str = "",
    ) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        action = arm_action(method, path)
        wanted = {**(query or {}), "api-version": version_of(path)}
        only = {"If-Match": if_match} if if_match else {}
        status, headers, tree = await self._send(method, path, action, query=wanted, body=body, headers=only)
        if status not in _FINE:
            raise translated(status, headers, tree, action, path)
        return headers, tree if isinstance(tree, dict) else {}

    async def _to_the_end(
        self, url: str, headers: Mapping[str, str], action: str, query: Mapping[str, str] | None = None
    ) -> None:
        """:raises Unavailable: it failed, somebody stopped it, or nobody knows; something may be changed"""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST
        while loop.time() < end:
            await asyncio.sleep(_pause(headers))
            try:
                status, headers, tree = await self._send("GET", url, action, query=query)
            except Unavailable as why:
                log.warning("a look at what Azure takes long for failed: %s", why)
                continue
            if status in _PASSING:
                continue
            if status not in _FINE:
                raise translated(status, headers, tree, action, url.partition("?")[0])
            tree = tree if isinstance(tree, dict) else {}
            state = _state(tree)
            if state.lower() in _ENDED or (not state and status != 202):
                _check_end(tree, action)
                return
            self._say(state, tree.get("percentComplete"))
        raise Unavailable(f"Azure has not finished {action} after {_LONGEST / 60:.0f} minutes")

    def _say(self, state: str, percent: object) -> None:
        if self._tell is not None:
            done = f", {percent:.0f} % done" if isinstance(percent, int | float) else ""
            self._tell(f"Azure says {state or 'it is under way'}{done}")

    async def _send(
        self, method: str, url: str, action: str, **more: Any
    ) -> tuple[int, Mapping[str, str], Any]:
        try:
            return await self._connection.send(method, url, **more)
        except Exception as error:
            raise unreadable(error, action) from error


def _operation(headers: Mapping[str, str]) -> str:
    """Where to ask how it goes. A ``Location`` beside 201 names the resource, which answers as well."""
    return headers.get("Azure-AsyncOperation") or headers.get("Location") or ""


def _state(tree: Mapping[str, Any]) -> str:
    return word(tree, "status") or word(tree, "properties", "provisioningState")


def _check_end(tree: Mapping[str, Any], action: str) -> None:
    """:raises Unavailable: it is no good end; what was asked for may be half done, so one has to look"""
    state = _state(tree)
    if state.lower() in ("failed", "canceled", "cancelled"):
        code, message = said(tree) if "error" in tree else said(tree.get("properties"))
        raise Unavailable(f"Azure ended {action} with {state}: {code} {message}".rstrip(": "))


def _pause(headers: Mapping[str, str]) -> float:
    wanted = wanted_pause(headers)
    return min(_BETWEEN_LOOKS if wanted is None else wanted, _LONGEST_PAUSE)
