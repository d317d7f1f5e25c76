"""The simulated API server over HTTP must answer as the real one does."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.demo.kubernetes_api import KubernetesApi
from bot.demo.shapes import deployment
from tests.bot.demo.rig import Client, pod

PODS = "/api/v1/namespaces/shop/pods"
WEB = "/apis/apps/v1/namespaces/default/deployments/web"


async def test_an_object_is_given_back_with_what_the_server_adds(api: KubernetesApi, client: Client) -> None:
    api.objects.put(pod("web-1"))
    status, found = await client.get(f"{PODS}/web-1")
    assert (status, found["kind"], found["apiVersion"]) == (200, "Pod", "v1")
    assert found["metadata"]["resourceVersion"] == str(api.objects.revision)
    assert found["metadata"]["creationTimestamp"].endswith("Z")
    assert found["metadata"]["uid"]


async def test_a_long_list_comes_in_pages_of_one_moment(api: KubernetesApi, client: Client) -> None:
    for number in range(5):
        api.objects.put(pod(f"web-{number}"))
    _, first = await client.get("/api/v1/pods", limit="2")
    api.objects.delete("pods", "web-3", "shop")
    api.objects.put(pod("web-9"))
    _, second = await client.get("/api/v1/pods", **{"limit": "2", "continue": first["metadata"]["continue"]})
    _, third = await client.get("/api/v1/pods", **{"limit": "2", "continue": second["metadata"]["continue"]})
    names = [one["metadata"]["name"] for page in (first, second, third) for one in page["items"]]
    assert names == ["web-0", "web-1", "web-2", "web-3", "web-4"]
    assert [page["metadata"].get("remainingItemCount") for page in (first, second, third)] == [3, 1, None]
    assert "continue" not in third["metadata"]
    assert first["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]
    assert first["kind"] == "PodList"
    assert "kind" not in first["items"][0]


async def test_a_page_after_a_compaction_is_refused_as_expired(api: KubernetesApi, client: Client) -> None:
    api.objects.put(pod("a"))
    api.objects.put(pod("b"))
    _, first = await client.get("/api/v1/pods", limit="1")
    api.compact()
    status, refused = await client.get("/api/v1/pods", **{"continue": first["metadata"]["continue"]})
    assert (status, refused["reason"]) == (410, "Expired")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"labelSelector": "app=web"}, ["a", "b"]),
        ({"labelSelector": "app==web,tier!=gold"}, ["b"]),
        ({"labelSelector": "app in (web, db),tier"}, ["a"]),
        ({"labelSelector": "app notin (web)"}, ["c", "d"]),
        ({"labelSelector": "!app"}, ["d"]),
        ({"labelSelector": "app!=web"}, ["c", "d"]),
        ({"fieldSelector": "status.phase=Running"}, ["c"]),
        ({"fieldSelector": "status.phase!=Running,metadata.namespace==shop"}, ["a", "b"]),
        ({"fieldSelector": "metadata.name=b", "labelSelector": "app=web"}, ["b"]),
        ({"fieldSelector": "spec.nodeName="}, ["a", "b", "c", "d"]),
    ],
)
async def test_selectors_select(
    api: KubernetesApi, client: Client, query: dict[str, str], names: list[str]
) -> None:
    api.objects.put(pod("a", app="web", tier="gold"))
    api.objects.put(pod("b", app="web"))
    api.objects.put(pod("c", phase="Running", app="db"))
    api.objects.put(pod("d", namespace="tools"))
    status, found = await client.get("/api/v1/pods", **query)
    assert status == 200
    assert [one["metadata"]["name"] for one in found["items"]] == names


async def test_events_are_selected_by_what_they_are_about(api: KubernetesApi, client: Client) -> None:
    for name, kind in (("web-1", "Warning"), ("web-1", "Normal"), ("web-2", "Warning")):
        api.objects.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.{kind.lower()}", "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "name": name, "namespace": "shop"},
                "type": kind,
                "reason": "Failed",
            }
        )
    _, found = await client.get(
        "/api/v1/events", fieldSelector="involvedObject.name=web-1,type!=Normal,reason=Failed"
    )
    assert [one["metadata"]["name"] for one in found["items"]] == ["web-1.warning"]


@pytest.mark.parametrize(
    "query", [{"fieldSelector": "spec.colour=red"}, {"labelSelector": "a ~ b"}, {"limit": "many"}]
)
async def test_a_query_that_means_nothing_is_a_bad_request(client: Client, query: dict[str, str]) -> None:
    status, refused = await client.get("/api/v1/pods", **query)
    assert (status, refused["kind"], refused["reason"]) == (400, "Status", "BadRequest")


async def test_a_watch_goes_on_from_a_list(api: KubernetesApi, client: Client) -> None:
    api.objects.put(pod("old"))
    _, listed = await client.get(PODS)
    api.objects.put(pod("new"))
    async with client.watch(PODS, resourceVersion=listed["metadata"]["resourceVersion"]) as watch:
        assert await watch.seen() == ("ADDED", "new")
        api.objects.put(pod("new", phase="Running"))
        assert await watch.seen() == ("MODIFIED", "new")
        api.objects.put(pod("elsewhere", namespace="tools"))
        api.objects.delete("pods", "old", "shop")
        event = await watch.next()
        assert event is not None
        assert (event[0], event[1]["metadata"]["name"]) == ("DELETED", "old")
        assert event[1]["metadata"]["resourceVersion"] == str(api.objects.revision)


async def test_a_watch_without_a_version_begins_with_what_is_there(
    api: KubernetesApi, client: Client
) -> None:
    api.objects.put(pod("a"))
    async with client.watch(PODS) as watch:
        assert await watch.seen() == ("ADDED", "a")


async def test_what_starts_and_stops_matching_comes_and_goes_for_the_watcher(
    api: KubernetesApi, client: Client
) -> None:
    version = api.objects.put(pod("a", app="db"))["metadata"]["resourceVersion"]
    async with client.watch(PODS, resourceVersion=version, labelSelector="app=web") as watch:
        api.objects.put(pod("a", app="web"))
        assert await watch.seen() == ("ADDED", "a")
        api.objects.put(pod("a", app="web", phase="Running"))
        assert await watch.seen() == ("MODIFIED", "a")
        api.objects.put(pod("a", app="db"))
        event = await watch.next()
        assert event is not None
        assert (event[0], event[1]["metadata"]["labels"]) == ("DELETED", {"app": "web"})


async def test_a_bookmark_moves_a_quiet_watch_on(api: KubernetesApi, client: Client) -> None:
    version = api.objects.put(pod("a"))["metadata"]["resourceVersion"]
    async with client.watch(PODS, resourceVersion=version, allowWatchBookmarks="true") as watch:
        api.objects.put(pod("b", namespace="tools"))
        api.send_bookmarks()
        event = await watch.next()
        assert event is not None
        assert (event[0], event[1]["kind"]) == ("BOOKMARK", "Pod")
        assert event[1]["metadata"]["resourceVersion"] == str(api.objects.revision)


async def test_a_watch_ends_when_its_time_is_over_with_a_bookmark_if_asked_for(client: Client) -> None:
    async with client.watch(PODS, timeoutSeconds="1", allowWatchBookmarks="true") as watch:
        assert (await watch.seen())[0] == "BOOKMARK"
        assert await watch.next() is None


async def test_a_version_that_was_forgotten_cannot_be_watched_from(
    api: KubernetesApi, client: Client
) -> None:
    version = api.objects.put(pod("a"))["metadata"]["resourceVersion"]
    api.objects.put(pod("b"))
    api.compact()
    status, refused = await client.get(PODS, watch="true", resourceVersion=version)
    assert (status, refused["code"], refused["reason"]) == (410, 410, "Expired")


async def test_a_running_watch_survives_a_compaction(api: KubernetesApi, client: Client) -> None:
    version = api.objects.put(pod("a"))["metadata"]["resourceVersion"]
    async with client.watch(PODS, resourceVersion=version, allowWatchBookmarks="true") as watch:
        api.send_bookmarks()
        assert (await watch.seen())[0] == "BOOKMARK"
        api.compact()
        api.objects.put(pod("b"))
        assert await watch.seen() == ("ADDED", "b")


async def test_a_running_watch_can_be_told_that_its_version_is_gone(
    api: KubernetesApi, client: Client
) -> None:
    async with client.watch(PODS, allowWatchBookmarks="true") as watch:
        api.end_watches(gone=True)
        event = await watch.next()
        assert event is not None
        assert (event[0], event[1]["code"], event[1]["reason"]) == ("ERROR", 410, "Expired")
        assert await watch.next() is None


async def test_a_server_that_stops_ends_its_watches(api: KubernetesApi, client: Client) -> None:
    async with client.watch(PODS) as watch:
        async with asyncio.timeout(5):
            await api.stop()
        assert await watch.next() is None


async def test_a_json_patch_changes_what_it_names_and_nothing_else(
    api: KubernetesApi, client: Client
) -> None:
    before = api.objects.put(deployment("web", "app:1"))
    status, found = await client.patch(
        WEB,
        [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": before["metadata"]["resourceVersion"],
            },
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a/b": "1"}},
            {"op": "replace", "path": "/spec/template/metadata/annotations/a~1b", "value": "2"},
            {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "x", "image": "x:1"}},
            {"op": "remove", "path": "/spec/template/spec/containers/0/imagePullPolicy"},
        ],
    )
    assert status == 200
    template = found["spec"]["template"]
    assert template["metadata"]["annotations"] == {"a/b": "2"}
    assert [one["name"] for one in template["spec"]["containers"]] == ["web", "x"]
    assert "imagePullPolicy" not in template["spec"]["containers"][0]
    assert found["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert int(found["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])


async def test_a_failed_test_refuses_the_whole_patch(api: KubernetesApi, client: Client) -> None:
    before = api.objects.put(deployment("web", "app:1"))
    status, refused = await client.patch(
        WEB,
        [
            {"op": "add", "path": "/metadata/labels/new", "value": "x"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        ],
    )
    assert (status, refused["reason"], refused["code"]) == (422, "Invalid", 422)
    assert api.objects.get("deployments", "web", "default") == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/metadata/labels/none"},
        {"op": "replace", "path": "/spec/none", "value": 1},
        {"op": "add", "path": "/spec/none/deeper", "value": 1},
        {"op": "add", "path": "/spec/template/spec/containers/7", "value": {}},
    ],
)
async def test_a_patch_of_what_is_not_there_is_invalid(
    api: KubernetesApi, client: Client, operation: dict[str, object]
) -> None:
    api.objects.put(deployment("web", "app:1"))
    assert (await client.patch(WEB, [operation]))[0] == 422


async def test_merge_patches_replace_lists_and_strategic_ones_merge_by_name(
    api: KubernetesApi, client: Client
) -> None:
    api.objects.put(deployment("web", "app:1"))
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "app:2"}]}}}}
    _, strategic = await client.patch(WEB, body, "strategic-merge-patch")
    [container] = strategic["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("app:2", "IfNotPresent")
    _, merged = await client.patch(WEB, body | {"metadata": {"labels": None}}, "merge-patch")
    assert merged["spec"]["template"]["spec"]["containers"] == [{"name": "web", "image": "app:2"}]
    assert "labels" not in merged["metadata"]


async def test_an_old_version_in_a_change_is_a_conflict(api: KubernetesApi, client: Client) -> None:
    old = api.objects.put(deployment("web", "app:1"))
    api.objects.put(deployment("web", "app:2"))
    status, refused = await client.call("PUT", WEB, old)
    assert (status, refused["reason"]) == (409, "Conflict")
    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}
    assert (await client.patch(WEB, stale, "merge-patch"))[0] == 409


async def test_a_change_that_changes_nothing_makes_no_new_version(api: KubernetesApi, client: Client) -> None:
    before = api.objects.put(deployment("web", "app:1"))
    _, after = await client.patch(WEB, {"metadata": {"labels": {"app": "web"}}}, "merge-patch")
    assert after == before


async def test_objects_are_created_once_and_deleted_once(api: KubernetesApi, client: Client) -> None:
    status, made = await client.call("POST", PODS, pod("a"))
    assert (status, made["metadata"]["namespace"]) == (201, "shop")
    assert (await client.call("POST", PODS, pod("a")))[1]["reason"] == "AlreadyExists"
    wrong = {"preconditions": {"uid": "another"}}
    assert (await client.call("DELETE", f"{PODS}/a", wrong))[0] == 409
    assert (await client.call("DELETE", f"{PODS}/a"))[0] == 200
    status, refused = await client.call("DELETE", f"{PODS}/a")
    assert (status, refused["message"]) == (404, 'pods "a" not found')


async def test_refusals_are_what_the_real_server_says(api: KubernetesApi, client: Client) -> None:
    api.objects.put(deployment("web", "app:1"))
    assert (await client.get("/apis/apps/v1/namespaces/x/deployments/none"))[1] == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "group": "apps", "kind": "deployments"},
        "code": 404,
    }
    assert (await client.get("/apis/metrics.k8s.io/v1beta1/pods"))[0] == 404
    assert (await client.call("DELETE", PODS))[1]["reason"] == "MethodNotAllowed"
    assert (await client.call("PATCH", WEB, {}, "application/json"))[1]["reason"] == "UnsupportedMediaType"
    assert (await client.patch(WEB, {"not": "a list"}))[1]["reason"] == "BadRequest"
    assert (await client.call("POST", PODS, deployment("x", "y")))[0] == 400


async def test_without_the_token_nobody_learns_anything(client: Client) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{client.url}/api/v1/pods", headers={"Authorization": "Bearer wrong"}) as answer,
    ):
        assert answer.status == 401
        assert (await answer.json())["reason"] == "Unauthorized"


async def test_what_is_served_can_be_found_out(client: Client) -> None:
    _, groups = await client.get("/apis")
    assert [one["name"] for one in groups["groups"]] == ["apps", "batch"]
    _, listed = await client.get("/apis/apps/v1")
    assert [one["name"] for one in listed["resources"]] == [
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
    ]
    assert (await client.get("/version"))[1]["major"] == "1"
