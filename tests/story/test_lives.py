"""Deployments come and go: a thread closes when its failure is over, and one cause is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.aws_world import push
from tests.story.rig import TEAMS_SLOWLY, StoryWorld, story_world
from tests.story.room import Said


def root_of(it: StoryWorld, workload: str) -> Said | None:
    return next((one for one in it.roots if one.text.startswith(f"Deployment/{workload} ")), None)


@pytest.mark.parametrize("chat", TEAMS_SLOWLY)
async def test_one_cause_is_one_thread_and_threads_close_when_their_failures_are_over(
    moto_url: str, tmp_path: Path, chat: str
) -> None:
    async with story_world(moto_url, tmp_path, chats=[chat], replicas=50) as it:
        await it.start_bot()
        await it.shows("Fix: ", "offer")
        await a_second_deployment_joins(it)
        await a_deployment_is_deleted(it)
        await somebody_lifts_the_policy(it)
        it.nothing_twice()
        assert await it.audit() == []


async def a_second_deployment_joins(it: StoryWorld) -> None:
    await it.until(it.says("50 pods"))
    reads = it.front.asked.count("ecr:GetRepositoryPolicy")
    it.cluster.deploy("ui-canary", it.aws.image)
    await it.until(it.says("Deployment/ui-canary"), 25)
    await it.until(it.says("51 pods"))
    assert len(it.roots) == 1
    assert it.front.asked.count("ecr:GetRepositoryPolicy") <= reads + 2  # not once for each pod


async def a_deployment_is_deleted(it: StoryWorld) -> None:
    _, elsewhere = push(it.aws.endpoint, it.aws.region, f"{it.aws.repository}-x", "1")
    it.cluster.deploy("ghost", f"{elsewhere}:2")  # a tag that is not there: another cause
    await it.until(lambda: root_of(it, "ghost"), 25)
    it.cluster.delete("ghost")
    await it.until(lambda: "nothing asks for the image any more" in it.roots[-1].text, 25)
    assert len(it.roots) == 2
    await it.until(it.says("Cause found"))


async def somebody_lifts_the_policy(it: StoryWorld) -> None:
    it.aws.client("ecr").delete_repository_policy(repositoryName=it.aws.repository)
    await it.until(it.says("Fixed"), 40)
    assert "recovered by itself: the image is pulled now" in it.roots[0].text
    assert it.runs()
    offer = it.reply("offer", it.roots[0])
    assert offer is not None
    await it.until(lambda: not offer.buttons)
    assert it.writes == 0
