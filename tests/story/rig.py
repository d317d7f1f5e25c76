"""The whole service on the story of the demo, and all that is around it: Slack, a cluster, an AWS, a store.

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
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bot.demo.aws_world import World, deny_pull, seed
from bot.demo.cluster import RunningCluster, simulated_cluster
from bot.demo.kubelet import Pace
from bot.demo.story import CLUSTER, REGION, Deployment, Story
from tests.fakes.aws_front import Front, serve
from tests.fakes.slack import FakeSlack, serve_slack
from tests.fakes.slack_workspace import Said

PROJECT = Path(__file__).parents[2]
CHANNEL = "C0ALERTS"
DANA, ALICE, BEN, CARL = "U0DANA", "U0ALICE", "U0BEN", "U0CARL"  # a developer, and three who may approve
WRITE = "ecr:SetRepositoryPolicy"
_SOON = 0.1
_BACK_OFF = 1.5  # for longer than the watch settles
NEVER = 600.0
_POLL_SECONDS = 0.02
_EVERY = (
    0.9  # seconds between two messages in a channel, below which Slack refuses; some grace for a busy machine
)


@dataclass
class StoryWorld:
    """``bot`` is the process, while there is one."""

    folder: Path
    slack: FakeSlack
    cluster: RunningCluster
    front: Front
    aws: World
    store: str
    before: str  # the repository's policy as the story begins
    settings: dict[str, Any] = field(default_factory=dict)
    bot: asyncio.subprocess.Process | None = None
    more: dict[str, str] = field(default_factory=dict)  # of the bot's environment
    _keys: dict[str, str] = field(default_factory=dict)

    # ---- the service

    async def start_bot(self) -> None:
        """Until it is connected to Slack."""
        config = self.folder / "pullbot.yaml"
        config.write_text(yaml.safe_dump(self.settings), "utf-8")
        with self._log.open("wb") as log:
            self.bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", "--config", str(config),
                cwd=PROJECT, env=self.environment(), stdout=log, stderr=log,
            )  # fmt: skip
        if self.slack.events_url:
            await self.until(self._address, 20)
            self.slack.events_url = f"http://{self._address()}/slack/events"
        else:
            await self.until(lambda: self.slack.connections, 20)

    async def kill(self) -> None:
        """As ``kill -9``."""
        await self._end(signal.SIGKILL)
        self._note_keys()
        await self.until(lambda: not self.slack.connections)

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
            **self.slack.environment(),
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

    @property
    def roots(self) -> list[Said]:
        """The bot's own messages in the channel, without answers to what somebody said."""
        return [one for one in self.slack.channel(CHANNEL) if self._key(one).endswith(":root")]

    @property
    def root(self) -> Said:
        """The only one.

        :raises AssertionError: there is not exactly one
        """
        assert len(self.roots) == 1, self._state()
        return self.roots[0]

    def reply(self, key: str, root: Said | None = None) -> Said | None:
        """The newest reply whose key begins so: ``diagnosis``, ``offer``, ``request``, ``change``."""
        root = root or next(iter(self.roots), None)
        mine = [
            one for one in (root.replies if root else ()) if self._key(one).partition(":")[2].startswith(key)
        ]
        return mine[-1] if mine else None

    def said(self, channel: str = CHANNEL) -> list[Said]:
        """Everything that everybody sees in a channel."""
        return [one for root in self.slack.channel(channel) for one in (root, *root.replies)]

    def is_answer(self, said: Said) -> bool:
        return self._key(said).startswith("answer:")

    def says(self, text: str) -> Callable[[], bool]:
        """Whether the present state of the only thread has these words."""
        return lambda: bool(self.roots) and text in self.roots[0].text

    async def shows(
        self, button: str, reply: str = "", root: Said | None = None, seconds: float = 15.0
    ) -> Said:
        """Wait for a message with that button."""

        def found() -> Said | None:
            one = self.reply(reply, root)
            return one if one is not None and any(b.startswith(button) for b in one.buttons) else None

        said: Said = await self.until(found, seconds)
        return said

    async def press(self, user: str, button: str, reply: str, root: Said | None = None) -> Said:
        """Wait for the button and press it; gives the message it was on."""
        said = await self.shows(button, reply, root)
        await self.slack.press(user, CHANNEL, said.ts, button)
        return said

    async def press_forged(self, user: str, said: Said, value: str) -> None:
        """Press a button on that message that carries ``value``, whatever the message has."""
        text = {"type": "plain_text", "text": "Forged"}
        button = {"type": "button", "action_id": "forged", "text": text, "value": value}
        kept, said.blocks = said.blocks, [forged := {"type": "actions", "elements": [button]}]
        await self.slack.press(user, CHANNEL, said.ts, "Forged")
        if said.blocks == [forged]:  # not edited meanwhile
            said.blocks = kept

    async def told(self, user: str, text: str) -> Said:
        """Wait for words to their eyes only."""

        def found() -> Said | None:
            return next((one for one in reversed(self.slack.ephemeral(user)) if text in one.text), None)

        said: Said = await self.until(found)
        return said

    def value_of(self, said: Said, button: str) -> str:
        """What a button carries."""
        found = (one for block in said.blocks for one in block.get("elements", ()) if "value" in one)
        return next(str(one["value"]) for one in found if one["text"]["text"].startswith(button))

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

    def nothing_twice(self) -> None:
        """Every message that the bot wanted to post is there once."""
        keys = [key for one in self.said() if (key := self._key(one))]
        assert len(keys) == len(set(keys)), f"{keys}\n{self._state()}"
        assert self.slack.failures == []

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

    def _key(self, said: Said) -> str:
        """An edit by a bot that was started anew takes the metadata away, so it is noted."""
        key = str(said.metadata.get("event_payload", {}).get("key", ""))
        return self._keys.setdefault(said.ts, key) if key else self._keys.get(said.ts, "")

    def _note_keys(self) -> None:
        for one in self.said():
            self._key(one)

    def _address(self) -> str:
        said = (str(one["message"]) for one in self.log())
        return next((one.removeprefix("listening on ") for one in said if one.startswith("listening on")), "")

    def _state(self) -> str:
        shown = [f"{one.user}: {one.text}" for one in self.said()]
        private = [
            f"only {one.only_for}: {one.text}" for u in self.slack.users for one in self.slack.ephemeral(u)
        ]
        log = self._log.read_text("utf-8").splitlines()[-25:] if self._log.exists() else []
        return "\n".join([*shown, *private, *self.slack.refusals, "---- log", *log])


