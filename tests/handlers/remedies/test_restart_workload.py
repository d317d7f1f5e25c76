"""When a restart is planned, and when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from checks.graph import Catalog
from checks.kubernetes.facts import Kube
from checks.kubernetes.pod_template import PodTemplate, Workload, workload
from checks.model import FailedPull, NotApplicable, NotFound, Symptom, Unavailable
from checks.resolve import Resolver
from handlers.remedies.kubernetes.restart_workload import restart_workload
from handlers.remedy import Plan, Refused

SINCE = "2026-01-01T03:00:00Z"
PULL = FailedPull(
    cluster="demo",
    namespace="shop",
    workload="Deployment/ui",
    container="ui",
    pods=("ui-1",),
    nodes=("n",),
    host_kind="node",
    image="r.example/ui:1",
    symptom=Symptom.FORBIDDEN,
    message="403 Forbidden",
    since=SINCE,
)


def plan(pull: FailedPull, restarted_at: str | None = "") -> Plan:
    owner: Workload = workload.fn(pull)
    template = None if restarted_at is None else PodTemplate(owner, restarted_at)
    [made] = restart_workload(pull, owner, template)
    return made


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_has_a_template_is_restarted(kind: str) -> None:
    made = plan(replace(PULL, workload=f"{kind}/ui"))
    assert made.digest == plan(replace(PULL, workload=f"{kind}/ui")).digest
    assert made.steps[0].diff().target == f"shop/{kind.lower()}/ui"
    assert not made.reversible


def test_a_bare_pod_is_left_alone() -> None:
    with pytest.raises(NotApplicable):
        plan(replace(PULL, workload="Pod/ui"), None)


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_a_job_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match="twice"):
        plan(replace(PULL, workload=f"{kind}/ui"), None)


def test_one_restart_for_the_same_pods_is_enough() -> None:
    with pytest.raises(Refused, match="already"):
        plan(PULL, SINCE)


def test_nothing_is_planned_on_what_could_not_be_read() -> None:
    with pytest.raises(Refused, match="could not be read"):
        plan(PULL, None)
    with pytest.raises(Refused, match="since when"):
        plan(replace(PULL, since=""))


class Api:
    """The port ``Kube`` with one Deployment."""

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if not path.endswith("/deployments/ui"):
            raise NotFound("NotFound")
        annotations = {"kubectl.kubernetes.io/restartedAt": SINCE}
        return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


async def test_the_template_is_read_from_the_cluster() -> None:
    async def read(pull: FailedPull) -> PodTemplate:
        found: PodTemplate = await Resolver(Catalog.load(), {FailedPull: pull, Kube: Api()}, {}).get(
            PodTemplate
        )
        return found

    assert (await read(PULL)).restarted_at == SINCE
    with pytest.raises(Unavailable, match="gone"):
        await read(replace(PULL, workload="Deployment/other"))
    with pytest.raises(NotApplicable):
        await read(replace(PULL, workload="Job/ui"))
