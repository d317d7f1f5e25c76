"""What proves that another image, or other nodes, helped: rollout_has_image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from checks.diagnose import judge
from checks.graph import Catalog
from checks.kubernetes.facts import Kube
from checks.kubernetes.image_was_pulled import image_was_pulled, pulls_since
from checks.kubernetes.rollout_has_image import Given, rollout, rollout_has_image
from checks.model import FailedPull, Finding, Since, Status, Symptom, Unavailable
from checks.resolve import Resolver
from tests.fakes import kubelet
from tests.fakes.kubelet import IMAGE

NEW = "registry.example/team/web:0.9"
GIVEN = Given(("app",), NEW)
CATALOG = Catalog.of([rollout, pulls_since], [rollout_has_image, image_was_pulled])
PULL = FailedPull(
    cluster="prod",
    namespace="shop",
    workload="Deployment/web",
    container="app",
    pods=(),
    nodes=(),
    host_kind="node",
    image=NEW,
    symptom=Symptom.TAG_NOT_FOUND,
    message=kubelet.NOT_FOUND,
)
BACK_OFF = kubelet.waiting("ImagePullBackOff", "not found")
CREATING = kubelet.waiting("ContainerCreating")


class Pods:
    """A ``Kube`` that lists these; ``None``: it may not."""

    def __init__(self, *pods: Any | None) -> None:
        self.pods = pods

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if None in self.pods:
            raise Unavailable("pods of shop may not be listed")
        return {"items": self.pods}


def web(number: int, state: dict[str, Any], image: str = NEW, **more: Any) -> dict[str, Any]:
    return kubelet.of_deployment("web", number, state, image=image, **more)


async def look(*pods: Any, pull: FailedPull = PULL, given: Given = GIVEN) -> Finding:
    roots: dict[Any, object] = {FailedPull: pull, Given: given, Kube: Pods(*pods)}
    found = await judge(rollout_has_image, pull, Resolver(CATALOG, roots, {}))
    assert found is not None
    return found


async def status(*pods: Any, **more: Any) -> Status:
    return (await look(*pods, **more)).verdict.status


async def test_new_pods_that_have_the_image_are_proof_whatever_runs_from_before() -> None:
    found = await look(web(1, kubelet.running()), web(2, kubelet.running(), IMAGE), web(3, CREATING))
    assert found.verdict.status is Status.PASS
    assert found.verdict.summary == f"pods of Deployment/web have {NEW}, and none waits for another"


@pytest.mark.parametrize(
    ("pods", "summary"),
    [
        ((), "Deployment/web has no pod yet that asks for it"),
        ((web(1, CREATING),), "no pod has pulled it yet"),
        ((web(1, kubelet.running(), IMAGE),), "Deployment/web has no pod yet that asks for it"),
        ((web(1, kubelet.running()), web(2, BACK_OFF)), "new pods of Deployment/web cannot pull it"),
        (
            (web(1, kubelet.running()), web(2, BACK_OFF, IMAGE)),
            "pods of Deployment/web that cannot pull are not replaced yet",
        ),
    ],
)
async def test_nothing_else_is(pods: tuple[Any, ...], summary: str) -> None:
    found = await look(*pods)
    assert found.verdict.status is Status.FAIL
    assert found.verdict.summary.replace(NEW, "it") == summary


async def test_pods_that_leave_or_are_another_s_count_for_nothing() -> None:
    leaving = web(1, BACK_OFF, IMAGE)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T03:00:00Z"
    other = kubelet.of_deployment("other", 1, kubelet.running(), image=NEW)
    assert await status(leaving, other) is Status.FAIL
    assert await status(leaving, other, web(2, kubelet.running())) is Status.PASS


async def test_a_pod_has_to_ask_for_the_nodes_that_were_meant() -> None:
    given = replace(GIVEN, selector=(("kubernetes.io/arch", "arm64"),))
    old, new = web(1, kubelet.running()), web(2, kubelet.running())
    new["spec"]["nodeSelector"] = {"kubernetes.io/arch": "arm64", "disk": "ssd"}
    assert await status(old, given=given) is Status.FAIL
    assert await status(old, new, given=given) is Status.PASS


async def test_a_job_that_was_started_before_does_not_hide_that_the_next_one_pulled() -> None:
    cron = replace(PULL, workload="Job/load")
    old = kubelet.pod("load-a", BACK_OFF, owner=("Job", "load"), image=IMAGE)
    new = kubelet.pod("load-b", kubelet.ended(), owner=("Job", "load"), image=NEW, phase="Succeeded")
    assert await status(old, new, pull=cron) is Status.FAIL
    for one, minute in ((old, "29456340"), (new, "29456341")):
        one["metadata"]["ownerReferences"][0]["name"] = f"load-{minute}"
        one["metadata"]["creationTimestamp"] = "2026-01-02T19:01:02Z"
    assert await status(old, new, pull=replace(PULL, workload="CronJob/load")) is Status.PASS


async def test_pods_that_cannot_be_listed_are_unknown() -> None:
    assert await status(None) is Status.UNKNOWN


async def test_the_image_of_before_is_then_not_looked_for() -> None:
    roots: dict[Any, object] = {
        FailedPull: PULL, Given: GIVEN, Kube: Pods(), Since: Since("2026-01-01T03:00:00Z"),
    }  # fmt: skip
    assert await judge(image_was_pulled, PULL, Resolver(CATALOG, roots, {})) is None
    without = {kind: one for kind, one in roots.items() if kind is not Given}
    assert await judge(image_was_pulled, PULL, Resolver(CATALOG, without, {})) is not None
    assert await judge(rollout_has_image, PULL, Resolver(CATALOG, without, {})) is None
