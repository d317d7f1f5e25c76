"""How often a person waits for a registry: requests that are under way together are one round."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.model import Finding
from checks.registry.credentials import SecretLogins
from checks.registry.facts import Answer, Line, Registry
from checks.resolve import Memo
from checks.secret import Secret
from tests.fakes.registry_world import NAME, NODE, failed_pull, login

_CATALOG = Catalog.load()
CHALLENGE = (("www-authenticate", f'Bearer realm="https://{NAME}/token",service="s"'),)
FORBIDDEN = "unexpected status: 403 Forbidden"
CORRUPT = "filesystem layer verification failed for digest"
NOT_FOUND = "failed to resolve reference: not found"


@dataclass(eq=False)  # a client is itself: facts are remembered by it
class Distant:
    """The port ``Registry``: who waits is answered once nobody has anything else to do."""

    missing: bool
    asked: int = 0
    rounds: int = 0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def look(self, host: str, port: int) -> Line:
        await self._turn()
        return Line(("203.0.113.9",))

    async def fetch(
        self, method: str, url: str, *, accept: str = "", authorization: Secret[str] | None = None
    ) -> Answer:
        await self._turn()
        if url.endswith("/v2/"):
            return Answer(401, CHALLENGE, b"")
        if "/token" in url:
            return Answer(200, (), b'{"token": "t"}')
        if "/tags/" in url:
            return Answer(200, (), json.dumps({"tags": ["1.1"]}).encode())
        if "/blobs/" in url:
            return Answer(200, (("content-length", "7"),), b"")
        return Answer(404, (), b"") if self.missing else Answer(200, MANIFEST_TYPE, MANIFEST)

    async def _turn(self) -> None:
        self.asked += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    async def answer_until(self, task: asyncio.Task[list[Finding]]) -> list[Finding]:
        while not task.done():
            for _ in range(200):
                await asyncio.sleep(0)
            if self._waiting:
                self.rounds += 1
                turns, self._waiting = self._waiting, []
                for turn in turns:
                    turn.set_result(None)
        return await task


MANIFEST_TYPE = (("content-type", "application/vnd.oci.image.manifest.v1+json"),)
_BLOB = {"digest": "sha256:" + "0" * 64, "size": 7}
MANIFEST = json.dumps({"config": _BLOB, "layers": [_BLOB, _BLOB, _BLOB]}).encode()


@pytest.mark.parametrize(
    ("message", "missing", "most"),
    [(FORBIDDEN, True, 7), (FORBIDDEN, False, 6), (NOT_FOUND, True, 7), (CORRUPT, False, 8)],
)
async def test_a_diagnosis_takes_four_rounds_at_most(message: str, missing: bool, most: int) -> None:
    far = Distant(missing)
    roots = {
        Cluster: Cluster("prod"),
        Host: NODE,
        Registry: far,
        SecretLogins: SecretLogins((login(),)),
    }

    async def seen() -> list[Finding]:
        pull, memo = failed_pull(f"{NAME}/shop/web:1.2", message), Memo()
        return [one async for one in diagnose(_CATALOG, [pull], roots, memo)]

    await far.answer_until(asyncio.create_task(seen()))
    assert far.rounds <= 4
    assert far.asked <= most
