"""A network in a process of its own: every call takes so long, and is noted.

What was asked before is answered from memory, so that the simulated services behind it, slower than real
ones, do not count. Run as ``python -m bench.relay UPSTREAM SECONDS``; it prints its address.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import PIPE, Popen
from urllib.request import Request, urlopen

from aiohttp import ClientSession, web

_HOP = frozenset({"connection", "host", "content-length", "transfer-encoding", "content-encoding", "date"})


@dataclass(frozen=True, slots=True)
class Call:
    """``began`` and ``ended`` are seconds of one clock."""

    name: str
    began: float
    ended: float


def rounds(calls: Sequence[Call]) -> int:
    """The longest chain of calls of which each began after the one before had ended."""
    chain, free_at = 0, float("-inf")
    for call in sorted(calls, key=lambda one: one.ended):
        if call.began >= free_at:
            chain, free_at = chain + 1, call.ended
    return chain


class Relay:
    def __init__(self, url: str) -> None:
        self.url = url

    def calls(self) -> list[Call]:
        """What came by since the last time."""
        with urlopen(Request(f"{self.url}/-/calls", method="POST"), timeout=10) as answer:  # noqa: S310  loopback
            return [Call(*one) for one in json.load(answer)]


@contextmanager
def relayed(upstream: str, seconds: float) -> Iterator[Relay]:
    with Popen(  # noqa: S603  this very module
        [sys.executable, "-m", "bench.relay", upstream, str(seconds)], stdout=PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  narrows the type
        try:
            yield Relay(process.stdout.readline().strip())
        finally:
            process.terminate()


async def _serve(upstream: str, seconds: float) -> None:
    noted: list[tuple[str, float, float]] = []
    known: dict[tuple[str, str, bytes], tuple[int, dict[str, str], bytes]] = {}
    async with ClientSession(auto_decompress=False) as session:

        async def answer(request: web.Request) -> web.Response:
            body = await request.read()
            key = (request.method, request.path_qs, body)
            if key not in known:
                headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
                url = f"{upstream}{request.path_qs}"
                async with session.request(request.method, url, data=body, headers=headers) as real:
                    kept = {k: v for k, v in real.headers.items() if k.lower() not in _HOP}
                    known[key] = (real.status, kept, await real.read())
            status, kept, content = known[key]
            began = time.monotonic()
            await asyncio.sleep(seconds)
            noted.append((f"{request.method} {request.path}", began, time.monotonic()))
            return web.Response(status=status, headers=kept, body=content)

        async def calls(_: web.Request) -> web.Response:
            told = list(noted)
            noted.clear()
            return web.json_response(told)

        app = web.Application()
        app.router.add_post("/-/calls", calls)
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)  # noqa: T201  the parent reads it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
