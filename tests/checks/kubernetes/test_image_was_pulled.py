"""What proves that a fix helped, and what proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from checks.diagnose import judge
from checks.graph import Catalog
from checks.kubernetes.facts import Kube
from checks.kubernetes.image_was_pulled import image_was_pulled, pulls_since
from checks.model import FailedPull, Finding, NotFound, Since, Status, Symptom, Unavailable
from checks.resolve import Resolver
from tests.fakes import kubelet
from tests.fakes.kubelet import IMAGE

BEFORE, FIX, AFTER = "2026-01-01T03:00:00Z", "2026-01-01T04:00:00+00:00", "2026-01-01T04:00:10Z"
DENIED = kubelet.waiting("ImagePullBackOff", f"{kubelet.BACK_OFF}: ErrImagePull: {kubelet.FORBIDDEN}")
STARTING = kubelet.waiting("ContainerCreating")
FIRST = "web-6bc68cc94d-00001"
PULL = FailedPull(
    cluster="prod",
    namespace="shop",
    workload="Deployment/web",
    container="app",
    pods=(FIRST,),
    nodes=("node-1",),
    host_kind="node",
    image=IMAGE,
    symptom=Symptom.FORBIDDEN,
    message=kubelet.FORBIDDEN,
    since=BEFORE,
)


class Shelves:
    """A ``Kube`` that gives lists in pages of two, and objects by path."""

    def __init__(self, *pods: Any, events: tuple[Any, ...] = (), nodes: tuple[Any, ...] = ()) -> None:
        self.lists = {"pods": pods, "events": events}
        self.nodes = {one["metadata"]["name"]: one for one in nodes}
        self.broken: set[str] = set()

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        what, _, name = path.removeprefix("/api/v1/").removeprefix("namespaces/shop/").partition("/")
        if what in self.broken:
            raise Unavailable(f"we may not list {what}")
        if what == "nodes":
            if name not in self.nodes:
                raise NotFound("NotFound")
            found: Mapping[str, Any] = self.nodes[name]
            return found
        start = int(query.get("continue", "0"))
        items = self.lists[what]
        more = {"continue": str(start + 2)} if start + 2 < len(items) else {}
        return {"metadata": more, "items": items[start : start + 2]}


async def look(kube: Shelves, pull: FailedPull = PULL, *, verifying: bool = True) -> Finding | None:
    catalog = Catalog.of([pulls_since], [image_was_pulled])
    since: dict[Any, object] = {Since: Since(FIX)} if verifying else {}
    return await judge(image_was_pulled, pull, Resolver(catalog, {Kube: kube, FailedPull: pull, **since}, {}))


async def verdict(kube: Shelves, pull: FailedPull = PULL) -> tuple[Status, str]:
    found = await look(kube, pull)
    assert found is not None
    return found.verdict.status, found.verdict.summary


def web(number: int, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return kubelet.of_deployment("web", number, state, **more)


async def test_the_verification_asks_for_it_as_proof_and_nobody_else_does() -> None:
    assert image_was_pulled.proof
    assert await look(Shelves(web(1, kubelet.running())), verifying=False) is None


async def test_a_pod_that_could_not_pull_and_runs_now_is_proof() -> None:
    assert await verdict(Shelves(web(1, kubelet.running(AFTER)))) == (
        Status.PASS,
        f"{IMAGE} was pulled after the fix",
    )


async def test_a_new_pod_that_runs_is_proof() -> None:
    assert (await verdict(Shelves(web(2, kubelet.running(AFTER), created=AFTER))))[0] is Status.PASS


async def test_a_job_that_has_run_through_since_is_proof() -> None:
    job = replace(PULL, workload="Job/load", pods=("load-a",))
    ran = kubelet.pod("load-b", kubelet.ended(AFTER), owner=("Job", "load"), created=AFTER, phase="Succeeded")
    assert (await verdict(Shelves(ran), job))[0] is Status.PASS


async def test_a_pod_that_crashes_after_the_pull_has_pulled() -> None:
    crashing = web(1, kubelet.waiting("CrashLoopBackOff", "back-off 40s"), restarts=2)
    assert (await verdict(Shelves(crashing)))[0] is Status.PASS


async def test_a_pod_created_before_the_fix_that_first_started_after_it_is_proof() -> None:
    assert (await verdict(Shelves(web(2, kubelet.running(AFTER)))))[0] is Status.PASS


@pytest.mark.parametrize("restarts", [0, 3])
async def test_a_pod_that_was_healthy_all_along_proves_nothing(restarts: int) -> None:
    started = AFTER if restarts else BEFORE  # a restart from the image that it has
    status, said = await verdict(Shelves(web(2, kubelet.running(started), restarts=restarts)))
    assert (status, said) == (
        Status.FAIL,
        f"no pod of Deployment/web has asked for {IMAGE} since the fix",
    )


async def test_a_healthy_pod_that_pulled_again_since_is_proof() -> None:
    healthy = web(2, kubelet.running(AFTER), restarts=3)
    assert (await verdict(Shelves(healthy, events=(kubelet.pulled(healthy, AFTER),))))[0] is Status.PASS


@pytest.mark.parametrize(
    ("at", "image"), [(BEFORE, IMAGE), (AFTER, "registry.example/team/web:2.0"), (AFTER, f"{IMAGE}-rc1")]
)
async def test_an_older_pull_or_one_of_another_image_is_no_proof(at: str, image: str) -> None:
    healthy = web(2, kubelet.running(BEFORE))
    kube = Shelves(healthy, events=(kubelet.pulled(healthy, at, image),))
    assert (await verdict(kube))[0] is Status.FAIL


async def test_an_image_that_was_there_already_is_no_pull() -> None:
    healthy = web(2, kubelet.running(BEFORE))
    present = kubelet.event(
        healthy, "Pulled", f'Container image "{IMAGE}" already present on machine', at=AFTER
    )
    assert (await verdict(Shelves(healthy, events=(present,))))[0] is Status.FAIL


async def test_pods_that_still_fail_say_so_in_kubelets_words() -> None:
    found = await look(Shelves(web(1, DENIED), web(2, DENIED, created=AFTER)))
    assert found is not None
    assert found.verdict.status is Status.FAIL
    assert found.verdict.summary == f"every pod of Deployment/web still cannot pull {IMAGE}"
    assert kubelet.FORBIDDEN in dict(found.verdict.evidence)["Message"]
    assert not found.is_cause


async def test_one_pod_that_pulled_does_not_hide_another_that_cannot() -> None:
    status, said = await verdict(Shelves(web(1, kubelet.running(AFTER)), web(2, DENIED), web(3, STARTING)))
    assert (status, said) == (Status.FAIL, f"some pods of Deployment/web still cannot pull {IMAGE}")


async def test_pods_that_merely_wait_have_pulled_nothing_yet() -> None:
    assert await verdict(Shelves(web(1, STARTING))) == (
        Status.FAIL,
        f"no pod has pulled {IMAGE} since the fix yet",
    )


async def test_some_that_pulled_are_enough_while_others_wait() -> None:
    kube = Shelves(web(1, kubelet.running(AFTER)), web(2, STARTING), web(3, STARTING))
    assert (await verdict(kube))[0] is Status.PASS


async def test_pods_of_others_and_pods_that_leave_say_nothing() -> None:
    other = kubelet.of_deployment("api", 1, kubelet.running(AFTER), created=AFTER)
    leaving = web(1, DENIED)
    leaving["metadata"]["deletionTimestamp"] = AFTER
    newer_image = web(3, kubelet.running(AFTER), created=AFTER, image="registry.example/team/web:2.0")
    assert (await verdict(Shelves(other, leaving, newer_image)))[0] is Status.FAIL
    kube = Shelves(other, leaving, newer_image, web(4, kubelet.running(AFTER), created=AFTER))
    assert (await verdict(kube))[0] is Status.PASS


async def test_hosts_that_pull_as_somebody_else_prove_nothing() -> None:
    pull = replace(PULL, host_kind="nodegroup/arm")
    nodes = (
        kubelet.node("node-2", eks_amazonaws_com__nodegroup="amd"),
        kubelet.node("node-3", eks_amazonaws_com__nodegroup="arm"),
    )
    elsewhere = web(2, kubelet.running(AFTER), created=AFTER, node="node-2")
    there = web(3, kubelet.running(AFTER), created=AFTER, node="node-3")
    assert (await verdict(Shelves(elsewhere, nodes=nodes), pull))[0] is Status.FAIL
    assert (await verdict(Shelves(elsewhere, there, nodes=nodes), pull))[0] is Status.PASS
    same_node = web(1, kubelet.running(AFTER))  # where the pull failed: of that kind, without asking
    assert (await verdict(Shelves(elsewhere, same_node), pull))[0] is Status.PASS


async def test_a_pod_that_was_evicted_fails_no_more() -> None:
    evicted, new = web(1, DENIED, phase="Failed"), web(2, kubelet.running(AFTER), created=AFTER)
    assert (await verdict(Shelves(evicted, new)))[0] is Status.PASS
    assert (await verdict(Shelves(evicted)))[0] is Status.FAIL


@pytest.mark.parametrize("what", ["pods", "nodes"])
async def test_what_cannot_be_read_is_unknown(what: str) -> None:
    kube = Shelves(web(2, kubelet.running(AFTER), created=AFTER, node="node-2"))
    kube.broken.add(what)
    status, said = await verdict(kube, replace(PULL, host_kind="nodegroup/arm"))
    assert (status, said) == (Status.UNKNOWN, f"we may not list {what}")


async def test_without_events_kubelets_status_decides() -> None:
    kube = Shelves(web(1, kubelet.running(AFTER)))
    kube.broken.add("events")
    assert (await verdict(kube))[0] is Status.PASS
    kube.lists["pods"] = (web(2, kubelet.running(BEFORE)),)
    assert (await verdict(kube))[0] is Status.FAIL
