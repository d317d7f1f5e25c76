"""The Kubernetes client against an API server on loopback, with a door in front that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bot.clouds._kube import KubeHands, KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.clouds._kube_errors import asked, refused
from bot.clouds.connect import connect
from bot.clouds.kubeconfig import Context
from bot.demo.kubernetes_api import KubernetesApi
from bot.watch.ports import Gone
from checks.kubernetes.facts import Kube
from checks.model import NotFound, Unavailable
from handlers.remedies.kubernetes.steps import JSON_PATCH, KubeWriter, RestartWorkload
from handlers.remedy import Conflict
from tests.fakes import kubelet
from tests.fakes.kube_front import CUT, DROP, HANG, SHORT, WEB_PAGE, Front, serve, write_kubeconfig

TOKEN = "only-for-this-test"
PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web"


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    served = KubernetesApi(token=TOKEN, bookmark_every=3600)
    yield served
    await served.stop()


@pytest.fixture
async def front(api: KubernetesApi) -> AsyncIterator[Front]:
    async with serve(await api.start()) as door:
        yield door


@pytest.fixture
async def connection(front: Front, tmp_path: Path) -> AsyncIterator[KubeConnection]:
    made = KubeConnection("prod", write_kubeconfig(tmp_path / "config", front.url, {"token": TOKEN}))
    yield made
    await made.close()


@pytest.fixture
def kube(connection: KubeConnection) -> KubeReader:
    return KubeReader(connection)


@pytest.fixture
def hands(connection: KubeConnection) -> KubeHands:
    return KubeHands(connection)


def deployment() -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "web"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }


async def names(kube: KubeReader, **query: str) -> list[str]:
    return [one["metadata"]["name"] async for one in kube.pages(PODS, **query)]


# ---- reading


async def test_an_object_comes_as_the_api_gave_it(kube: KubeReader, api: KubernetesApi) -> None:
    put = api.objects.put(kubelet.pod())
    assert await kube.get(f"{PODS}/web-1") == put
    assert kube.calls == 1


async def test_a_list_is_complete_whatever_the_paging(kube: KubeReader, api: KubernetesApi) -> None:
    for number in range(1203):
        api.objects.put(kubelet.pod(f"web-{number:04}"))
    assert await names(kube) == [f"web-{number:04}" for number in range(1203)]
    assert kube.calls == 3
    found, version = await kube.snapshot(PODS)
    assert len([one async for one in found]) == 1203
    assert version == str(api.objects.revision)


async def test_each_page_is_asked_for_with_the_same_selectors(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    for number in range(501):
        api.objects.put(kubelet.pod(f"web-{number:04}"))
    assert len(await names(kube, fieldSelector="status.phase=Pending")) == 501
    assert front.count("fieldSelector=", "limit=") == 2


async def test_selectors_are_the_servers(kube: KubeReader, api: KubernetesApi) -> None:
    api.objects.put(kubelet.pod("pending"))
    api.objects.put(kubelet.pod("runs", kubelet.running(), phase="Running"))
    assert await names(kube, fieldSelector="status.phase=Running") == ["runs"]


async def test_a_list_that_lost_its_place_begins_again(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    for number in range(600):
        api.objects.put(kubelet.pod(f"web-{number:04}"))
    front.trouble("continue=", status=410, times=1)
    assert set(await names(kube)) == {f"web-{number:04}" for number in range(600)}
    front.trouble("continue=", status=410)
    with pytest.raises(Unavailable, match="forgets faster than we can list pods in namespace shop"):
        await names(kube)


async def test_a_missing_object_is_an_answer(kube: KubeReader) -> None:
    with pytest.raises(NotFound) as found:
        await kube.get(f"{PODS}/nobody")
    assert found.value.code == "NotFound"
    assert 'pods "nobody" not found' in str(found.value)


@pytest.mark.parametrize(
    ("status", "path", "says"),
    [
        (403, PODS, "grant list on pods (see `pullbot permissions kubernetes`)"),
        (403, DEPLOYMENT, "grant get on deployments.apps"),
        (401, PODS, "does not accept our credentials to list pods in namespace shop"),
        (429, PODS, "too busy to list pods in namespace shop"),
        (404, PODS, "knows no such thing (404)"),
        (500, PODS, "answered 500 when asked to list pods in namespace shop"),
        (503, "/api/v1/nodes/n", "answered 503 when asked to get nodes n"),
        (DROP, PODS, "cannot be reached to list pods in namespace shop"),
        (CUT, PODS, "cannot be reached to list pods in namespace shop"),
        (WEB_PAGE, PODS, "no Kubernetes API server"),
    ],
)
async def test_whatever_is_no_answer_is_unavailable(
    status: int, path: str, says: str, kube: KubeReader, front: Front
) -> None:
    front.trouble("GET", path, status=status)
    with pytest.raises(Unavailable) as why:
        await kube.get(path)
    assert says in str(why.value)


async def test_a_denial_repeats_who_was_denied(kube: KubeReader, front: Front) -> None:
    denied = 'pods is forbidden: User "system:serviceaccount:pullbot:pullbot" cannot list resource "pods"'
    front.trouble("GET", status=403, message=denied)
    with pytest.raises(Unavailable, match="system:serviceaccount:pullbot:pullbot"):
        await kube.get(PODS)


async def test_a_server_that_never_answers_is_not_waited_for(
    connection: KubeConnection, front: Front
) -> None:
    front.trouble("GET", status=HANG)
    with pytest.raises(Unavailable, match="did not answer in time when asked to list pods"):
        await KubeReader(connection, patience=0.05).get(PODS)


async def test_a_server_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    nowhere = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:9", {})
    connection = KubeConnection("prod", nowhere)
    with pytest.raises(Unavailable) as why:
        await KubeReader(connection).reach()
    await connection.close()
    assert str(why.value) == (
        "the API server http://127.0.0.1:9 cannot be reached to get /version (Connection refused); "
        "is the cluster up, and is it the right context?"
    )


async def test_a_server_that_is_there_is_reached(kube: KubeReader) -> None:
    await kube.reach()


# ---- watching


async def test_a_watch_tells_what_changed_since(kube: KubeReader, api: KubernetesApi) -> None:
    seen: list[tuple[str, str]] = []
    version = str(api.objects.revision)
    api.objects.put(kubelet.pod("web-1"))
    big = kubelet.pod("web-2", kubelet.waiting("ErrImagePull", "x" * 400_000))
    api.objects.put(big)  # longer than what aiohttp reads as one line
    async with asyncio.timeout(5), aclosing(kube.watch(PODS, version)) as events:
        async for event in events:
            seen.append((event["type"], event["object"]["metadata"].get("name", "")))
            if len(seen) == 2:
                api.objects.delete("pods", "web-1", "shop")
            if len(seen) == 3:
                api.send_bookmarks()
            if event["type"] == "BOOKMARK":
                break
    assert seen == [("ADDED", "web-1"), ("ADDED", "web-2"), ("DELETED", "web-1"), ("BOOKMARK", "")]


async def test_a_version_that_is_forgotten_is_told_both_ways(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    async def watch(version: str) -> None:
        async with asyncio.timeout(5), aclosing(kube.watch(PODS, version)) as events:
            async for _ in events:
                api.end_watches(gone=True)

    api.objects.put(kubelet.pod("web-1"))
    with pytest.raises(Gone):  # as an event
        await watch("1")
    api.compact()
    with pytest.raises(Gone):  # as a status
        await watch("1")


@pytest.mark.parametrize("how", [CUT, SHORT])
async def test_a_watch_that_breaks_is_unavailable_and_not_over(
    how: int, kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    api.objects.put(kubelet.pod("web-1"))
    front.trouble("watch=true", status=how)
    with pytest.raises(Unavailable, match="watch pods in namespace shop"):
        async for _ in kube.watch(PODS, "1"):
            pass


# ---- writing


async def test_who_reads_cannot_write() -> None:
    connected = await connect(Context("prod", "default"))
    reads = connected.roots[Kube]
    writes = connected.hands[KubeWriter]
    await connected.close()
    assert not hasattr(reads, "patch")
    assert type(reads) is not type(writes)


async def test_a_restart_is_written_and_read_back(hands: KubeHands, api: KubernetesApi) -> None:
    api.objects.put(deployment())
    restart = RestartWorkload(DEPLOYMENT, "shop", "deployment", "web", "", "2026-01-01T03:00:00Z")
    await restart.write(hands)
    template = api.objects.get("deployments", "web", "shop")["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/restartedAt": "2026-01-01T03:00:00Z"
    }


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}],  # 422: somebody was faster
        [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}],  # 409
    ],
)
async def test_a_patch_of_something_else_than_was_read_is_a_conflict(
    patch: list[dict[str, str]], hands: KubeHands, api: KubernetesApi
) -> None:
    api.objects.put(deployment())
    changed = [*patch, {"op": "add", "path": "/spec/replicas", "value": "3"}]
    with pytest.raises(Conflict, match="patch deployments web in namespace shop"):
        await hands.patch(DEPLOYMENT, changed, JSON_PATCH)
    assert "replicas" not in api.objects.get("deployments", "web", "shop")["spec"]


async def test_a_denied_patch_names_the_rule_to_grant(hands: KubeHands, front: Front) -> None:
    front.trouble("PATCH", status=403)
    with pytest.raises(Unavailable, match=r"grant patch on deployments\.apps"):
        await hands.patch(DEPLOYMENT, [], JSON_PATCH)


# ---- words


def test_a_path_in_terms_of_rbac() -> None:
    assert str(asked("get", "/api/v1/pods")) == "list pods"
    assert str(asked("get", "/api/v1/namespaces")) == "list namespaces"
    assert str(asked("get", "/api/v1/namespaces/shop")) == "get namespaces shop"
    assert str(asked("watch", "/api/v1/events")) == "watch events"
    assert str(asked("patch", DEPLOYMENT)) == "patch deployments web in namespace shop"
    assert asked("patch", DEPLOYMENT).group == "apps"


def test_an_answer_is_shortened_and_holds_no_secret() -> None:
    body = json.dumps({"message": "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl " + "x" * 10_000})
    text = str(refused(500, body.encode(), asked("get", PODS)))
    assert "eyJ" not in text
    assert len(text) < 800
