"""How long people wait for a command to begin, and what an idle service costs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory

import yaml

from bench.figures import Figure
from bot.demo import shapes
from bot.demo.cluster import running_cluster
from bot.demo.kubelet import NotPulled
from bot.demo.story import CLUSTER

_TRIES = 5
_HELP_SECONDS = 0.3
_IMPORT_SECONDS = 1.5
_IDLE_MEGABYTES = 120
_SERVICE = "import bot.app, bot.chat.slack.side, bot.store.redis"
_SOON = 30.0


async def figures() -> AsyncIterator[Figure]:
    seconds = await _best(["-m", "bot", "why", "--help"])
    yield Figure("pullbot why --help", f"{seconds * 1000:.0f} ms", seconds / _HELP_SECONDS, 1.0)
    seconds = await _best(["-c", _SERVICE])
    yield Figure("importing the service", f"{seconds * 1000:.0f} ms", seconds / _IMPORT_SECONDS, 1.0)
    megabytes = await _idle()
    yield Figure("memory of an idle service", f"{megabytes:.0f} MB", megabytes / _IDLE_MEGABYTES, 1.0)


async def _best(arguments: Sequence[str]) -> float:
    return min([await _once(arguments) for _ in range(_TRIES)])


async def _once(arguments: Sequence[str]) -> float:
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=DEVNULL)
    if await process.wait():
        raise RuntimeError(f"python {' '.join(arguments)} failed")
    return time.monotonic() - started


async def _idle() -> float:
    """Megabytes that ``pullbot run`` holds while it watches a cluster where nothing fails."""
    node = shapes.node("node-1", "", {})
    async with running_cluster(node, _never) as cluster:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "pullbot.yaml"
            settings = {
                "clusters": [{"name": "idle", "context": CLUSTER}],
                "store": str(Path(folder) / "pullbot.db"),
                "http": {"listen": "127.0.0.1:0"},
                "watch": {"settle": "1s"},
            }
            config.write_text(yaml.safe_dump(settings), "utf-8")
            environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(config)),
                env=environment,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                await _says(process, "listening on")
                await asyncio.sleep(3)  # the watch connects, and what starting took is given back
                return _resident_megabytes(process.pid)
            finally:
                process.terminate()
                await process.communicate()


async def _says(process: asyncio.subprocess.Process, words: str) -> None:
    assert process.stderr is not None  # noqa: S101  narrows the type
    async with asyncio.timeout(_SOON):
        while words not in (line := await process.stderr.readline()).decode():
            if not line:
                raise RuntimeError("the service ended before it was up")


def _resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell how much memory a process holds")


async def _never(image: str) -> NotPulled:
    return NotPulled(f"nobody should pull {image}")
