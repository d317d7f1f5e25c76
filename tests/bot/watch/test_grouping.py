"""Pods of one workload that fail alike on one kind of host are one pull."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.watch.grouping import grouped, steady
from bot.watch.pods import failures
from checks.kubernetes.pods import Pod, pod
from checks.model import FailedPull, Symptom
from tests.fakes import kubelet
from tests.fakes.kubelet import BACK_OFF, FORBIDDEN, IMAGE, QPS, Tree, of_deployment, waiting


def pulls(*trees: Tree, kinds: dict[str, str] | None = None) -> tuple[FailedPull, ...]:
    now = datetime(2026, 1, 1, 3, 10, tzinfo=UTC)
    found = [
        one for tree in trees for one in failures(pod(tree), (), as_of=now, stall_after=timedelta(minutes=5))
    ]

    def kind(one: Pod) -> str:
        return (kinds or {}).get(one.node, "node")

    return grouped("prod", found, kind)


def test_pods_of_one_workload_are_one_pull_with_the_message_that_tells_most() -> None:
    [pull] = pulls(
        of_deployment("web", 2, waiting("ErrImagePull", QPS), node="b", created="2026-01-01T03:02:00Z"),
        of_deployment("web", 3, waiting("ErrImagePull", FORBIDDEN), node="a", created="2026-01-01T03:01:00Z"),
        of_deployment(
            "web", 1, waiting("ImagePullBackOff", BACK_OFF), node="b", created="2026-01-01T03:03:00Z"
        ),
    )
    assert pull == FailedPull(
        cluster="prod",
        namespace="shop",
        workload="Deployment/web",
        container="app",
        pods=("web-6bc68cc94d-00001", "web-6bc68cc94d-00002", "web-6bc68cc94d-00003"),
        nodes=("a", "b"),
        host_kind="node",
        image=IMAGE,
        symptom=Symptom.FORBIDDEN,
        message=FORBIDDEN,
        since="2026-01-01T03:01:00Z",
    )


def test_workloads_namespaces_images_and_kinds_of_hosts_are_told_apart() -> None:
    failing = waiting("ErrImagePull", FORBIDDEN)
    found = pulls(
        of_deployment("web", 1, failing),
        of_deployment("web", 2, failing, node="arm-1"),
        of_deployment("web", 3, failing, namespace="test"),
        of_deployment("web", 4, failing, image="other:1"),
        of_deployment("api", 5, failing),
        kinds={"arm-1": "nodegroup/arm"},
    )
    assert len({pull.key for pull in found}) == 5
    assert [pull.workload for pull in found] == ["Deployment/api", *["Deployment/web"] * 4]


def test_two_containers_with_one_image_are_one_pull_named_after_the_first() -> None:
    tree = kubelet.pod(state=waiting("ErrImagePull", FORBIDDEN))
    tree["spec"]["containers"].insert(0, {"name": "zebra", "image": IMAGE})
    tree["status"]["containerStatuses"].append(kubelet.status("zebra", waiting("ErrImagePull", FORBIDDEN)))
    [pull] = pulls(tree)
    assert (pull.container, pull.pods) == ("app", ("web-1",))


def test_the_same_in_other_words_is_no_news() -> None:
    [pull] = pulls(kubelet.pod(state=waiting("ErrImagePull", f"{FORBIDDEN} (request 1)")))
    [again] = pulls(kubelet.pod(state=waiting("ErrImagePull", f"{FORBIDDEN} (request 2)")))
    assert steady(again, pull) == pull
    assert steady(again, None) == again


def test_another_cause_is_news() -> None:
    [pull] = pulls(kubelet.pod(state=waiting("ErrImagePull", FORBIDDEN)))
    [other] = pulls(kubelet.pod(state=waiting("ErrImagePull", kubelet.NOT_FOUND)))
    assert steady(other, pull) == other
    elsewhere = replace(pull, message=FORBIDDEN.replace("registry.example", "mirror.example"))
    assert steady(elsewhere, pull) == elsewhere
