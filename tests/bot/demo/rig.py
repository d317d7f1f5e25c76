"""A client of the simulated API server, a registry that holds what it is given, and a clock for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from bot.demo.kubelet import NotPulled, Pulled
from bot.demo.objects import Objects

Tree = dict[str, Any]


class Client:
    """Requests with the token, and answers as status and tree."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self._session = url, session

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        return await self.call("GET", path, query=query)

    async def patch(self, path: str, body: object, kind: str = "json-patch") -> tuple[int, Any]:
        return await self.call("PATCH", path, body, f"application/{kind}+json")

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        async with self._session.request(
            method, f"{self.url}{path}", data=raw, headers=headers, params=query
        ) as answer:
            return answer.status, await answer.json()

    def watch(self, path: str, **query: str) -> Watch:
        return Watch(self._session.get(f"{self.url}{path}", params={"watch": "true", **query}))


class Watch:
    """``async with`` begins it; ``next`` gives one event, or ``None`` at the end."""

    def __init__(self, request: Any) -> None:
        self._request = request

    async def __aenter__(self) -> Watch:
        self._answer: aiohttp.ClientResponse = await self._request.__aenter__()
        self.status = self._answer.status
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._answer.close()

    async def next(self) -> tuple[str, Tree] | None:
        async with asyncio.timeout(5):
            line = await self._answer.content.readline()
        if not line:
            return None
        event = json.loads(line)
        return event["type"], event["object"]

    async def seen(self) -> tuple[str, str]:
        """Kind and name of the next event."""
        event = await self.next()
        assert event is not None
        return event[0], event[1]["metadata"].get("name", "")


class Clock:
    """Who pauses waits until the test lets time pass."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def pause(self, seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._now + seconds, over))
        await over

    def next_ends(self) -> float:
        """Seconds until the next pause ends."""
        return min(at for at, over in self._waiting if not over.done()) - self._now

    def pass_time(self) -> None:
        """Let time pass until the next pause ends, and end all that end then."""
        self._waiting = [(at, over) for at, over in self._waiting if not over.done()]
        self._now = min(at for at, _ in self._waiting)
        for at, over in self._waiting:
            if at <= self._now:
                over.set_result(None)


class FakeRegistry:
    """Holds the images that the test puts in; ``asked`` is what was wanted."""

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.asked: list[str] = []

    async def pull(self, image: str) -> Pulled | NotPulled:
        self.asked.append(image)
        await asyncio.sleep(0)
        if image in self.images:
            return Pulled(f"{image.partition(':')[0]}@sha256:{'1' * 64}", 4096)
        return NotPulled(f"{image}: no")


async def until(objects: Objects, true: Callable[[], object]) -> None:
    """Wait for changes until it is true."""
    async with asyncio.timeout(10):
        while True:
            pulse = objects.pulse
            if true():
                return
            await pulse.wait()


def pod(name: str, namespace: str = "shop", phase: str = "Pending", **labels: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]},
        "status": {"phase": phase},
    }
