"""``pullbot run`` in Microsoft's playground, which has the channel, with the demo's AWS and cluster."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.demo.aws_world import World, deny_pull, seed
from bot.demo.cloud import only_this, simulated_aws
from bot.demo.cluster import RunningCluster, simulated_cluster
from bot.demo.kubelet import Pace
from bot.demo.story import CLUSTER, REGION, Story
from tests.browser.chromium import free_port
from tests.browser.teams_playground import BEN, CHANNEL, Json, Playground, playground

_PROJECT = Path(__file__).parents[2]
_PACE = Pace(0.1, 1.5, 1.5)
_START_SECONDS = 30
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Teams:
    """``place`` is where people look; the bot's log is in ``folder``."""

    place: Playground
    cluster: RunningCluster
    aws: World
    folder: Path

    def begin(self) -> None:
        """A deployment whose image the repository's policy denies."""
        self.cluster.deploy("ui-private", self.aws.image)

    def policy(self) -> str:
        ecr = self.aws.client("ecr")
        return str(ecr.get_repository_policy(repositoryName=self.aws.repository)["policyText"])


@asynccontextmanager
async def teams(folder: Path, client: Json | None = None, **settings: Any) -> AsyncIterator[Teams]:
    """The service is connected; nothing has happened yet. Afterwards it has to end in good order.

    :param client: the playground's configuration, ours if there is none
    :param settings: blocks of the service's configuration, over the usual ones
    """
    port = free_port()
    with simulated_aws() as endpoint:
        aws = await asyncio.to_thread(
            seed, endpoint, REGION, cluster=CLUSTER, repository="retail-sample-app-ui", tag="1.2.1"
        )
        await asyncio.to_thread(deny_pull, aws)
        async with (
            simulated_cluster(Story(aws, ()), pace=_PACE) as cluster,
            playground(folder, f"http://127.0.0.1:{port}/api/messages", client) as place,
        ):
            around = {"KUBECONFIG": str(cluster.kubeconfig)} | only_this(endpoint)
            async with _service(folder, _settings(folder, port, place) | settings, around):
                yield Teams(place, cluster, aws, folder)


@asynccontextmanager
async def _service(folder: Path, settings: Json, around: dict[str, str | None]) -> AsyncIterator[None]:
    config = folder / "pullbot.yaml"
    config.write_text(yaml.safe_dump(settings), "utf-8")
    mine = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(config),
        cwd=_PROJECT, env=mine | {name: value for name, value in around.items() if value is not None},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    listening = asyncio.Event()
    reading = asyncio.create_task(_read(process, folder / "bot.log", listening))
    try:
        async with asyncio.timeout(_START_SECONDS):
            await listening.wait()
        assert process.returncode is None, f"the service ended by itself; why is in {folder}/bot.log"
        yield
        process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process, log: Path, listening: asyncio.Event) -> None:
    assert process.stdout is not None
    with log.open("wb") as file:
        async for line in process.stdout:
            file.write(line)
            file.flush()
            if b"listening on" in line:
                listening.set()
    listening.set()  # or it ended before


def _settings(folder: Path, port: int, place: Playground) -> Json:
    return {
        "clusters": [
            {"name": CLUSTER, "context": CLUSTER, "region": REGION, "channels": {"teams": CHANNEL}},
        ],
        "teams": {"local": True, "service_url": place.connector},
        "approvals": {"approvers": [BEN.object_id], "second_person": True},
        "remedies": {"enabled": ["aws/lift_repository_deny", "kubernetes/restart_workload"]},
        "registry": {"probe": False},  # the simulated ones are at no address
        "store": str(folder / "pullbot.db"),
        "http": {"listen": f"127.0.0.1:{port}"},
        "watch": {"settle": "1s"},
    }
