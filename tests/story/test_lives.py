"""Deployments come and go: a thread closes when its failure is over, and one cause is told once."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.slack_workspace import Said
from tests.story.rig import StoryWorld, story_world


def root_of(it: StoryWorld, workload: str) -> Said | None:
    return next((one for one in it.roots if one.text.startswith(f"Deployment/{workload} ")), None)


async def test_a_pull_that_works_again_by_itself_closes_its_thread(moto_url: str, tmp_path: Path) -> None:
    async with story_world(moto_url, tmp_path) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        it.aws.client("ecr").delete_repository_policy(repositoryName=it.aws.repository)
        await it.until(it.says("Fixed"), 40)
        assert "recovered by itself: the image is pulled now" in it.root.text
        assert it.runs()
        offer = it.reply("offer")
        assert offer is not None
        await it.until(lambda: not offer.buttons)
        assert it.writes == 0
        it.nothing_twice()
        assert await it.audit() == []


async def test_fifty_pods_and_a_second_deployment_with_the_same_cause_are_one_thread(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path, replicas=50) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        assert "50 pods" in it.root.text
        reads = it.front.asked.count("ecr:GetRepositoryPolicy")
        it.cluster.deploy("ui-canary", it.aws.image)
        await it.until(it.says("Deployment/ui-canary"), 25)
        await it.until(it.says("51 pods"))
        assert len(it.roots) == 1
        assert it.front.asked.count("ecr:GetRepositoryPolicy") <= reads + 2  # not once for each pod
        it.cluster.delete("ui-canary")
        it.cluster.delete("ui-private")
        await it.until(it.says("nothing asks for the image any more"), 40)
        assert it.policy() == it.before
        it.nothing_twice()
