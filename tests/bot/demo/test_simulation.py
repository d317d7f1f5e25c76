"""Deployments, their pods, and a kubelet whose time the test lets pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo import shapes
from bot.demo.kubelet import Pace
from bot.demo.objects import Objects
from bot.demo.simulation import SimulatedCluster
from tests.bot.demo.rig import Clock, FakeRegistry, Tree, pod, until

IMAGE = "registry.example/app:1"
REFUSAL = f"{IMAGE}: no"


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
async def cluster(objects: Objects, registry: FakeRegistry, clock: Clock) -> AsyncIterator[SimulatedCluster]:
    running = SimulatedCluster(
        objects, shapes.node("node-1"), registry.pull, pace=Pace(1, 10, 40), pause=clock.pause
    )
    await running.start()
    yield running
    await running.stop()


def pods(objects: Objects, namespace: str = "default") -> list[Tree]:
    return objects.trees("pods", namespace)


def waits(tree: Tree) -> tuple[str, str]:
    """Why its container waits, and the message."""
    [status] = tree["status"].get("containerStatuses") or [{"state": {}}]
    waiting = status["state"].get("waiting") or {}
    return waiting.get("reason", ""), waiting.get("message", "")


def all_wait(objects: Objects, reason: str) -> bool:
    return bool(pods(objects)) and all(waits(one)[0] == reason for one in pods(objects))


def all_run(objects: Objects, number: int) -> bool:
    return sum(map(shapes.is_ready, pods(objects))) == len(pods(objects)) == number


def said(objects: Objects, reason: str) -> list[tuple[str, int]]:
    return [(one["message"], one["count"]) for one in objects.trees("events") if one["reason"] == reason]


async def test_a_deployment_has_pods_that_run(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    registry.images.add(IMAGE)
    objects.put(shapes.deployment("web", IMAGE, 3))
    await until(objects, lambda: all_run(objects, 3))
    [replica_set] = objects.trees("replicasets")
    assert replica_set["metadata"]["name"].startswith("web-")
    for one in pods(objects):
        assert one["metadata"]["name"].startswith(f"{replica_set['metadata']['name']}-")
        assert one["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert one["metadata"]["labels"]["pod-template-hash"] in replica_set["metadata"]["name"]
        assert one["spec"]["nodeName"] == "node-1"
        assert one["status"]["phase"] == "Running"
        assert one["status"]["containerStatuses"][0]["imageID"].startswith("registry.example/app@sha256:")
    await until(objects, lambda: ready_replicas(objects) == 3)
    assert said(objects, "Pulled")


def ready_replicas(objects: Objects) -> Any:
    return objects.get("deployments", "web", "default")["status"].get("readyReplicas", 0)


async def test_a_pull_that_fails_is_told_in_a_kubelets_words(
    objects: Objects, cluster: SimulatedCluster, clock: Clock
) -> None:
    objects.put(shapes.deployment("web", IMAGE))
    await until(objects, lambda: all_wait(objects, "ErrImagePull"))
    [failing] = pods(objects)
    assert waits(failing) == ("ErrImagePull", REFUSAL)
    assert failing["status"]["phase"] == "Pending"
    clock.pass_time()
    await until(objects, lambda: all_wait(objects, "ImagePullBackOff"))
    [failing] = pods(objects)
    assert waits(failing)[1] == f'Back-off pulling image "{IMAGE}": ErrImagePull: {REFUSAL}'
    failures = {
        f'Failed to pull image "{IMAGE}": {REFUSAL}',
        "Error: ErrImagePull",
        "Error: ImagePullBackOff",
    }
    assert {message for message, _ in said(objects, "Failed")} == failures
    assert said(objects, "BackOff") == [(f'Back-off pulling image "{IMAGE}"', 1)]
    assert said(objects, "Pulling") == [(f'Pulling image "{IMAGE}"', 1)]


async def test_the_back_off_doubles_up_to_its_longest_and_events_are_counted(
    objects: Objects, cluster: SimulatedCluster, clock: Clock
) -> None:
    objects.put(shapes.deployment("web", IMAGE))
    pauses = []
    for _ in range(4):
        await until(objects, lambda: all_wait(objects, "ErrImagePull"))
        clock.pass_time()
        await until(objects, lambda: all_wait(objects, "ImagePullBackOff"))
        pauses.append(clock.next_ends())
        clock.pass_time()
    await until(objects, lambda: said(objects, "Pulling") == [(f'Pulling image "{IMAGE}"', 5)])
    assert pauses == [10, 20, 40, 40]


async def test_a_pod_recovers_by_itself_when_the_registry_lets_it(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry, clock: Clock
) -> None:
    objects.put(shapes.deployment("web", IMAGE))
    await until(objects, lambda: all_wait(objects, "ErrImagePull"))
    clock.pass_time()
    await until(objects, lambda: all_wait(objects, "ImagePullBackOff"))
    [before] = pods(objects)
    registry.images.add(IMAGE)
    clock.pass_time()
    await until(objects, lambda: all_run(objects, 1))
    [after] = pods(objects)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert any(message.startswith("Successfully pulled image") for message, _ in said(objects, "Pulled"))


async def test_a_restart_replaces_the_pods_and_keeps_the_old_replica_set(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    objects.put(shapes.deployment("web", IMAGE, 2))
    await until(objects, lambda: all_wait(objects, "ErrImagePull"))
    old = {one["metadata"]["name"] for one in pods(objects)}
    registry.images.add(IMAGE)
    restart(objects, "now")
    await until(objects, lambda: all_run(objects, 2))
    assert old.isdisjoint(one["metadata"]["name"] for one in pods(objects))
    revisions = {
        one["metadata"]["annotations"][shapes.REVISION]: one["spec"]["replicas"]
        for one in objects.trees("replicasets")
    }
    assert revisions == {"1": 0, "2": 2}


async def test_pods_that_run_stay_until_others_take_over(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    registry.images.add(IMAGE)
    objects.put(shapes.deployment("web", IMAGE, 2))
    await until(objects, lambda: all_run(objects, 2))
    objects.put(shapes.deployment("web", "registry.example/app:broken", 2))
    await until(objects, lambda: len(pods(objects)) == 4)
    await until(objects, lambda: sum(waits(one)[0] == "ErrImagePull" for one in pods(objects)) == 2)
    assert sum(map(shapes.is_ready, pods(objects))) == 2
    objects.put(shapes.deployment("web", IMAGE, 2))
    await until(objects, lambda: all_run(objects, 2))
    newest = max(
        objects.trees("replicasets"), key=lambda one: one["metadata"]["annotations"][shapes.REVISION]
    )
    assert newest["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


def restart(objects: Objects, when: str) -> None:
    tree = objects.get("deployments", "web", "default")
    tree["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": when}
    objects.put(tree)


async def test_a_pod_that_is_deleted_is_replaced_until_its_deployment_goes(
    objects: Objects, cluster: SimulatedCluster
) -> None:
    objects.put(shapes.deployment("web", IMAGE))
    await until(objects, lambda: all_wait(objects, "ErrImagePull"))
    [first] = pods(objects)
    objects.delete("pods", first["metadata"]["name"], "default")
    await until(objects, lambda: all_wait(objects, "ErrImagePull"))
    [second] = pods(objects)
    assert second["metadata"]["name"] != first["metadata"]["name"]
    objects.delete("deployments", "web", "default")
    await until(objects, lambda: not pods(objects))
    assert objects.trees("replicasets") == []


async def test_a_pod_of_nobody_is_given_a_node_too(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    registry.images.add("app:1")
    objects.put(pod("alone"))
    await until(objects, lambda: shapes.is_ready(objects.get("pods", "alone", "shop")))
    assert said(objects, "Scheduled") == [("Successfully assigned shop/alone to node-1", 1)]


async def test_an_image_on_the_nodes_disk_is_not_pulled_again(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    registry.images.add(IMAGE)
    objects.put(shapes.deployment("web", IMAGE))
    await until(objects, lambda: all_run(objects, 1))
    objects.put(shapes.deployment("web", IMAGE, 2))
    await until(objects, lambda: all_run(objects, 2))
    assert registry.asked == [IMAGE]
    cluster.kubelet.forget_images()
    objects.put(shapes.deployment("web", IMAGE, 3))
    await until(objects, lambda: all_run(objects, 3))
    assert registry.asked == [IMAGE, IMAGE]


async def test_a_thousand_pods_ask_the_registry_once(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry, clock: Clock
) -> None:
    objects.put(shapes.deployment("many", IMAGE, 1000))
    await until(objects, lambda: len(pods(objects)) == 1000 and all_wait(objects, "ErrImagePull"))
    assert registry.asked == [IMAGE]
    clock.pass_time()
    await until(objects, lambda: all_wait(objects, "ImagePullBackOff"))
    registry.images.add(IMAGE)
    clock.pass_time()
    await until(objects, lambda: all_run(objects, 1000))
    assert registry.asked == [IMAGE, IMAGE]
    objects.delete("deployments", "many", "default")
    await until(objects, lambda: not pods(objects))


async def test_forgetting_history_does_not_confuse_the_controllers(
    objects: Objects, cluster: SimulatedCluster, registry: FakeRegistry
) -> None:
    registry.images.add(IMAGE)
    objects.put(shapes.deployment("web", IMAGE))
    objects.compact()
    await until(objects, lambda: all_run(objects, 1))
    objects.put(shapes.deployment("web", IMAGE, 2))
    objects.compact()
    await until(objects, lambda: all_run(objects, 2))