async def _answer(question: Callable[[], Any]) -> Any:
    found = question()
    return await found if inspect.isawaitable(found) else found


@asynccontextmanager
async def story_world(
    moto_url: str,
    folder: Path,
    *,
    store: str = "",
    http: bool = False,
    replicas: int = 1,
    groups: Mapping[str, Sequence[str]] | None = None,
    rooms: Sequence[str] = (),
    back_off: float = _BACK_OFF,
    **settings: Any,
) -> AsyncIterator[StoryWorld]:
    """The story before the service starts.

    :param back_off: seconds until kubelet pulls again; NEVER: not within a test
    :param rooms: channels without alerts, which the bot was invited to
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
    users = (DANA, ALICE, BEN, CARL)
    story = Story(aws, ())
    with serve(moto_url) as front:
        async with (
            serve_slack(users, groups, (CHANNEL, *rooms), every=_EVERY) as slack,
            simulated_cluster(story, pace=Pace(_SOON, back_off, back_off)) as cluster,
        ):
            it = StoryWorld(folder, slack, cluster, front, aws, store or str(folder / "pullbot.db"), before)
            it.settings = _settings(it.store) | settings
            if http:
                slack.events_url = "http://127.0.0.1:9/"
            cluster.deploy("ui-private", aws.image, replicas)
            try:
                yield it
            finally:
                await it.kill()


def _settings(store: str) -> dict[str, Any]:
    return {
        "clusters": [
            {"name": CLUSTER, "context": CLUSTER, "region": REGION, "channels": {"slack": CHANNEL}},
        ],
        "approvals": {"approvers": [ALICE, BEN, "@oncall"], "second_person": True},
        "remedies": {"enabled": ["aws/lift_repository_deny", "kubernetes/restart_workload"]},
        "registry": {"probe": False},  # the story's are at no address
        "store": store,
        "http": {"listen": "127.0.0.1:0"},
        "watch": {"settle": "1s"},
    }


__all__ = ["ALICE", "BEN", "CARL", "CHANNEL", "DANA", "WRITE", "Deployment", "StoryWorld", "story_world"]
