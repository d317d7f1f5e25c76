"""The whole service on the story of the demo, and all that is around it: chats, a cluster, an AWS, a store.

``python -m bot run`` is a process of its own, so that it can be killed at any moment. Everything it talks to
is on loopback, and lives on when it is killed.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.demo.aws_world import World, deny_pull, seed
from bot.demo.cluster import RunningCluster, simulated_cluster
from bot.demo.kubelet import Pace
from bot.demo.story import CLUSTER, REGION, Deployment, Story
from tests.fakes.aws_front import Front, serve
from tests.story.onlooker import Onlooker
from tests.story.room import ALICE, BEN, CARL, DANA, Room
from tests.story.slack_room import slack_room
from tests.story.teams_room import teams_room

PROJECT = Path(__file__).parents[2]
CHATS = ("slack", "teams")
TEAMS_SLOWLY = ("slack", pytest.param("teams", marks=pytest.mark.slow))  # it tells little of a chat
WRITE = "ecr:SetRepositoryPolicy"
_SOON = 0.1
_BACK_OFF = 1.5  # for longer than the watch settles
NEVER = 600.0
_POLL_SECONDS = 0.02


@dataclass
class StoryWorld(Onlooker):
    """Looked at in the first of its chats. ``bot`` is the process, while there is one."""

    rooms: Sequence[Room]
    folder: Path
    cluster: RunningCluster
    front: Front
    aws: World
    store: str
    before: str  # the repository's policy as the story begins
    settings: dict[str, Any] = field(default_factory=dict)
    bot: asyncio.subprocess.Process | None = None
    more: dict[str, str] = field(default_factory=dict)  # of the bot's environment

    # ---- the service

    async def start_bot(self) -> None:
        """Until it is connected to its chats."""
        config = self.folder / "pullbot.yaml"
        config.write_text(yaml.safe_dump(self.settings), "utf-8")
        with self._log.open("wb") as log:
            self.bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", "--config", str(config),
                cwd=PROJECT, env=self.environment(), stdout=log, stderr=log,
            )  # fmt: skip
        await self.until(self._address, 20)
        for room in self.rooms:
            await room.bot_is_at(f"http://{self._address()}")
        await self.until(lambda: all(room.connected for room in self.rooms), 20)

    async def kill(self) -> None:
        """As ``kill -9``."""
        await self._end(signal.SIGKILL)
        for room in self.rooms:
            await room.bot_is_at("")
        await self.until(lambda: not any(room.connected for room in self.rooms))

    async def stop(self) -> int | None:
        """As Kubernetes does; gives the exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int | None:
        bot, self.bot = self.bot, None
        if bot is None:
            return None
        with suppress(ProcessLookupError):
            bot.send_signal(number)
        async with asyncio.timeout(20):
            return await bot.wait()

    async def pullbot(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, output and errors of another command."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words,
            cwd=PROJECT, env={**self.environment(), **environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "AWS_ENDPOINT_URL": self.front.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            **{name: value for room in self.rooms for name, value in room.environment().items()},
            **self.more,
        }

    # ---- what is so

    async def until(self, true: Callable[[], Any], seconds: float = 15.0) -> Any:
        """Wait for something to be so, here or in any of the servers; gives the answer.

        :raises AssertionError: with what people see instead, and the end of the bot's log
        """
        try:
            async with asyncio.timeout(seconds):
                while not (found := await _answer(true)):
                    if self.bot is not None and self.bot.returncode is not None:
                        raise AssertionError(f"the bot ended by itself\n{self._state()}")
                    await asyncio.sleep(_POLL_SECONDS)
                return found
        except TimeoutError:
            raise AssertionError(f"not so after {seconds} s\n{self._state()}") from None

    def elsewhere(self, room: Room) -> Onlooker:
        """The same in another of its chats."""
        return _Elsewhere(room, self)

    def policy(self) -> str:
        """The repository's policy as AWS holds it."""
        ecr = self.aws.client("ecr")
        return str(ecr.get_repository_policy(repositoryName=self.aws.repository)["policyText"])

    @property
    def writes(self) -> int:
        """How often AWS was made to change the policy by the bot."""
        return self.front.passed.count(WRITE)

    def runs(self, name: str = "ui-private") -> bool:
        pods = self.cluster.pods(name)
        return bool(pods) and all(one["status"].get("phase") == "Running" for one in pods)

    def fails(self, name: str) -> bool:
        """Whether its pods have been told that they cannot have their image."""
        pods = self.cluster.pods(name)
        waiting = [
            s["state"].get("waiting", {}) for p in pods for s in p["status"].get("containerStatuses", ())
        ]
        return bool(waiting) and all(one.get("reason") == "ImagePullBackOff" for one in waiting)

    def pulled(self) -> bool:
        events = self.cluster.api.objects.trees("events", "default")
        return any(one["reason"] == "Pulled" and "Successfully pulled" in one["message"] for one in events)

    async def audit(self) -> list[tuple[str, str]]:
        """Who did what, in order, after the proof that nobody altered it.

        Without what came too late after all: the trail has it, followed by "not done".
        """
        status, out, err = await self.pullbot("audit", "--verify", "--config", self._config)
        assert status == 0, out + err
        assert "chain whole" in out
        status, out, err = await self.pullbot("audit", "--config", self._config)
        assert status == 0, err
        rows = [line.split("  ") for line in out.splitlines()[1:] if line[:1].isdigit()]
        cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
        done: list[tuple[str, str]] = []
        for _, _, who, what in cells:
            if what.endswith(": not done"):
                latest = (who, what.removesuffix(": not done"))
                del done[len(done) - 1 - done[::-1].index(latest)]
            else:
                done.append((who, what))
        return done

    async def asked(self, path: str) -> tuple[int, str]:
        """What its web server answers."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self._address()}{path}") as answer,
        ):
            return answer.status, await answer.text()

    @property
    def _config(self) -> str:
        return str(self.folder / "pullbot.yaml")

    @property
    def _log(self) -> Path:
        return self.folder / "bot.log"

    def log(self) -> Iterator[Mapping[str, Any]]:
        """What the bot logged since it was started."""
        for line in self._log.read_text("utf-8").splitlines():
            with suppress(ValueError):
                yield json.loads(line)

    def _address(self) -> str:
        said = (str(one["message"]) for one in self.log())
        return next((one.removeprefix("listening on ") for one in said if one.startswith("listening on")), "")

    def _state(self) -> str:
        log = self._log.read_text("utf-8").splitlines()[-25:] if self._log.exists() else []
        return "\n".join([*(self.elsewhere(room).seen() for room in self.rooms), "---- log", *log])


@dataclass
class _Elsewhere(Onlooker):
    world: StoryWorld

    async def until(self, true: Callable[[], Any], seconds: float = 15.0) -> Any:
        return await self.world.until(true, seconds)


async def _answer(question: Callable[[], Any]) -> Any:
    found = question()
    return await found if inspect.isawaitable(found) else found


@asynccontextmanager
async def story_world(
    moto_url: str,
    folder: Path,
    *,
    chats: Sequence[str] = ("slack",),
    store: str = "",
    http: bool = False,
    replicas: int = 1,
    on_call: Sequence[str] = (),
    rooms: int = 0,
    back_off: float = _BACK_OFF,
    **settings: Any,
) -> AsyncIterator[StoryWorld]:
    """The story before the service starts.

    :param back_off: seconds until kubelet pulls again; NEVER: not within a test
    :param http: Slack's events come as requests
    :param rooms: how many channels without alerts the bot was invited to
    :param settings: blocks of the configuration, over the usual ones
    """
    # Names of its own: to empty the AWS in between would take longer than the story does.
    mine = uuid.uuid4().hex[:6]
    names = {
        "cluster": f"demo-{mine}",
        "role": f"eks-node-{mine}",
        "repository": f"retail-sample-app-ui-{mine}",
    }
    aws = await asyncio.to_thread(seed, moto_url, REGION, tag="1.2.1", **names)
    before = await asyncio.to_thread(deny_pull, aws)
    with serve(moto_url) as front:
        async with AsyncExitStack() as around:
            there = [await around.enter_async_context(_room(chat, on_call, rooms, http)) for chat in chats]
            pace = Pace(_SOON, back_off, back_off)
            cluster = await around.enter_async_context(simulated_cluster(Story(aws, ()), pace=pace))
            kept = store or str(folder / "pullbot.db")
            it = StoryWorld(there[0], there, folder, cluster, front, aws, kept, before)
            it.settings = _settings(there, kept, settings)
            cluster.deploy("ui-private", aws.image, replicas)
            try:
                yield it
            finally:
                await it.kill()


def _room(chat: str, on_call: Sequence[str], others: int, http: bool) -> AbstractAsyncContextManager[Room]:
    return teams_room(on_call, others) if chat == "teams" else slack_room(on_call, others, http=http)


def _settings(rooms: Sequence[Room], store: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Clusters that name no channels alert in all chats."""
    approvers = [one for room in rooms for one in (room.id(ALICE), room.id(BEN), room.on_call)]
    cluster = {"name": CLUSTER, "context": CLUSTER, "region": REGION}
    channels = {"channels": {room.name: room.alerts for room in rooms}}
    return {
        "approvals": {"approvers": approvers, "second_person": True},
        "remedies": {"enabled": ["aws/lift_repository_deny", "kubernetes/restart_workload"]},
        "registry": {"probe": False},  # the story's are at no address
        "store": store,
        "http": {"listen": "127.0.0.1:0"},
        "watch": {"settle": "1s"},
        **{name: block for room in rooms for name, block in room.settings().items()},
        **more,
        "clusters": [channels | one for one in more.get("clusters", [cluster])],
    }


__all__ = [
    "ALICE", "BEN", "CARL", "CHATS", "DANA", "TEAMS_SLOWLY", "WRITE", "Deployment", "StoryWorld",
    "story_world",
]  # fmt: skip
