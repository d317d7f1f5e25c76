"""A full disk, a misspelt host and the wrong kind of node, over HTTP: what is said, and what is offered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import Context
from bot.demo import shapes
from bot.demo.kubernetes_api import KubernetesApi
from bot.settings_clusters import Cluster
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.image.symptom import classify
from checks.model import FailedPull, Finding, Status, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import load_advice, load_remedies
from tests.fakes import kubelet
from tests.fakes.kube_front import Front, serve, write_kubeconfig

IMAGE = "registry.example/team/web:1.0"
FULL = (
    f'failed to pull and unpack image "{IMAGE}": failed to extract layer sha256:0a1b: write '
    "/var/lib/containerd/x: no space left on device: unknown"
)
TYPO = "contoso.azureacr.io/web:1"
NO_SUCH_HOST = (
    f'failed to pull and unpack image "{TYPO}": failed to resolve reference "{TYPO}": failed to do request: '
    'Head "https://contoso.azureacr.io/v2/web/manifests/1": dial tcp: lookup contoso.azureacr.io: no such '
    "host"
)


@dataclass
class Place:
    api: KubernetesApi
    front: Front
    connected: Connected
    pull: FailedPull | None = None

    def fails(self, image: str, message: str) -> None:
        deployment = shapes.deployment("web", image, namespace="shop")
        pod = kubelet.of_deployment("web", 1, kubelet.waiting("ErrImagePull", message), image=image)
        pod["spec"]["containers"][0]["name"] = deployment["spec"]["template"]["spec"]["containers"][0]["name"]
        for one in (deployment, pod):
            self.api.objects.put(one)
        self.pull = FailedPull(
            "prod", "shop", "Deployment/web", "web", (pod["metadata"]["name"],), ("node-1",), "node", image,
            classify(message).symptom, message,
        )  # fmt: skip

    def node(self, pressure: str) -> None:
        tree = shapes.node("node-1")
        tree["status"]["conditions"].append({"type": "DiskPressure", "status": pressure})
        self.api.objects.put(tree)

    def event(self, reason: str, message: str) -> None:
        about = {"kind": "Node", "name": "node-1"}
        self.api.objects.put({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": reason.lower(), "namespace": "default"},
            "involvedObject": about, "reason": reason, "message": message, "type": "Warning",
            "lastTimestamp": "2026-01-01T03:00:00Z",
        })  # fmt: skip

    async def look(self) -> tuple[dict[str, Finding], list[Offer]]:
        assert self.pull is not None
        catalog, memo, roots = Catalog.load(), Memo(), self.connected.roots
        found = [one async for one in diagnose(catalog, [self.pull], roots, memo)]
        offers = await offers_for(
            [self.pull], found, catalog=catalog, remedies=load_remedies(), roots=roots, memo=memo,
            advice=load_advice(),
        )  # fmt: skip
        return {one.check: one for one in found}, list(offers)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A cluster of nobody's cloud; registries are not asked."""
    api = KubernetesApi(token="only-here", bookmark_every=3600)
    async with serve(await api.start()) as front:
        where = write_kubeconfig(tmp_path / "config", front.url, {"token": "only-here"})
        monkeypatch.setenv("KUBECONFIG", where["KUBECONFIG"])
        connected = await connect(Context("prod", "shop"), Cluster(name="prod"))
        yield Place(api, front, connected)
        await connected.close()
    await api.stop()


def roots_of(found: dict[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(found.values()))]


def told(offers: list[Offer]) -> dict[str, Any]:
    return {one.remedy: one for one in offers}


async def test_a_full_disk_is_the_node_s_and_nobody_touches_the_registry(place: Place) -> None:
    place.node("True")
    place.event("ImageGCFailed", "wanted to free 900 bytes, but freed 0 bytes")
    place.fails(IMAGE, FULL)
    found, offers = await place.look()
    assert roots_of(found) == ["kubernetes/node_has_room"]
    evidence = dict(found["kubernetes/node_has_room"].verdict.evidence)
    assert evidence["DiskPressure"] == "True"
    assert evidence["ImageGCFailed"] == "wanted to free 900 bytes, but freed 0 bytes"
    [advice] = offers
    assert advice.remedy == "kubernetes/make_room"
    assert advice.plan is None
    assert advice.by_hand is not None
    assert advice.by_hand.commands[0] == "kubectl cordon node-1"


async def test_without_the_right_to_read_nodes_the_message_is_enough(place: Place) -> None:
    place.node("True")
    place.front.trouble("/nodes/", status=403)
    place.front.trouble("/events", status=403)
    place.fails(IMAGE, FULL)
    found, offers = await place.look()
    assert roots_of(found) == ["kubernetes/node_has_room"]
    assert not [one for one in offers if one.plan]
    assert [one.remedy for one in offers if one.by_hand] == ["kubernetes/make_room"]


async def test_without_the_right_to_read_nodes_a_silent_message_accuses_nobody(place: Place) -> None:
    place.node("True")
    place.front.trouble("/nodes/", status=403)
    place.fails(IMAGE, f'Back-off pulling image "{IMAGE}"')
    found, offers = await place.look()
    assert roots_of(found) == []
    assert found["kubernetes/node_has_room"].verdict.status is Status.UNKNOWN
    assert not [one for one in offers if one.plan]


async def test_a_misspelt_host_is_spelt_right_and_no_role_is_offered(place: Place) -> None:
    place.node("False")
    place.fails(TYPO, NO_SUCH_HOST)
    found, offers = await place.look()
    assert roots_of(found)[0] == "image/host_is_known"
    [plan] = [one for one in offers if one.plan]
    assert plan.remedy == "kubernetes/set_image"
    assert plan.plan is not None
    assert plan.plan.choice == "contoso.azurecr.io/web:1"
    assert "nobody has looked whether this image is there" in plan.plan.caution
    assert plan.plan.steps[0].commands() == (
        "kubectl set image deployment/web web=contoso.azurecr.io/web:1 -n shop",
    )
    assert not [one.remedy for one in offers if one.remedy.startswith(("aws/", "azure/"))]


async def test_a_workload_that_cannot_be_read_is_told_so_and_by_hand_it_can_be_set(place: Place) -> None:
    place.node("False")
    place.fails(TYPO, NO_SUCH_HOST)
    place.front.trouble("GET", "/deployments/web", status=403)
    _, offers = await place.look()
    assert not [one for one in offers if one.plan]
    assert told(offers)["kubernetes/set_image"].refused == "Deployment/web could not be read"
    advice = told(offers)["kubernetes/write_image"].by_hand
    assert advice.commands == ("kubectl set image deployment/web web=contoso.azurecr.io/web:1 -n shop",)


async def test_one_namespace_is_listed_once_for_all_its_pulls(place: Place) -> None:
    place.node("False")
    place.fails(IMAGE, FULL)
    catalog, memo, roots = Catalog.load(), Memo(), place.connected.roots
    assert place.pull is not None
    pulls = [replace(place.pull, workload=f"Deployment/web-{number}") for number in range(9)]
    async for _ in diagnose(catalog, pulls, roots, memo):
        pass
    assert place.front.count("GET /api/v1/namespaces/shop/pods?") == 1
    assert place.front.count("GET /api/v1/nodes/node-1") == 1
