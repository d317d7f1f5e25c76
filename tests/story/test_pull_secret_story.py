"""A pull secret in the wrong namespace: alert, cause, approval by another, a copy, a real pull, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo import shapes
from bot.demo.cluster import RunningCluster, running_cluster
from bot.demo.kubelet import NotPulled, Pace, Pulled
from tests.fakes import pull_secrets
from tests.fakes.pull_secrets import HOST, IMAGE, PASSWORD, b64, docker_config, entry
from tests.story.rig import ALICE, BEN, DANA, TEAMS_SLOWLY, StoryWorld, story_world

_PACE = Pace(0.1, 1.5, 1.5)
REFUSED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": pull access denied, '
    "repository does not exist or may require authorization: authorization failed: no basic auth credentials"
)


@dataclass
class SecretStory:
    it: StoryWorld
    cluster: RunningCluster

    def secret(self, namespace: str) -> Any:
        return self.cluster.api.objects.find("secrets", "regcred", namespace)

    def runs(self) -> bool:
        pods = self.cluster.pods("web")
        return bool(pods) and all(one["status"].get("phase") == "Running" for one in pods)


@asynccontextmanager
async def secret_story(moto_url: str, folder: Path, chat: str) -> AsyncIterator[SecretStory]:
    """``web`` runs in ``default`` and names ``regcred``, which is in ``team`` only."""
    known: list[RunningCluster] = []

    async def pull(image: str) -> Pulled | NotPulled:
        found = known[0].api.objects.find("secrets", "regcred", "default") if known else None
        return NotPulled(REFUSED) if found is None else Pulled(f"{HOST}/shop/web@sha256:{'0' * 64}", 1_000)

    settings = {"name": "prod", "context": "prod", "kind": "kubernetes"}
    async with running_cluster(shapes.node("node-1"), pull, name="prod", pace=_PACE) as cluster:
        known.append(cluster)
        text = docker_config(**{HOST: entry()})
        cluster.api.objects.put(pull_secrets.tree(text, namespace="team"))
        web = shapes.deployment("web", IMAGE)
        web["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "regcred"}]
        cluster.api.objects.put(web)
        enabled = {"enabled": ["kubernetes/renew_pull_secret"]}
        async with story_world(moto_url, folder, chats=[chat], clusters=[settings], remedies=enabled) as it:
            it.more = {"KUBECONFIG": str(cluster.kubeconfig)}
            yield SecretStory(it, cluster)


@pytest.mark.parametrize("chat", TEAMS_SLOWLY)
async def test_a_secret_of_another_namespace_is_copied_proven_and_removed(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with secret_story(moto_url, tmp_path, chat) as of:
        it = of.it
        await it.start_bot()
        offer = await it.shows("Fix: Renew the pull secret", "offer")
        await it.until(it.says("Cause found"))
        assert "copy of team/regcred" in offer.text
        assert f"{HOST}: (not shown)" in offer.text

        await it.press(DANA, "Fix: ", "offer")
        await it.press(ALICE, "Approve", "request")
        await it.until(it.says("Fixed"), 25)
        assert of.runs()
        assert of.secret("default")["data"] == of.secret("team")["data"]

        await it.press(BEN, "Undo", "change")
        await it.until(it.says("Undone"))
        assert of.secret("default") is None
        assert of.secret("team") is not None
        it.nothing_twice()
        assert await it.stop() == 0
        assert [one for one in it.log() if one["level"] not in ("info", "warning")] == []
        seen = [*(one.text for one in it.said()), *(str(one) for one in it.log()), *left_in(tmp_path)]
        for form in (PASSWORD, b64(PASSWORD)[:-4], of.secret("team")["data"][".dockerconfigjson"]):
            assert not [one for one in seen if form in one]


def left_in(folder: Path) -> list[str]:
    """What the bot has written: its store and its trail."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return [one.read_bytes().decode(errors="replace") for one in files]
