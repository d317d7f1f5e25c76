"""An image that is not there, over HTTP: from the tags that are, to one that a person picks, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import Context
from bot.demo.aws_world import seed
from bot.demo.cluster import RunningCluster, simulated_cluster
from bot.demo.kubelet import Pace
from bot.demo.objects import Change
from bot.demo.story import CLUSTER, REGION, Story
from bot.settings_clusters import Cluster
from bot.watch.eyes import Patience
from checks.graph import Catalog
from checks.model import FailedPull, Status
from handlers import commands
from handlers.decision import Offer
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.remedy import Risk, load_advice, load_remedies
from handlers.world import Rules, World
from tests.fakes.doors import ANA, BEN, House

SET_IMAGE = "kubernetes/set_image"


@dataclass
class Shop:
    """A cluster that lives, and all that handles incidents of it but a chat."""

    cluster: RunningCluster
    connected: Connected
    house: House
    registry: str  # the repository, without a tag

    def world(self) -> World:
        return replace(
            self.house.world(),
            catalog=Catalog.load(),
            remedies=load_remedies(),
            advice=load_advice(),
            rules=Rules(enabled=frozenset({SET_IMAGE})),
            roots=lambda _: self.connected.roots,
            hands=lambda _: self.connected.hands,
            now=lambda: datetime.now(UTC),
            pause=lambda _: self.something_happens(),
        )

    async def something_happens(self, seconds: float = 10.0) -> None:
        """Wait for the next change in the cluster."""
        news = asyncio.Event()

        def note(resource: str, change: Change) -> None:
            news.set()

        self.cluster.api.objects.listen(note)
        async with asyncio.timeout(seconds):
            await news.wait()

    async def until(self, true: Callable[[], Any], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await self.something_happens(seconds)

    def reasons(self, name: str) -> set[str]:
        statuses = [
            one for pod in self.cluster.pods(name) for one in pod["status"].get("containerStatuses", ())
        ]
        return {one["state"].get("waiting", {}).get("reason", "runs") for one in statuses}

    def image(self, name: str) -> str:
        found = self.cluster.api.objects.find("deployments", name, "default")
        assert found is not None
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    async def failing(self) -> tuple[FailedPull, ...]:
        await self.until(lambda: "ImagePullBackOff" in self.reasons("web"))
        return await self.connected.eyes.failing_now("default", "", Patience(timedelta(minutes=5)))

    async def found(self) -> Incident:
        pulls = await self.failing()
        incident = Incident("1a2b3c4d", CLUSTER, datetime.now(UTC), pulls)
        await self.house.shelf.save(incident)
        return await advance(incident.id, self.world())

    async def carried_out(self, offer: Offer) -> Incident:
        await commands.request("1a2b3c4d", offer.digest, ANA, self.world())
        await commands.approve("1a2b3c4d", offer.digest, BEN, self.world())
        async with asyncio.timeout(60):
            return await advance("1a2b3c4d", self.world())


@pytest.fixture
async def shop(aws_url: str) -> AsyncIterator[Shop]:
    """A node that may pull all that is in ECR; of ``app`` there is 1.2.1."""
    aws = await asyncio.to_thread(seed, aws_url, REGION, cluster=CLUSTER, repository="app", tag="1.2.1")
    async with simulated_cluster(Story(aws, ()), pace=Pace(0.05, 0.2, 0.5)) as cluster:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
            connected = await connect(Context(CLUSTER, "default"), Cluster(name=CLUSTER, region=REGION))
            yield Shop(cluster, connected, House(), aws.image.rpartition(":")[0])
            await connected.close()


def planned(incident: Incident) -> dict[str, list[Offer]]:
    offers: dict[str, list[Offer]] = {}
    for one in incident.offers:
        if one.plan is not None:
            offers.setdefault(one.remedy, []).append(one)
    return offers


async def test_a_tag_that_is_not_there_is_exchanged_for_one_that_is_and_back(shop: Shop) -> None:
    shop.cluster.deploy("web", f"{shop.registry}:1.2.2", 2)
    incident = await shop.found()
    assert incident.stage is Stage.FOUND
    assert [one.check for one in incident.causes] == ["registry/tag_exists"]
    plans = planned(incident)
    assert set(plans) == {SET_IMAGE}  # no rights and no network would help
    near = [one.plan.choice for one in plans[SET_IMAGE] if one.plan]
    assert near[0] == f"{shop.registry}:1.2.1"
    offer = plans[SET_IMAGE][0]
    assert offer.plan is not None
    assert offer.risk is Risk.MEDIUM
    assert offer.plan.reversible
    assert offer.plan.steps[0].commands() == (
        f"kubectl set image deployment/web web={shop.registry}:1.2.1 -n default",
    )
    done = await shop.carried_out(offer)
    assert done.stage is Stage.RESOLVED, done.note
    assert done.note == (
        f"verified: pods of Deployment/web have {shop.registry}:1.2.1, and none waits for another"
    )
    assert {one.check: one.verdict.status for one in done.verified} == {
        "registry/tag_exists": Status.PASS,
        "kubernetes/rollout_has_image": Status.PASS,
    }
    assert shop.image("web") == f"{shop.registry}:1.2.1"
    await commands.undo(done.id, offer.digest, BEN, shop.world())
    undone = await advance(done.id, shop.world())
    assert undone.stage is Stage.UNDONE, undone.note
    assert shop.image("web") == f"{shop.registry}:1.2.2"


async def test_going_back_to_what_the_other_pods_run_leaves_nothing_to_pull(shop: Shop) -> None:
    """The controller keeps the pods that run; only the one that cannot pull goes."""
    shop.cluster.deploy("web", f"{shop.registry}:1.2.1", 2)
    await shop.until(lambda: shop.reasons("web") == {"runs"})
    shop.cluster.deploy("web", f"{shop.registry}:1.2.2", 2)
    incident = await shop.found()
    done = await shop.carried_out(planned(incident)[SET_IMAGE][0])
    assert done.stage is Stage.RESOLVED, done.note
    assert shop.reasons("web") == {"runs"}


async def test_what_somebody_else_has_set_meanwhile_is_not_overwritten(shop: Shop) -> None:
    shop.cluster.deploy("web", f"{shop.registry}:1.2.2")
    incident = await shop.found()
    offer = planned(incident)[SET_IMAGE][0]
    shop.cluster.deploy("web", f"{shop.registry}:1.1.0")
    done = await shop.carried_out(offer)
    assert done.stage is not Stage.RESOLVED
    assert not [step for change in done.changes for step in change.steps]
    assert shop.image("web") == f"{shop.registry}:1.1.0"
