"""Pulls that fail because of the node itself, or before anybody was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from checks.diagnose import judge
from checks.graph import Catalog, Check
from checks.image.facts import image, repository
from checks.kubernetes.facts import Kube, as_node, host, host_name, node
from checks.kubernetes.image_runs_elsewhere import image_runs_elsewhere
from checks.kubernetes.kubelet_is_not_throttled import kubelet_is_not_throttled
from checks.kubernetes.node_conditions import disk_events, suspect_node, suspect_state
from checks.kubernetes.node_has_room import node_has_room
from checks.kubernetes.proxy_lets_through import proxy_lets_through
from checks.kubernetes.pull_policy_allows_pull import pull_policy_allows_pull
from checks.kubernetes.runtime_is_ready import runtime_is_ready
from checks.kubernetes.scope import elsewhere, namespace, neighbours
from checks.kubernetes.signature_is_accepted import signature_is_accepted
from checks.model import SAYS_NOTHING, FailedPull, Finding, NotFound, Status, Symptom, Unavailable
from checks.resolve import Resolver
from tests.fakes import kubelet
from tests.fakes.kubelet import IMAGE

CHECKS = (
    image_runs_elsewhere,
    kubelet_is_not_throttled,
    node_has_room,
    proxy_lets_through,
    pull_policy_allows_pull,
    runtime_is_ready,
    signature_is_accepted,
)
CATALOG = Catalog.of(
    [
        host_name,
        node,
        host,
        suspect_node,
        suspect_state,
        disk_events,
        namespace,
        neighbours,
        elsewhere,
        image,
        repository,
    ],
    CHECKS,
)
PULL = FailedPull(
    cluster="prod",
    namespace="shop",
    workload="Deployment/web",
    container="app",
    pods=("web-1",),
    nodes=("node-1",),
    host_kind="node",
    image=IMAGE,
    symptom=Symptom.DISK_FULL,
    message="failed to extract layer sha256:0a: write /x: no space left on device: unknown",
)


def condition(kind: str, status: str, message: str = "") -> dict[str, str]:
    since = "2026-01-01T02:50:00Z"
    return {"type": kind, "status": status, "reason": "R", "message": message, "lastTransitionTime": since}


def a_node(*conditions: dict[str, str], taints: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": "node-1", "labels": {"kubernetes.io/arch": "arm64"}},
        "spec": {"taints": list(taints)},
        "status": {"conditions": list(conditions)},
    }


class Shelves:
    """A ``Kube``: one node, events and pods. ``None`` and names in ``barred`` may not be read."""

    def __init__(
        self, node: dict[str, Any] | None = None, *pods: Any, events: tuple[Any, ...] = (), more: bool = False
    ) -> None:
        self.node, self.pods, self.events, self.more = node, pods, events, more
        self.barred: set[str] = set()
        self.asked: list[str] = []

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        what = path.rpartition("/")[2]
        self.asked.append(path)
        if what in self.barred:
            raise Unavailable(f"{what} may not be read")
        if what == "node-1":
            if self.node is None:
                raise NotFound("NotFound")
            return self.node
        items = self.events if what == "events" else self.pods
        return {"metadata": {"continue": "there-is-more"} if self.more else {}, "items": items}


async def look(one: Check, pull: FailedPull, kube: Shelves | None) -> Finding | None:
    roots: dict[Any, object] = {FailedPull: pull, **({Kube: kube} if kube is not None else {})}
    return await judge(one, pull, Resolver(CATALOG, roots, {}))


def disk(message: str = "", **more: Any) -> dict[str, Any]:
    return a_node(condition("DiskPressure", "True", message), **more)


# ---- its disk


async def test_a_full_disk_is_told_with_what_the_node_reports_of_it() -> None:
    taint = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
    said = "wanted to free 900 bytes, but freed 0 bytes space with errors in image deletion"
    event = {
        "reason": "ImageGCFailed",
        "message": said,
        "lastTimestamp": "2026-01-01T03:00:00Z",
    }
    older = {**event, "message": "long ago", "lastTimestamp": "2026-01-01T01:00:00Z"}
    other = {**event, "reason": "Rebooted"}
    found = await look(node_has_room, PULL, Shelves(disk(taints=(taint,)), events=(event, older, other)))
    assert found is not None
    assert found.is_cause
    assert found.verdict.about == "node-1"
    assert found.verdict.evidence[:4] == (
        ("Node", "node-1"),
        ("DiskPressure", "True since 2026-01-01T02:50:00Z"),
        ("Taint", "node.kubernetes.io/disk-pressure:NoSchedule"),
        ("ImageGCFailed", said),
    )
    assert "no space left on device" in dict(found.verdict.evidence)["The node says"]


async def test_the_node_s_own_words_count_where_the_node_cannot_be_read() -> None:
    kube = Shelves(disk())
    kube.barred = {"node-1", "events"}
    found = await look(node_has_room, PULL, kube)
    assert found is not None
    assert found.is_cause
    assert [name for name, _ in found.verdict.evidence] == ["Node", "The node says"]


async def test_a_disk_that_has_room_by_now_was_full_all_the_same() -> None:
    found = await look(node_has_room, PULL, Shelves(a_node(condition("DiskPressure", "False"))))
    assert found is not None
    assert found.is_cause


@pytest.mark.parametrize("symptom", [one for one in Symptom if one in SAYS_NOTHING])
async def test_pressure_is_told_where_the_message_says_nothing(symptom: Symptom) -> None:
    kube = Shelves(disk("kubelet has disk pressure"))
    found = await look(node_has_room, replace(PULL, symptom=symptom, message=""), kube)
    assert found is not None
    assert found.verdict.status is Status.FAIL
    assert found.verdict.summary == "node-1 is under disk pressure: kubelet has disk pressure"


async def test_pressure_is_not_asked_about_where_a_registry_refused() -> None:
    kube = Shelves(disk())
    denied = replace(PULL, symptom=Symptom.FORBIDDEN, message="403 Forbidden")
    assert await look(node_has_room, denied, kube) is None
    assert not any(path.endswith("events") for path in kube.asked)


@pytest.mark.parametrize(
    ("status", "verdict"), [("False", Status.PASS), ("Unknown", Status.UNKNOWN), ("", Status.UNKNOWN)]
)
async def test_only_a_node_that_says_so_has_room(status: str, verdict: Status) -> None:
    pull = replace(PULL, symptom=Symptom.BACKOFF_ONLY, message="")
    found = await look(node_has_room, pull, Shelves(a_node(condition("DiskPressure", status))))
    assert found is not None
    assert found.verdict.status is verdict


async def test_a_node_that_cannot_be_read_is_unknown_and_one_that_says_nothing_is_left_out() -> None:
    pull = replace(PULL, symptom=Symptom.OTHER, message="strange")
    unreadable = Shelves(disk())
    unreadable.barred = {"node-1"}
    for kube in (unreadable, Shelves(None)):
        for one in (node_has_room, runtime_is_ready):
            found = await look(one, pull, kube)
            assert found is not None
            assert found.verdict.status is Status.UNKNOWN
    for one in (node_has_room, runtime_is_ready):
        assert await look(one, pull, Shelves(a_node())) is None


@pytest.mark.parametrize("one", CHECKS)
async def test_outside_of_kubernetes_nobody_asks_for_a_node(one: Check) -> None:
    if one not in {
        proxy_lets_through,
        pull_policy_allows_pull,
        signature_is_accepted,
        kubelet_is_not_throttled,
    }:
        assert await look(one, PULL, None) is None


@pytest.mark.parametrize("one", [node_has_room, runtime_is_ready, kubelet_is_not_throttled])
async def test_a_pod_without_a_node_has_no_node_to_blame(one: Check) -> None:
    assert await look(one, replace(PULL, nodes=()), Shelves(disk())) is None


async def test_of_several_nodes_the_one_that_said_it_is_told() -> None:
    pull = replace(PULL, nodes=("node-0", "node-1"))
    pods = (
        kubelet.of_deployment("web", 1, kubelet.waiting("ErrImagePull", "context canceled"), node="node-0"),
        kubelet.of_deployment("web", 2, kubelet.waiting("ErrImagePull", PULL.message), node="node-1"),
    )
    found = await look(node_has_room, pull, Shelves(disk(), *pods))
    assert found is not None
    assert found.verdict.about == "node-1"
    assert dict(found.verdict.evidence)["DiskPressure"].startswith("True")
    assert (
        dict(found.verdict.evidence)["Pods that cannot pull from registry.example"] == "2, on node-0, node-1"
    )


async def test_of_several_nodes_none_is_accused_where_none_is_known_to_have_said_it() -> None:
    pull = replace(PULL, nodes=("node-0", "node-1"))
    found = await look(node_has_room, pull, Shelves(disk()))
    assert found is not None
    assert found.verdict.summary.startswith("the disk of one of node-0, node-1 is full")


# ---- its runtime


async def test_a_runtime_that_is_down_is_told_in_the_node_s_words() -> None:
    message = 'connection error: desc = "transport: Error while dialing: dial unix /run/containerd.sock"'
    pull = replace(PULL, symptom=Symptom.RUNTIME_UNAVAILABLE, message=message)
    ready = condition("Ready", "False", "container runtime is down")
    found = await look(runtime_is_ready, pull, Shelves(a_node(ready)))
    assert found is not None
    assert found.is_cause
    assert found.verdict.evidence == (
        ("Node", "node-1"),
        ("Ready", "False since 2026-01-01T02:50:00Z: container runtime is down"),
        ("The node says", message),
    )


@pytest.mark.parametrize(
    ("status", "message", "verdict"),
    [
        ("False", "[container runtime is down, PLEG is not healthy: pleg was last seen 4m ago]", Status.FAIL),
        ("False", "PLEG is not healthy: pleg has yet to be successful", Status.FAIL),
        (
            "False",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady",
            Status.UNKNOWN,
        ),
        ("False", "node is shutting down", Status.UNKNOWN),
        ("Unknown", "Kubelet stopped posting node status.", Status.UNKNOWN),
        ("True", "kubelet is posting ready status", Status.PASS),
    ],
)
async def test_only_a_runtime_that_the_node_itself_names_is_at_fault(
    status: str, message: str, verdict: Status
) -> None:
    pull = replace(PULL, symptom=Symptom.STALLED, message="")
    found = await look(runtime_is_ready, pull, Shelves(a_node(condition("Ready", status, message))))
    assert found is not None
    assert found.verdict.status is verdict


async def test_many_checks_of_one_node_read_it_once() -> None:
    kube = Shelves(a_node(condition("Ready", "True"), condition("DiskPressure", "False")))
    pull = replace(PULL, symptom=Symptom.OTHER, message="")
    resolver = Resolver(CATALOG, {FailedPull: pull, Kube: kube}, {})
    for one in CHECKS:
        await judge(one, pull, resolver)
    assert kube.asked.count("/api/v1/nodes/node-1") == 1


# ---- its kubelet


async def test_an_image_that_may_not_be_pulled_is_told_with_where_it_runs() -> None:
    pull = replace(PULL, symptom=Symptom.NEVER_PULL, message=f'Container image "{IMAGE}" is not present')
    kube = Shelves(None, kubelet.pod("old", kubelet.running(), node="node-2"))
    found = await look(pull_policy_allows_pull, pull, kube)
    assert found is not None
    assert found.is_cause
    assert found.verdict.summary == (
        "imagePullPolicy of app is Never, and the image is not on the node node-1"
    )
    assert found.verdict.evidence == (
        ("Container", "shop/Deployment/web: app"),
        ("The same image runs in", "old on node-2"),
    )
    assert await look(pull_policy_allows_pull, PULL, kube) is None


async def test_a_pull_that_was_put_off_is_told_and_is_never_the_cause() -> None:
    pull = replace(PULL, symptom=Symptom.KUBELET_THROTTLED, message=kubelet.QPS)
    found = await look(kubelet_is_not_throttled, pull, Shelves())
    assert found is not None
    assert found.verdict.status is Status.FAIL
    assert not found.is_cause
    assert await look(kubelet_is_not_throttled, PULL, Shelves()) is None


async def test_a_proxy_is_told_in_the_node_s_words() -> None:
    pull = replace(
        PULL, symptom=Symptom.PROXY_ERROR, message="proxyconnect tcp: Proxy Authentication Required"
    )
    found = await look(proxy_lets_through, pull, Shelves())
    assert found is not None
    assert found.is_cause
    assert found.verdict.evidence == (("The node says", pull.message),)
    assert await look(proxy_lets_through, PULL, Shelves()) is None


async def test_a_signature_that_is_not_accepted_is_told_of_the_image() -> None:
    message = "Source image rejected: A signature was required, but no signature exists"
    pull = replace(PULL, symptom=Symptom.SIGNATURE_REJECTED, message=message)
    found = await look(signature_is_accepted, pull, Shelves())
    assert found is not None
    assert found.is_cause
    assert found.verdict.about == "registry.example/team/web"
    assert dict(found.verdict.evidence)["The node says"] == message
    assert await look(signature_is_accepted, PULL, Shelves()) is None


# ---- how far it reaches


async def test_what_runs_beside_it_and_what_else_fails_is_evidence() -> None:
    failing = kubelet.waiting("ErrImagePull", "no")
    kube = Shelves(
        None,
        kubelet.pod("web-1", failing),
        kubelet.pod("web-2", failing, image="registry.example/team/api:2", node="node-3"),
        kubelet.pod("web-3", kubelet.running(), node="node-2"),
        kubelet.pod("web-4", kubelet.running(), image="registry.example/team/web:0.9"),
        kubelet.pod("else", kubelet.running(), image="other.example/team/web:1.0"),
        kubelet.pod("bad", failing, image="r.example//"),
        more=True,
    )
    found = await look(image_runs_elsewhere, PULL, kube)
    assert found is not None
    assert found.verdict.status is Status.PASS
    assert found.verdict.summary == "the same image runs on another node, where it was pulled once"
    assert found.verdict.evidence == (
        ("The same image runs in", "web-3 on node-2"),
        ("Other tags of it run", "registry.example/team/web:0.9"),
        ("Pods that cannot pull from registry.example", "2, on node-1, node-3"),
    )
    assert kube.asked == ["/api/v1/namespaces/shop/pods"]  # one page, and no more


async def test_another_tag_alone_is_told_as_that_and_nothing_is_left_out() -> None:
    old = kubelet.pod("web-4", kubelet.running(), image="registry.example/team/web:0.9")
    found = await look(image_runs_elsewhere, PULL, Shelves(None, old))
    assert found is not None
    assert found.verdict.summary == "another tag of it runs in the namespace"
    assert await look(image_runs_elsewhere, PULL, Shelves(None)) is None
    unreadable = Shelves(None, old)
    unreadable.barred = {"pods"}
    assert await look(image_runs_elsewhere, PULL, unreadable) is None


def test_a_node_of_any_shape_is_read() -> None:
    assert as_node({}, "n").conditions == ()
    found = as_node(disk(taints=({"key": "a", "value": "b", "effect": "NoExecute"},)), "n")
    assert found.taints == ("a=b:NoExecute",)
    assert found.host.architecture == "arm64"
