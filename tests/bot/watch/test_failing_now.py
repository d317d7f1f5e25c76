"""``pullbot why``: what fails now, for every way to name it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clouds._kube import KubeReader
from bot.demo.objects import Objects
from bot.watch.kubernetes import NoSuchTarget, failing_now
from checks.host import Cluster
from checks.model import FailedPull, Symptom, Unavailable
from tests.fakes import kubelet
from tests.fakes.kube_front import Front
from tests.fakes.kubelet import BACK_OFF, FORBIDDEN, Tree, of_deployment, waiting

PROD = Cluster("prod")
DENIED = waiting("ErrImagePull", FORBIDDEN)


async def fails(kube: KubeReader, target: str = "", namespace: str = "shop") -> list[str]:
    return [pull.workload for pull in await failing_now(kube, PROD, namespace, target)]


def workload(kind: str, name: str, version: str = "apps/v1") -> Tree:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}}


async def test_everything_that_fails_in_a_namespace_or_anywhere(kube: KubeReader, objects: Objects) -> None:
    objects.put(of_deployment("web", 1, DENIED))
    objects.put(kubelet.pod("fine", kubelet.running(), phase="Running"))
    objects.put(kubelet.pod("debugged", DENIED, phase="Running", namespace="test"))
    assert await fails(kube) == ["Deployment/web"]
    assert await fails(kube, namespace="") == ["Deployment/web", "Pod/debugged"]


@pytest.mark.parametrize(
    "target",
    [
        "deploy/web",
        "deployment/web",
        "deployments/web",
        "deployments.apps/web",
        "Deployment/web",
        "rs/web-6bc68cc94d",
        "replicaset/web-6bc68cc94d",
        "pod/web-6bc68cc94d-00001",
        "po/web-6bc68cc94d-00001",
        "web-6bc68cc94d-00001",
    ],
)
async def test_a_target_in_each_of_kubectls_spellings(
    target: str, kube: KubeReader, objects: Objects
) -> None:
    objects.put(of_deployment("web", 1, DENIED))
    objects.put(of_deployment("api", 2, DENIED))
    assert await fails(kube, target) == ["Deployment/web"]


@pytest.mark.parametrize(
    ("target", "owner", "expected"),
    [
        ("sts/x", ("StatefulSet", "x"), "StatefulSet/x"),
        ("daemonsets.apps/x", ("DaemonSet", "x"), "DaemonSet/x"),
        ("job/x", ("Job", "x"), "Job/x"),
        ("cj/nightly", ("Job", "nightly-29453940"), "CronJob/nightly"),
        ("jobs.batch/nightly-29453940", ("Job", "nightly-29453940"), "CronJob/nightly"),
    ],
)
async def test_a_target_of_each_kind(
    target: str, owner: tuple[str, str], expected: str, kube: KubeReader, objects: Objects
) -> None:
    objects.put(kubelet.pod("x-1", DENIED, owner=owner))
    assert await fails(kube, target) == [expected]


async def test_a_target_that_does_not_fail_is_no_finding(kube: KubeReader, objects: Objects) -> None:
    objects.put(of_deployment("web", 1, kubelet.running(), phase="Running"))
    objects.put(workload("Deployment", "asleep"))  # no replicas
    assert await fails(kube, "deploy/web") == []
    assert await fails(kube, "deploy/asleep") == []
    assert await fails(kube, "web-6bc68cc94d-00001") == []


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("deploy/wep", "there is no deployment wep in namespace shop; did you mean deployment/web?"),
        ("web", "there is no pod web in namespace shop; did you mean deployment/web"),
        ("sts/web", "there is no statefulset web in namespace shop; did you mean deployment/web"),
        ("deploy/quite-another", "there is no deployment quite-another in namespace shop"),
        ("svc/web", "'svc' is no kind with pods that can be asked for; there are pod, deployment"),
        ("deploy/../../secrets", "'../../secrets' cannot be the name of a deployment"),
        ("deploy/", "'' cannot be the name of a deployment"),
        ("Web?limit=1", "'Web?limit=1' cannot be the name of a pod"),
    ],
)
async def test_a_target_that_is_not_there_is_told_with_what_is(
    target: str, says: str, kube: KubeReader, objects: Objects
) -> None:
    objects.put(of_deployment("web", 1, DENIED))
    with pytest.raises(NoSuchTarget) as why:
        await fails(kube, target)
    assert says in str(why.value)


async def test_a_namespace_that_is_not_there_is_no_good_news(kube: KubeReader, objects: Objects) -> None:
    objects.put(kubelet.pod(namespace="shop"))
    objects.delete("pods", "web-1", "shop")
    assert await fails(kube, namespace="shop") == []
    with pytest.raises(NoSuchTarget, match="there is no namespace shp"):
        await fails(kube, namespace="shp")
    with pytest.raises(NoSuchTarget, match="cannot be the name of a namespace"):
        await fails(kube, namespace="../x")
    with pytest.raises(NoSuchTarget, match="name it with -n"):
        await fails(kube, "deploy/web", namespace="")


@pytest.mark.parametrize("target", ["", "deploy/web", "web-1"])
async def test_a_cluster_that_cannot_be_seen_is_not_healthy(
    target: str, kube: KubeReader, front: Front
) -> None:
    front.trouble("pods", status=403)
    with pytest.raises(Unavailable, match="pods"):
        await fails(kube, target)


@pytest.mark.parametrize("pods", [1, 3, 25])
async def test_causes_are_read_from_events_where_the_status_tells_none(
    pods: int, kube: KubeReader, objects: Objects, front: Front
) -> None:
    for number in range(pods):
        put = objects.put(of_deployment(f"web{number}", number, waiting("ImagePullBackOff", BACK_OFF)))
        objects.put(kubelet.failed(put, FORBIDDEN))
    found = await failing_now(kube, PROD, "shop", "")
    assert [pull.symptom for pull in found] == [Symptom.FORBIDDEN] * pods
    assert front.count("/events") <= 3  # for many pods, once for all


async def test_events_that_nobody_needs_are_not_read(
    kube: KubeReader, objects: Objects, front: Front
) -> None:
    objects.put(of_deployment("web", 1, DENIED))
    objects.put(kubelet.pod("starts", waiting("ContainerCreating")))
    await failing_now(kube, PROD, "shop", "", stall_after=timedelta(days=10_000))
    assert front.count("/events") == 0


async def test_without_events_the_failure_is_told_nevertheless(
    kube: KubeReader, objects: Objects, front: Front
) -> None:
    objects.put(of_deployment("web", 1, waiting("ImagePullBackOff", BACK_OFF)))
    front.trouble("/events", status=403)
    [pull] = await failing_now(kube, PROD, "shop", "")
    assert pull.symptom is Symptom.BACKOFF_ONLY


async def test_a_pull_that_hangs_is_found(kube: KubeReader, objects: Objects) -> None:
    put = objects.put(of_deployment("web", 1, waiting("ContainerCreating")))
    objects.put(kubelet.pulling(put))
    [pull] = await failing_now(kube, PROD, "shop", "deploy/web")
    assert (pull.symptom, pull.message) == (Symptom.STALLED, "")


async def test_each_node_is_read_once_and_tells_the_kind_of_host(
    kube: KubeReader, objects: Objects, front: Front
) -> None:
    objects.put(kubelet.node("node-1", eks_amazonaws_com__nodegroup="default"))
    for number in range(4):
        objects.put(of_deployment("web", number, DENIED))
    objects.put(of_deployment("gone", 9, DENIED, node="node-gone"))
    objects.put(
        of_deployment("far", 8, DENIED, node="fargate-1", labels={"eks.amazonaws.com/fargate-profile": "fp"})
    )

    def kinds(pulls: tuple[FailedPull, ...]) -> dict[str, str]:
        return {pull.workload: pull.host_kind for pull in pulls}

    assert kinds(await failing_now(kube, PROD, "shop", "")) == {
        "Deployment/web": "nodegroup/default",
        "Deployment/gone": "node",
        "Deployment/far": "fargate/fp",
    }
    assert (front.count("/nodes/node-1"), front.count("/nodes/fargate-1")) == (1, 0)
