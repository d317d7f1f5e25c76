"""Stands before an Azure, notes the action of each call, and fails those that a test wants to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clouds._azure_errors import arm_action, graph_translated, translated
from checks.azure.facts import Arm, Graph
from tests.fakes.azure_front import denied

GRAPH = "Application.Read.All"
SEARCH = "Microsoft.ResourceGraph/resources/read"


@dataclass(frozen=True)
class Failure:
    """What Azure answers instead, in the words that the bot's own client makes of it."""

    code: str
    status: int
    message: str = ""

    def __call__(self, action: str, path: str) -> Exception:
        if action == GRAPH:
            return graph_translated(self.status, {}, self._body(action), path)
        return translated(self.status, {}, self._body(action), action, path)

    def _body(self, action: str) -> Mapping[str, Any]:
        return {"error": {"code": self.code, "message": self.message.format(action=action)}}


DENIED = Failure("AuthorizationFailed", 403, denied("{action}").partition('"message": "')[2][:-3])
THROTTLED = Failure("TooManyRequests", 429, "The request is being throttled.")
BROKEN = Failure("InternalServerError", 500, "The server encountered an unexpected error.")
GONE = Failure("ResourceNotFound", 404, "The resource was not found.")


@dataclass(eq=False)  # a client is itself: facts are remembered by it
class ArmDoor:
    """The ports ``Arm`` and ``ArmWriter``. ``failing``: how, by action."""

    inner: Any
    failing: Mapping[str, Failure] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        await self._pass(arm_action("GET", path), path)
        found: Mapping[str, Any] = await self.inner.get(path, query or {})
        return found

    async def search(self, query: str) -> tuple[Mapping[str, Any], ...]:
        await self._pass(SEARCH, "Azure Resource Graph")
        found: tuple[Mapping[str, Any], ...] = await self.inner.search(query)
        return found

    async def put(
        self,
        path: str,
        body: Mapping[str, Any],
        if_match: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        await self._pass(arm_action("PUT", path), path)
        made: Mapping[str, Any] = await self.inner.put(path, body, if_match, query or {})
        return made

    async def patch(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        await self._pass(arm_action("PATCH", path), path)
        made: Mapping[str, Any] = await self.inner.patch(path, body)
        return made

    async def delete(self, path: str) -> None:
        await self._pass(arm_action("DELETE", path), path)
        await self.inner.delete(path)

    async def _pass(self, action: str, path: str) -> None:
        self.asked.append(action)
        await asyncio.sleep(0)
        if action in self.failing:
            raise self.failing[action](action, path)


@dataclass(eq=False)
class GraphDoor:
    """The port ``Graph``."""

    inner: Any
    failing: Mapping[str, Failure]
    asked: list[str]

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        self.asked.append(GRAPH)
        await asyncio.sleep(0)
        if GRAPH in self.failing:
            raise self.failing[GRAPH](GRAPH, path)
        found: Mapping[str, Any] = await self.inner.get(path, query or {})
        return found


def doors(roots: Mapping[Any, object], failing: Mapping[str, Failure] | None = None) -> dict[Any, Any]:
    """Both, before the clients of ``roots``; what is asked of either is noted in ``[Arm].asked``."""
    arm = ArmDoor(roots[Arm], failing or {})
    return {Arm: arm, Graph: GraphDoor(roots[Graph], failing or {}, arm.asked)}
