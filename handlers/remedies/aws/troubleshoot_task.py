"""Have AWS's own runbook look at the task that did not start: a second opinion, where there is no first.

It acts as a role of its own: it needs some forty permissions, to make roles among them, and the bot's own
role is never to have these. Without such a role it is shown as a command, for a person who may do all that.
"""

from __future__ import annotations

from datetime import timedelta

from checks.aws.ecs_shown import ShownTask
from handlers.remedies.aws.runbook_steps import AutomationRole, StartRunbook
from handlers.remedy import Plan, Refused, Risk, remedy

_CAUTION = (
    "it is not read-only: it may make a Lambda function in the VPC and a role for it "
    "(NetworkToolSSMRunbookExecution…), runs for up to half an hour, and may leave both behind. "
    "aws ssm stop-automation-execution ends it, and takes away nothing that it made"
)
_LACKS = "the cluster has no aws.automation_role, which the runbook would act as"
# It may wait half an hour for a network interface to go away, after it has looked.
_AT_MOST = timedelta(minutes=40)


@remedy("Ask AWS's own runbook", cures=None, risk=Risk.MEDIUM, asks=True)
def troubleshoot_task(task: ShownTask, role: AutomationRole | None) -> Plan:
    name = task.name
    if not task.shown:
        raise Refused(f"ECS does not show the task {name.id} any more, and the runbook has to see it")
    return Plan(
        (StartRunbook(name.region, name.cluster, name.id, role.arn if role else ""),),
        caution=_CAUTION,
        settles_in=_AT_MOST,
        lacks="" if role else _LACKS,
    )
