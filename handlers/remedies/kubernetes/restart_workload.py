"""Restart what is waiting in back-off, once its cause is cured.

Kubelet tries again by itself, at most five minutes later; a restart only saves that wait, and it
replaces healthy pods too. So it cures nothing, and is offered after a fix, never instead of one.
"""

from __future__ import annotations

from checks.kubernetes.pod_template import PodTemplate, Workload
from checks.model import FailedPull, NotApplicable
from handlers.remedies.kubernetes.steps import RestartWorkload
from handlers.remedy import Plan, Refused, Risk, remedy


@remedy("Restart the workload", cures=None, risk=Risk.MEDIUM)
def restart_workload(pull: FailedPull, workload: Workload, template: PodTemplate | None) -> Plan:
    """The annotation's new value is the age of what fails, not the clock: the same plan, the same digest."""
    if workload.kind in ("Pod", "Node", ""):
        raise NotApplicable("a bare pod has no controller that would bring it back")
    if not workload.path:
        raise Refused(f"a {workload.kind} is not restarted: its work would run twice")
    if template is None:
        raise Refused(f"{workload.kind}/{workload.name} could not be read")
    if not pull.since:
        raise Refused("no pod says since when it fails, so a restart could not be told from the last one")
    if pull.since == template.restarted_at:
        raise Refused(f"{workload.kind}/{workload.name} was restarted for these pods already")
    step = RestartWorkload(
        path=workload.path,
        namespace=workload.namespace,
        kind=workload.kind.lower(),
        name=workload.name,
        before=template.restarted_at,
        after=pull.since,
    )
    return Plan((step,), caution="every pod of the workload is replaced, the healthy ones too")
