"""Systems Manager Automation as far as a runbook needs it: moto has none of it.

One execution for each token, however often it is asked for, as AWS promises; it goes on when a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.remedies.aws.runbook_steps import RUNBOOK

START, GET = "ssm:StartAutomationExecution", "ssm:GetAutomationExecution"


class Refusal(Exception):
    """An error as AWS names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class FakeAutomation:
    """``executions`` by id, as ``get_automation_execution`` has them; ``starts``: what was asked to start.

    ``runbooks``: those there are.
    """

    runbooks: set[str] = field(default_factory=lambda: {RUNBOOK})
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    starts: list[Mapping[str, Any]] = field(default_factory=list)
    polls: int = 0
    _by_token: dict[str, tuple[Any, str]] = field(default_factory=dict)

    def start(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.starts.append(asked)
        if asked["DocumentName"] not in self.runbooks:
            raise Refusal("AutomationDefinitionNotFoundException", f"no document {asked['DocumentName']}")
        known = self._by_token.get(asked["ClientToken"])
        if known is not None:
            if known[0] != asked["Parameters"]:
                raise Refusal("IdempotentParameterMismatch", "the token was used with other parameters")
            return {"AutomationExecutionId": known[1]}
        id = f"4105a4fc-f944-11e6-9d32-{len(self.executions):012d}"
        self._by_token[asked["ClientToken"]] = (asked["Parameters"], id)
        self.executions[id] = {
            "AutomationExecutionId": id,
            "DocumentName": asked["DocumentName"],
            "Parameters": asked["Parameters"],
            "AutomationExecutionStatus": "InProgress",
            "StepExecutions": [{"StepName": "validate", "StepStatus": "InProgress"}],
            "Outputs": {},
        }
        return {"AutomationExecutionId": id}

    def get(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.polls += 1
        found = self.executions.get(asked["AutomationExecutionId"])
        if found is None:
            raise Refusal("AutomationExecutionNotFoundException", "no such execution")
        return {"AutomationExecution": found}

    def end(self, status: str, outputs: Mapping[str, list[str]], *steps: Mapping[str, Any]) -> None:
        """The only execution there is ends so."""
        [one] = self.executions.values()
        one |= {"AutomationExecutionStatus": status, "Outputs": dict(outputs), "StepExecutions": list(steps)}
