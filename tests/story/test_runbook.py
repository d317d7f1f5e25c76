"""A task of ECS fails and nobody knows why: AWS's own runbook is asked from a button, once, and is heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo.aws_world import ACCOUNT
from tests.fakes.automation import GET, START, FakeAutomation
from tests.fakes.ecs import id_of, serve_ecs
from tests.fakes.ecs_shop import CLUSTER, REGION, SERVICE, Shop, seed
from tests.story.rig import ALICE, DANA, TEAMS_SLOWLY, StoryWorld, story_world

ROLE = f"arn:aws:iam::{ACCOUNT}:role/runbook"
STRANGE = "CannotPullContainerError: the moon is in the wrong phase"
SAID = "The task can not reach <!channel> with AKIAABCDEFGHIJKLMNOP & more"


@dataclass
class Puzzle:
    it: StoryWorld
    shop: Shop
    automation: FakeAutomation
    task: str

    async def asked(self) -> None:
        await self.it.press(DANA, "Fix: Ask AWS's own runbook", "offer")
        await self.it.press(ALICE, "Approve", "request")


@asynccontextmanager
async def puzzle(aws_url: str, folder: Path, chat: str = "slack", **aws: Any) -> AsyncIterator[Puzzle]:
    """A task whose failure no check explains, and a service that is about to start."""
    cluster = {"name": "tasks", "kind": "ecs", "region": REGION, "aws": aws}
    enabled = {"enabled": ["aws/troubleshoot_task"]}
    with serve_ecs(aws_url) as ecs:
        async with story_world(ecs.url, folder, chats=[chat], clusters=[cluster], remedies=enabled) as it:
            shop = seed(aws_url, ecs, it.front)
            shop.allow_pulls()
            public = {"awsvpcConfiguration": {**shop.network(), "assignPublicIp": "ENABLED"}}
            shop.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, networkConfiguration=public)
            task = shop.stop(STRANGE, in_container=True)
            automation = FakeAutomation()
            it.front.answers |= {START: automation.start, GET: automation.get}
            yield Puzzle(it, shop, automation, id_of(task))


@pytest.mark.parametrize("chat", TEAMS_SLOWLY)
async def test_asked_killed_started_again_and_heard(aws_url: str, tmp_path: Path, chat: str) -> None:
    async with puzzle(aws_url, tmp_path, chat, automation_role=ROLE) as of:
        it, automation = of.it, of.automation
        await it.start_bot()
        offer = await it.shows("Fix: Ask AWS's own runbook", "offer")
        await it.until(it.says("Needs a person"))
        assert "it is not read-only" in offer.text
        assert of.task in offer.text
        assert ROLE in offer.text
        assert "CANNOT be undone" in offer.text

        # The answer to the start is lost together with the bot.
        hold = it.front.hold_next(START, carried_out=True)
        await of.asked()
        await it.until(hold.reached.is_set)
        await it.kill()
        hold.let_go()
        assert len(automation.executions) == 1
        it.front.denied.add(GET)
        await it.start_bot()
        await it.until(it.says("AWS's runbook is looking"))
        [execution] = automation.executions
        assert execution in it.root.text
        heard = await it.until(
            lambda: (said := it.reply("heard")) and "could not be asked" in said.text and said
        )
        assert "AWS denies ssm:GetAutomationExecution" in heard.text
        assert f"aws ssm stop-automation-execution --region {REGION}" in heard.text

        # And again, while it runs and cannot be heard.
        await it.kill()
        it.front.denied.clear()
        ran = {"StepName": "report", "StepStatus": "Success"}
        broke = {"StepName": "clean", "StepStatus": "Failed", "FailureMessage": "it is still in use"}
        automation.end("Success", {"Report": [SAID]}, ran, broke)
        await it.start_bot()
        await it.until(it.says("Needs a person"))
        heard = await it.until(
            lambda: (said := it.reply("heard")) and "ended as Success" in said.text and said
        )
        assert "The task can not reach <!channel> with … & more" in heard.text
        assert "AKIA" not in heard.text
        assert "it is still in use" in heard.text
        assert {one["Parameters"]["TaskId"][0] for one in automation.starts} == {of.task}
        assert len(automation.starts) == 2, "once before it was killed, and once with the same token after"
        assert len(automation.executions) == 1
        it.nothing_twice()
        assert await it.audit() == [
            (it.by(DANA), "requested"),
            (it.by(ALICE), "approved"),
            ("pullbot", "execution begun"),
            ("pullbot", "step started"),
            ("pullbot", "step started"),
            ("pullbot", "step finished"),
            ("pullbot", "execution finished"),
            ("pullbot", "question answered"),
        ]


async def test_without_a_role_it_is_a_command_and_no_button(aws_url: str, tmp_path: Path) -> None:
    async with puzzle(aws_url, tmp_path) as of:
        it = of.it
        await it.start_bot()
        offer = await it.until(lambda: it.reply("offer"))
        assert "aws ssm start-automation-execution" in offer.text
        assert "automation_role" in offer.text
        assert not offer.buttons
        assert of.automation.starts == []
        assert START not in it.front.asked
