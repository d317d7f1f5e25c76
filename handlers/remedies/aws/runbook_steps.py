"""AWS's own runbook for tasks of ECS that do not start. It asks, but it does not only read.

To try the way to the registry it may make a Lambda function in the VPC, and a role for it, which it tries to
take away again for half an hour. It wants a task that ECS still shows
(docs.aws.amazon.com/systems-manager-automation-runbooks).
"""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from checks.aws.facts import Grant
from checks.model import NotFound
from handlers.question import Heard, Question
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Conflict, Diff, Standing

RUNBOOK = "AWSSupport-TroubleshootECSTaskFailedToStart"
_ENDED = frozenset(
    {"Success", "Failed", "TimedOut", "Cancelled", "Rejected", "Exited", "CompletedWithSuccess",
     "CompletedWithFailure", "ChangeCalendarOverrideRejected"}
)  # fmt: skip
_GONE_WRONG = frozenset({"Failed", "TimedOut", "Cancelled"})


@dataclass(frozen=True, slots=True)
class AutomationRole:
    """What the runbook acts as. It needs some forty permissions, which nobody else is to have."""

    arn: str


@dataclass(frozen=True, slots=True)
class StartRunbook(Question):
    """``role``: what the runbook acts as, "" for its starter. ``execution``: its id, once it was started."""

    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ecs:DescribeTasks",), "arn:{partition}:ecs:*:*:task/*"),
        # The resources of today, and the one of before; both are in use.
        Grant(("ssm:StartAutomationExecution",), f"arn:{{partition}}:ssm:*:*:document/{RUNBOOK}"),
        Grant(
            ("ssm:StartAutomationExecution",),
            f"arn:{{partition}}:ssm:*:*:automation-definition/{RUNBOOK}:*",
        ),
        Grant(
            ("ssm:GetAutomationExecution", "ssm:StartAutomationExecution"),
            "arn:{partition}:ssm:*:*:automation-execution/*",
        ),
    )
    passes_role_to: ClassVar[str] = "ssm.amazonaws.com"

    region: str
    cluster: str
    task: str
    role: str = ""
    execution: str = ""

    def diff(self) -> Diff:
        started = f", execution {self.execution}" if self.execution else ""
        acting = f", acting as {self.role}" if self.role else ""
        return Diff(f"{self.cluster}/{self.task}", "", f"asked about by {RUNBOOK}{acting}{started}")

    def commands(self) -> tuple[str, ...]:
        given = json.dumps(self._parameters())
        return (self._command("start", "--document-name", RUNBOOK, "--parameters", given),)

    def afterwards(self) -> tuple[str, ...]:
        which = ("--automation-execution-id", self.execution)
        return (self._command("get", *which), self._command("stop", *which))

    @property
    def asked(self) -> str:
        return f"AWS's runbook is looking at the task {self.task} (execution {self.execution})"

    async def look(self, aws: AwsWriter) -> Standing:
        """:raises Conflict: ECS does not show the task any more"""
        if self.execution:
            return Standing.AFTER
        try:
            answer = await aws(
                "ecs", "describe_tasks", region=self.region, cluster=self.cluster, tasks=[self.task]
            )
        except NotFound:
            answer = {}
        if not answer.get("tasks"):
            raise Conflict(f"ECS does not show the task {self.task} of {self.cluster} any more")
        return Standing.BEFORE

    async def write(self, aws: AwsWriter) -> StartRunbook:
        """Written again after a crash, the token is the same and no second execution is started."""
        try:
            answer = await aws(
                "ssm",
                "start_automation_execution",
                region=self.region,
                DocumentName=RUNBOOK,
                Parameters=self._parameters(),
                ClientToken=self.token,
            )
        except NotFound as why:
            raise Conflict(f"AWS has no runbook {RUNBOOK} in {self.region}: {why}") from None
        return replace(self, execution=str(answer["AutomationExecutionId"]))

    async def hear(self, aws: AwsWriter) -> Heard:
        answer = await aws(
            "ssm", "get_automation_execution", region=self.region, AutomationExecutionId=self.execution
        )
        found = answer["AutomationExecution"]
        state = str(found["AutomationExecutionStatus"])
        return Heard(state, tuple(_parts(found)), over=state in _ENDED)

    @property
    def token(self) -> str:
        named = json.dumps([RUNBOOK, self.region, self._parameters()], sort_keys=True)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, named))

    def _parameters(self) -> dict[str, list[str]]:
        role = {"AutomationAssumeRole": [self.role]} if self.role else {}
        return {"ClusterName": [self.cluster], "TaskId": [self.task], **role}

    def _command(self, verb: str, *more: str) -> str:
        return shlex.join(["aws", "ssm", f"{verb}-automation-execution", "--region", self.region, *more])


def _parts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it says, then what went wrong. How it says it is documented nowhere: it is text.

    Where it says nothing as a whole, its steps may have.
    """
    steps = list(found.get("StepExecutions") or ())
    said = list(_outputs("", found)) or [
        part for one in reversed(steps) for part in _outputs(_name(one), one)
    ]
    yield from said
    if why := found.get("FailureMessage"):
        yield "It failed", str(why)
    for one in steps:
        if one.get("StepStatus") in _GONE_WRONG:
            yield f"{_name(one)}: {one['StepStatus']}", str(one.get("FailureMessage") or "(no message)")
    if found.get("StepExecutionsTruncated"):
        yield "Steps", "AWS told of the first steps only"


def _outputs(step: str, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in sorted((found.get("Outputs") or {}).items()):
        if text := "\n".join(str(value) for value in values).strip():
            yield f"{step}.{name}" if step else str(name), text


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("StepName") or "a step")
