"""What is kept of a pod: whose it is, on what kind of host, and what became of each container's image."""

from __future__ import annotations

import pytest

from checks.kubernetes.pods import PULL_FAILURES, ImageState, host_kind, moment, pod, presentable
from tests.fakes import kubelet

# The minute 29453940 is 2026-01-01T03:00Z, when these pods were created.
MINUTE = 29453940


@pytest.mark.parametrize(
    ("owner", "labels", "workload"),
    [
        (None, {}, "Pod/web-1"),
        (("ReplicaSet", "web-6bc68cc94d"), {"pod-template-hash": "6bc68cc94d"}, "Deployment/web"),
        (("ReplicaSet", "a-b-6bc"), {"pod-template-hash": "6bc"}, "Deployment/a-b"),
        (("ReplicaSet", "web"), {}, "ReplicaSet/web"),
        (("ReplicaSet", "web-6bc"), {"pod-template-hash": "other"}, "ReplicaSet/web-6bc"),
        (("StatefulSet", "db"), {}, "StatefulSet/db"),
        (("DaemonSet", "agent"), {}, "DaemonSet/agent"),
        (("ReplicationController", "old"), {}, "ReplicationController/old"),
        (("Node", "ip-10-0-1-7"), {}, "Node/ip-10-0-1-7"),
        (("Rollout", "canary"), {}, "Rollout/canary"),
        (("Job", "load"), {}, "Job/load"),
        (("Job", f"nightly-{MINUTE}"), {}, "CronJob/nightly"),
        (("Job", f"nightly-{MINUTE - 600}"), {}, "CronJob/nightly"),  # the pod is a late retry
        (("Job", "report-20260101"), {}, "Job/report-20260101"),  # a date
        (("Job", f"x-{MINUTE + 100_000}"), {}, "Job/x-29553940"),
        (("Job", "x-99999999999999999999"), {}, "Job/x-99999999999999999999"),
    ],
)
def test_a_pod_belongs_to_what_people_deployed(
    owner: tuple[str, str] | None, labels: dict[str, str], workload: str
) -> None:
    assert pod(kubelet.pod(owner=owner, labels=labels)).workload == workload


def test_an_owner_that_does_not_control_the_pod_owns_nothing() -> None:
    tree = kubelet.pod(owner=("Backup", "b"))
    tree["metadata"]["ownerReferences"][0]["controller"] = False
    assert pod(tree).workload == "Pod/web-1"


@pytest.mark.parametrize(
    ("of_pod", "of_node", "kind"),
    [
        ({}, {}, "node"),
        ({}, {"eks.amazonaws.com/nodegroup": "default"}, "nodegroup/default"),
        ({}, {"karpenter.sh/nodepool": "general"}, "nodepool/general"),
        ({}, {"kubernetes.azure.com/agentpool": "sys", "agentpool": "sys"}, "agentpool/sys"),
        ({}, {"agentpool": "user"}, "agentpool/user"),
        ({"eks.amazonaws.com/fargate-profile": "fp"}, {}, "fargate/fp"),
    ],
)
def test_hosts_are_told_apart_by_who_pulls_on_them(
    of_pod: dict[str, str], of_node: dict[str, str], kind: str
) -> None:
    assert host_kind(pod(kubelet.pod(labels=of_pod)), of_node) == kind


@pytest.mark.parametrize("reason", sorted(PULL_FAILURES))
def test_these_reasons_mean_that_the_image_cannot_be_pulled(reason: str) -> None:
    [box] = pod(kubelet.pod(state=kubelet.waiting(reason, "why"))).failing
    assert (box.state, box.reason, box.message) == (ImageState.FAILING, reason, "why")


@pytest.mark.parametrize(
    "reason",
    [
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
    ],
)
def test_what_goes_wrong_after_the_pull_means_that_the_image_is_there(reason: str) -> None:
    [box] = pod(kubelet.pod(state=kubelet.waiting(reason, "boom"))).containers
    assert box.state is ImageState.THERE


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, ImageState.AWAITED),
        (kubelet.waiting("ContainerCreating"), ImageState.AWAITED),
        (kubelet.waiting("PodInitializing"), ImageState.AWAITED),
        (kubelet.running(), ImageState.THERE),
        (kubelet.ended(), ImageState.THERE),
        (kubelet.ended(code=1), ImageState.THERE),
    ],
)
def test_an_image_is_there_once_a_container_started(
    state: dict[str, object] | None, expected: ImageState
) -> None:
    assert [box.state for box in pod(kubelet.pod(state=state)).containers] == [expected]


def test_a_container_that_was_lost_before_it_started_had_no_image() -> None:
    tree = kubelet.pod(state=kubelet.ended(code=137))
    box = tree["status"]["containerStatuses"][0]
    box["imageID"], box["state"]["terminated"]["startedAt"] = "", None
    assert [one.state for one in pod(tree).containers] == [ImageState.AWAITED]


def test_a_pod_that_is_leaving_or_over_fails_no_more() -> None:
    failing = kubelet.waiting("ImagePullBackOff", "x")
    leaving, evicted = kubelet.pod(state=failing), kubelet.pod(state=failing, phase="Failed")
    leaving["metadata"]["deletionTimestamp"] = kubelet.T0
    assert pod(leaving).failing == pod(evicted).failing == ()


def test_a_message_of_megabytes_is_kept_short_with_its_end_and_without_secrets() -> None:
    key = "AKIA" + "A" * 16
    message = f"begin {key} " + "word " * 500_000 + f"{key} 403 Forbidden"
    kept = presentable(message)
    assert len(kept) < 9_000
    assert kept.startswith("begin …")
    assert kept.endswith("… 403 Forbidden")
    assert key not in kept


def test_a_secret_at_the_cut_is_not_kept_in_half() -> None:
    secret = "A" * 40_000
    assert "AAAA" not in presentable(
        f"GET https://x/?X-Amz-Signature={secret} " + "b" * 10 + " " + "c " * 20_000
    )


def test_times_are_compared_and_nonsense_is_long_ago() -> None:
    assert moment("2026-01-01T03:00:00.123456Z") > moment("2026-01-01T03:00:00Z") > moment("")
    assert moment("2026-01-01T03:00:00.123456789Z") > moment("2026-01-01T02:00:00+00:00") > moment("soon")
    assert moment("2026-01-01T03:00:00") == moment("2026-01-01T03:00:00Z")


def test_an_object_with_holes_is_read_as_far_as_it_goes() -> None:
    assert pod({}).workload == "Pod/"
    assert pod({"metadata": None, "spec": {"containers": None}, "status": None}).containers == ()
