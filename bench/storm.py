"""A thousand pods that fail for one cause: how much more is asked, and how much is said, than for one pod?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bot.chat.message import Message
from bot.chat.platform import Desk, Place
from bot.clusters import connect_all
from bot.demo.cloud import only_this, simulated_aws, variables
from bot.demo.cluster import simulated_cluster
from bot.demo.story import CLUSTER, REGION, Story, begin
from bot.people import Approvers, People
from bot.service import Service
from bot.settings import Settings
from bot.store.opening import open_state

_PODS = 1000
_ALLOWED = 1.10
_SOON = 120.0


@dataclass(frozen=True, slots=True)
class Storm:
    """Calls to clouds, and messages that began a thread, until the cause was told for all pods."""

    calls: int
    roots: int


class Listing:
    """A chat and its side in one: it remembers the newest text of every message."""

    name = "page"

    def __init__(self) -> None:
        self.roots: dict[str, str] = {}
        self.news = asyncio.Event()

    @property
    def chat(self) -> Listing:
        return self

    async def post(self, place: Place, message: Message, key: str) -> str:
        if not place.thread:
            self.roots[key] = str(message)
            self.news.set()
        return key

    async def edit(self, place: Place, ref: str, message: Message, key: str) -> None:
        if ref in self.roots:
            self.roots[ref] = str(message)
            self.news.set()

    async def find(self, place: Place, key: str) -> str | None:
        return key if key in self.roots else None

    def routes(self, desk: Desk) -> tuple[()]:
        return ()

    async def start(self, desk: Desk) -> None:
        """Nobody says anything here."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def close(self) -> None:
        """Nor to close."""

    def why_not_ready(self) -> str:
        return ""


async def figures() -> AsyncIterator[Figure]:
    with simulated_aws() as endpoint, variables(**only_this(endpoint)):
        story = await asyncio.to_thread(begin, endpoint)
        one, many = await _storm(story, 1), await _storm(story, _PODS)
    told = f"{many.calls} calls to AWS for {_PODS} pods, {one.calls} for one; {many.roots} root message"
    yield Figure(f"{_PODS} pods, one cause: calls", told, many.calls / one.calls, _ALLOWED, many.roots == 1)


async def _storm(story: Story, pods: int) -> Storm:
    calm = Story(story.world, ())
    async with simulated_cluster(calm) as cluster:
        with TemporaryDirectory() as folder, variables(KUBECONFIG=str(cluster.kubeconfig)):
            settings = _settings(Path(folder))
            state, clusters, chat = (
                open_state(settings.store),
                await connect_all(settings, os.environ),
                Listing(),
            )
            service = Service(settings, state, clusters, [chat], People(Approvers()))
            try:
                await service.start()
                cluster.deploy("ui-private", story.world.image, pods)
                async with asyncio.timeout(_SOON):
                    while not any(
                        f"{pods} pod" in text and "Cause found" in text for text in chat.roots.values()
                    ):
                        await chat.news.wait()
                        chat.news.clear()
                return Storm(clusters.connected[CLUSTER].calls()["aws"], len(chat.roots))
            finally:
                await service.stop()
                await clusters.close()
                await state.close()


def _settings(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "clusters": [{"name": CLUSTER, "context": CLUSTER, "region": REGION, "channels": {"page": "a"}}],
            "remedies": {"enabled": ["aws/lift_repository_deny"]},
            "store": str(folder / "pullbot.db"),
            "http": {"listen": "127.0.0.1:0"},
        }
    )
