"""A simulated Azure with bad days: what it is asked is noted, and what a test wants answered otherwise is."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from bot.clouds._azure_errors import arm_action
from bot.demo.azure import Azure
from bot.demo.azure_api import AzureApi


@dataclass
class Fault:
    """Instead of an answer. ``times``: how often, until all is well. ``drop``: hangs up without a word."""

    where: str
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000
    method: str = "GET"
    kind: str = "application/json"
    drop: bool = False


class Front(AzureApi):
    """``denying``: reads, by the action that they take, are denied as Azure does it."""

    def __init__(self, azure: Azure, *, secret: str = "", page: int = 50) -> None:
        super().__init__(azure, secret=secret, page=page)
        self.faults: list[Fault] = []
        self.denying: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.tokens = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        action = arm_action("GET", request.path)
        if action in self.denying:
            return web.Response(status=403, text=denied(action), content_type="application/json")
        for fault in self.faults:
            fits = fault.where.lower() in request.path.lower() and fault.method == request.method
            if fits and fault.times > 0:
                fault.times -= 1
                if fault.drop:
                    assert request.transport is not None
                    request.transport.close()
                return web.Response(
                    status=fault.status, text=fault.body, content_type=fault.kind, headers=fault.headers
                )
        return await super().answer(request)

    async def _token(self, request: web.Request) -> web.Response:
        self.tokens += 1
        return await super()._token(request)


def denied(action: str, client: str = "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51") -> str:
    """The body with which ARM denies, word for word."""
    message = (
        f"The client '{client}' with object id '5c0a1f0e-2f2b-4f3c-9a3e-6a5a7d1b9c11' does not have "
        f"authorization to perform action '{action}' over scope '/subscriptions/x' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials."
    )
    return f'{{"error": {{"code": "AuthorizationFailed", "message": "{message}"}}}}'
