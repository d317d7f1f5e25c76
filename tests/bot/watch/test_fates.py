"""Why a pull does not fail any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.clouds._kube import KubeReader
from bot.demo.objects import Objects
from bot.watch.kubernetes import Fate, failing_now, fate
from checks.host import Cluster
from checks.model import FailedPull, Unavailable
from tests.fakes import kubelet
from tests.fakes.kube_front import Front
from tests.fakes.kubelet import FORBIDDEN, Clock, of_deployment, waiting

DENIED = waiting("ImagePullBackOff", FORBIDDEN)


@pytest.fixture
async def pull(kube: KubeReader, objects: Objects) -> FailedPull:
    """Pod 1 of web cannot pull."""
    objects.put(of_deployment("web", 1, DENIED))
    [found] = await failing_now(kube, Cluster("prod"), "shop", "")
    return found


def replaced(objects: Objects, state: dict[str, Any], number: int = 2, **more: Any) -> None:
    objects.delete("pods", "web-6bc68cc94d-00001", "shop")
    objects.put(of_deployment("web", number, state, **more))


async def test_it_still_fails(kube: KubeReader, pull: FailedPull) -> None:
    assert await fate(kube, pull) is Fate.FAILING


async def test_the_pod_that_failed_runs_now(kube: KubeReader, objects: Objects, pull: FailedPull) -> None:
    objects.put(of_deployment("web", 1, kubelet.running(), phase="Running"))
    assert await fate(kube, pull) is Fate.PULLED


async def test_a_later_pod_got_the_image(
    kube: KubeReader, objects: Objects, pull: FailedPull, clock: Clock
) -> None:
    clock.set("2026-01-01T03:30:00Z")
    replaced(objects, kubelet.running())
    assert await fate(kube, pull) is Fate.PULLED


async def test_a_later_pod_only_waits(kube: KubeReader, objects: Objects, pull: FailedPull) -> None:
    replaced(objects, waiting("ContainerCreating"))
    assert await fate(kube, pull) is Fate.WAITING


async def test_a_later_pod_has_no_node_yet(kube: KubeReader, objects: Objects, pull: FailedPull) -> None:
    objects.delete("pods", "web-6bc68cc94d-00001", "shop")
    objects.put(kubelet.pod("web-6bc68cc94d-2", owner=("ReplicaSet", "web-6bc68cc94d"),
                            labels={"pod-template-hash": "6bc68cc94d"}, node=""))  # fmt: skip
    assert await fate(kube, replace(pull, host_kind="nodegroup/a")) is Fate.WAITING


async def test_nobody_asks_any_more(kube: KubeReader, objects: Objects, pull: FailedPull) -> None:
    objects.delete("pods", "web-6bc68cc94d-00001", "shop")
    assert await fate(kube, pull) is Fate.GONE


async def test_a_pod_that_was_evicted_asks_for_nothing(
    kube: KubeReader, objects: Objects, pull: FailedPull
) -> None:
    objects.put(of_deployment("web", 1, DENIED, phase="Failed"))
    assert await fate(kube, pull) is Fate.GONE
    objects.put(of_deployment("web", 1, waiting("ContainerCreating"), phase="Failed"))
    assert await fate(kube, pull) is Fate.GONE


async def test_another_image_was_rolled_out(kube: KubeReader, objects: Objects, pull: FailedPull) -> None:
    replaced(objects, kubelet.running(), image="registry.example/team/web:2.0")
    assert await fate(kube, pull) is Fate.GONE


async def test_only_pods_that_had_it_all_along_are_left(
    kube: KubeReader, objects: Objects, pull: FailedPull
) -> None:
    objects.put(of_deployment("web", 7, kubelet.running(), phase="Running"))  # as old as the one that failed
    objects.delete("pods", "web-6bc68cc94d-00001", "shop")
    assert await fate(kube, pull) is Fate.GONE


async def test_pods_elsewhere_say_nothing_of_hosts_of_this_kind(
    kube: KubeReader, objects: Objects, pull: FailedPull, clock: Clock
) -> None:
    objects.put(kubelet.node("node-2", eks_amazonaws_com__nodegroup="b"))
    clock.set("2026-01-01T03:30:00Z")
    replaced(objects, kubelet.running(), node="node-2")
    assert await fate(kube, replace(pull, host_kind="nodegroup/a")) is Fate.GONE
    assert await fate(kube, replace(pull, host_kind="nodegroup/b")) is Fate.PULLED


@pytest.mark.parametrize("what", ["/pods", "/nodes/node-2"])
async def test_what_cannot_be_read_is_not_guessed(
    what: str, kube: KubeReader, objects: Objects, front: Front, pull: FailedPull
) -> None:
    replaced(objects, kubelet.running(), node="node-2")
    front.trouble(what, status=503)
    with pytest.raises(Unavailable):
        await fate(kube, replace(pull, host_kind="nodegroup/a"))
