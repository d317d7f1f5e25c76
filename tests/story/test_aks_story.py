"""AKS may not pull from its registry: alert, cause, approval by another, the role, a real pull, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo import azure_world
from bot.demo.azure_story import CLUSTER, IMAGE, AzureStory, azure_story
from bot.demo.kubelet import Pace
from tests.story.rig import ALICE, BEN, CHATS, DANA, StoryWorld, story_world

_PACE = Pace(0.1, 1.5, 1.5)


@dataclass
class AksStory:
    it: StoryWorld
    there: AzureStory

    @property
    def assignments(self) -> list[tuple[str, str]]:
        """Who has which role on the registry."""
        found = [
            tree["properties"]
            for id, tree in self.there.azure.resources.items()
            if id.startswith(f"{azure_world.ACR}/providers/microsoft.authorization/".lower())
        ]
        return [(one["principalId"], one["roleDefinitionId"].rpartition("/")[2]) for one in found]

    def runs(self) -> bool:
        pods = self.there.cluster.pods("orders")
        return bool(pods) and all(one["status"].get("phase") == "Running" for one in pods)


@asynccontextmanager
async def aks_story(moto_url: str, folder: Path, chat: str = "slack") -> AsyncIterator[AksStory]:
    cluster = {"name": CLUSTER, "context": CLUSTER, "kind": "aks"}
    async with azure_story(pace=_PACE) as there:
        endpoints = {"resource_manager": there.url, "graph": there.url}
        async with story_world(
            moto_url,
            folder,
            chats=[chat],
            clusters=[cluster],
            azure=endpoints,
            remedies={"enabled": ["azure/attach_acr"]},
        ) as it:
            it.more = {"KUBECONFIG": str(there.cluster.kubeconfig), **there.environment}
            yield AksStory(it, there)


@pytest.mark.parametrize("chat", CHATS)
async def test_a_cluster_that_nobody_let_in_is_attached_proven_and_detached(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with aks_story(moto_url, tmp_path, chat) as of:
        it = of.it
        await it.start_bot()
        offer = await it.shows("Fix: Attach the registry", "offer")
        await it.until(it.says("Cause found"))
        assert IMAGE in it.root.text
        assert "AcrPull for the kubelet identity prod-agentpool" in offer.text
        assert "az role assignment create" in offer.text
        assert of.assignments == []

        await it.press(DANA, "Fix: ", "offer")
        await it.press(DANA, "Approve", "request")
        await it.told(DANA, "not an approver")
        await it.press(ALICE, "Approve", "request")
        await it.until(it.says("Fixed"), 25)
        assert of.runs()
        assert of.assignments == [(azure_world.KUBELET, azure_world.ACR_PULL)]

        await it.press(BEN, "Undo", "change")
        await it.until(it.says("Undone"))
        assert of.assignments == []
        it.nothing_twice()
        assert await it.stop() == 0
        assert [one for one in it.log() if one["level"] not in ("info", "warning")] == []
        assert await it.audit() == [
            (it.by(DANA), "requested"),
            (it.by(ALICE), "approved"),
            ("pullbot", "execution begun"),
            ("pullbot", "step started"),
            ("pullbot", "step finished"),
            ("pullbot", "execution finished"),
            ("pullbot", "verified"),
            (it.by(BEN), "undo asked"),
            ("pullbot", "undo started"),
            ("pullbot", "undo finished"),
        ]


async def test_the_terminal_tells_the_same_cause(moto_url: str, tmp_path: Path) -> None:
    async with aks_story(moto_url, tmp_path) as of:
        await of.it.until(lambda: _fails(of))
        config = tmp_path / "pullbot.yaml"
        config.write_text(
            f"azure: {{resource_manager: '{of.there.url}', graph: '{of.there.url}'}}\n"
            f"clusters: [{{name: {CLUSTER}, context: {CLUSTER}, kind: aks}}]\n"
        )
        _, out, err = await of.it.pullbot("why", "deploy/orders", "--config", str(config))
        assert "has no role that lets it pull from contoso.azurecr.io" in " ".join(out.split()), out + err
        assert "Attach the registry to the cluster" in out


def _fails(of: AksStory) -> bool:
    return any("ImagePullBackOff" in str(pod["status"]) for pod in of.there.cluster.pods("orders"))
