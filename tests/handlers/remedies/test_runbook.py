"""AWS's own runbook: offered where nothing is better, with what it may leave behind, and started once."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from checks.aws.ecs_shown import ShownTask, shown_task
from checks.aws.ecs_tasks import TaskBook, TaskName
from checks.aws.facts import Aws
from checks.graph import Catalog
from checks.host import Cluster
from checks.model import FailedPull, Finding, Leg, NotFound, Symptom, Unavailable, failed
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import follow_ups, offers_for
from handlers.question import Heard
from handlers.remedies.aws.runbook_steps import RUNBOOK, AutomationRole, StartRunbook
from handlers.remedies.aws.troubleshoot_task import troubleshoot_task
from handlers.remedy import Conflict, Plan, Refused, Standing
from tests.fakes.automation import FakeAutomation, Refusal
from tests.fakes.aws_account import ACCOUNT
from tests.fakes.ecs import EcsAccount, id_of

CATALOG = Catalog.load()
ENABLED = frozenset({troubleshoot_task.id})
ROLE = AutomationRole(f"arn:aws:iam::{ACCOUNT}:role/runbook")


class Runbooks(EcsAccount):
    """ECS with a task that failed, and Systems Manager."""

    def __init__(self) -> None:
        super().__init__()
        self.automation = FakeAutomation()
        self.failing = self.ecs.stop(self.define("web:1"), "shop", "no such host", service="web")

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Any:
        if service != "ssm":
            return await super().__call__(service, operation, region=region, account=account, **params)
        does = self.automation.start if operation.startswith("start_") else self.automation.get
        try:
            return does(params)
        except Refusal as why:
            raise NotFound(why.code, str(why)) from None

    @property
    def step(self) -> StartRunbook:
        return StartRunbook("us-west-2", "shop", id_of(self.failing), ROLE.arn)


class Book:
    """What the watch remembers of a task, whether or not ECS still shows it."""

    def recall(self, cluster: str, task: str) -> None:
        return None


def pull_of(task: str, workload: str = "Task/web") -> FailedPull:
    return FailedPull(
        cluster="prod",
        namespace="shop",
        workload=workload,
        container="web",
        pods=(task,),
        nodes=(),
        host_kind="fargate",
        image="web:1",
        symptom=Symptom.OTHER,
        message="no such host",
    )


def roots(aws: Runbooks, kind: str = "ecs", role: AutomationRole | None = ROLE) -> dict[Any, object]:
    found: dict[Any, object] = {Aws: aws, Cluster: Cluster("prod", kind, "us-west-2"), TaskBook: Book()}
    return found | ({AutomationRole: role} if role else {})


async def proposed(
    aws: Runbooks,
    *findings: Finding,
    given: dict[Any, object] | None = None,
    more: tuple[FailedPull, ...] = (),
) -> tuple[Offer, ...]:
    return await offers_for(
        [*more, pull_of(id_of(aws.failing))],
        findings,
        catalog=CATALOG,
        remedies=[troubleshoot_task],
        roots=roots(aws) if given is None else given,
        memo=Memo(),
        enabled=ENABLED,
    )


async def test_where_nothing_has_a_plan_the_runbook_may_be_asked() -> None:
    aws = Runbooks()
    [offer] = await proposed(aws)
    assert offer.plan is not None
    assert offer.plan.steps == (aws.step,)
    assert offer.plan.asks
    assert offer.enabled
    assert "not read-only" in offer.plan.caution
    assert "may leave both behind" in offer.plan.caution
    assert not offer.plan.reversible
    assert aws.automation.starts == []


async def test_without_a_role_for_it_it_is_only_a_command() -> None:
    [offer] = await proposed(aws := Runbooks(), given=roots(aws, role=None))
    assert offer.plan is not None
    assert not offer.enabled, "the bot's own role is never to have those permissions"
    assert "automation_role" in offer.plan.lacks
    [step] = offer.plan.steps
    assert "AutomationAssumeRole" not in step.commands()[0]


async def test_it_is_not_offered_for_a_pod() -> None:
    assert await proposed(aws := Runbooks(), given=roots(aws, "eks")) == ()


async def test_one_task_of_many_that_fail_alike_is_enough() -> None:
    aws = Runbooks()
    forgotten = pull_of("0f2c", "Task/api")
    also = pull_of(id_of(aws.ecs.stop(aws.define("web:2"), "shop", "no such host")), "Task/jobs")
    [offer] = await proposed(aws, more=(forgotten, also))
    assert offer.plan is not None
    assert offer.plan.steps == (replace(aws.step, task=also.pods[0]),)


async def test_a_cause_without_a_remedy_does_not_hide_it() -> None:
    aws = Runbooks()
    pull = pull_of(id_of(aws.failing))
    known = Finding("registry/tag_exists", "t", Leg.EXISTENCE, pull, failed("it is not there"), True)
    assert [one.remedy for one in await proposed(aws, known)] == [troubleshoot_task.id]


async def test_it_is_no_follow_up_of_a_fix() -> None:
    aws = Runbooks()
    found = await follow_ups(
        [pull_of(id_of(aws.failing))],
        catalog=CATALOG,
        remedies=[troubleshoot_task],
        roots=roots(aws),
        memo=Memo(),
        enabled=ENABLED,
    )
    assert found == ()


async def test_a_task_that_ecs_has_forgotten_is_not_asked_about_whatever_we_remember() -> None:
    aws = Runbooks()
    name = TaskName("us-west-2", "shop", id_of(aws.failing))
    assert await shown_task(name, aws) == ShownTask(name, True)
    aws.ecs.forget(aws.failing)
    assert await shown_task(name, aws) == ShownTask(name, False)
    assert await shown_task(replace(name, cluster="gone"), aws) == ShownTask(
        replace(name, cluster="gone"), False
    )
    with pytest.raises(Refused, match="any more"):
        troubleshoot_task(ShownTask(name, False), ROLE)
    assert await proposed(aws) == ()


def test_the_commands_can_be_pasted() -> None:
    step = StartRunbook("us-west-2", "shop", "0f2c", "arn:aws:iam::1:role/looks,well=yes", "4105-a4fc")
    [command] = step.commands()
    *words, given = shlex.split(command)
    assert words == [
        "aws", "ssm", "start-automation-execution", "--region", "us-west-2", "--document-name", RUNBOOK,
        "--parameters",
    ]  # fmt: skip
    assert json.loads(given) == {
        "ClusterName": ["shop"],
        "TaskId": ["0f2c"],
        "AutomationAssumeRole": ["arn:aws:iam::1:role/looks,well=yes"],
    }
    assert [shlex.split(one)[2] for one in step.afterwards()] == [
        "get-automation-execution",
        "stop-automation-execution",
    ]
    assert all(one.endswith("--automation-execution-id 4105-a4fc") for one in step.afterwards())


async def test_started_twice_it_runs_once() -> None:
    aws = Runbooks()
    assert await aws.step.look(aws) is Standing.BEFORE
    done = await aws.step.write(aws)
    assert await aws.step.write(aws) == done
    assert await done.look(aws) is Standing.AFTER
    assert len(aws.automation.executions) == 1
    assert [one["DocumentName"] for one in aws.automation.starts] == [RUNBOOK, RUNBOOK]
    assert done.execution in done.diff().after
    assert done.execution in done.asked
    assert not Plan((done,)).reversible


async def test_another_task_and_another_role_are_other_questions() -> None:
    step = Runbooks().step
    tokens = {step.token, replace(step, task="0f2c").token, replace(step, role="").token}
    assert len(tokens) == 3
    assert replace(step, execution="4105").token == step.token


async def test_without_the_task_or_the_runbook_nothing_is_started() -> None:
    aws = Runbooks()
    aws.automation.runbooks.clear()
    with pytest.raises(Conflict, match="no runbook"):
        await aws.step.write(aws)
    step = aws.step
    aws.ecs.forget(aws.failing)
    with pytest.raises(Conflict, match="does not show the task"):
        await step.look(aws)
    with pytest.raises(Conflict, match="does not show the task"):
        await replace(step, cluster="gone").look(aws)


# ---- what it answers


async def heard(status: str, outputs: dict[str, list[str]], *steps: dict[str, Any], **more: Any) -> Heard:
    aws = Runbooks()
    done = await aws.step.write(aws)
    aws.automation.end(status, outputs, *steps)
    aws.automation.executions[done.execution] |= more
    return await done.hear(aws)


async def test_while_it_runs_it_has_not_answered() -> None:
    aws = Runbooks()
    done = await aws.step.write(aws)
    assert await done.hear(aws) == Heard("InProgress")


@pytest.mark.parametrize("status", ["Success", "Failed", "TimedOut", "Cancelled", "CompletedWithFailure"])
async def test_however_it_ended_its_outputs_are_its_answer(status: str) -> None:
    said = {"Report.Text": ["no route", "to ECR"], "Empty": [""], "Also": ["x"]}
    assert await heard(status, said) == Heard(
        status, (("Also", "x"), ("Report.Text", "no route\nto ECR")), over=True
    )


@pytest.mark.parametrize("status", ["Pending", "Waiting", "Cancelling", "Scheduled", "SomethingNew"])
async def test_every_other_state_is_no_end(status: str) -> None:
    assert not (await heard(status, {})).over


async def test_steps_that_failed_say_why() -> None:
    answer = await heard(
        "Failed",
        {},
        {"StepName": "look", "StepStatus": "Success", "Outputs": {"Found": ["a subnet"]}},
        {"StepName": "try", "StepStatus": "Failed", "FailureMessage": "not authorized"},
        {"StepName": "report", "StepStatus": "Success", "Outputs": {"Payload": ["the whole story"]}},
        {"StepName": "clean", "StepStatus": "TimedOut"},
        FailureMessage="step try failed",
        StepExecutionsTruncated=True,
    )
    assert answer.parts == (
        ("report.Payload", "the whole story"),
        ("look.Found", "a subnet"),
        ("It failed", "step try failed"),
        ("try: Failed", "not authorized"),
        ("clean: TimedOut", "(no message)"),
        ("Steps", "AWS told of the first steps only"),
    )


async def test_an_execution_that_aws_does_not_know_is_not_an_answer() -> None:
    aws = Runbooks()
    with pytest.raises((NotFound, Unavailable)):
        await replace(aws.step, execution="gone").hear(aws)
