"""Which pulls fail in a pod, and which of kubelet's words are believed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.watch.pods import Failure, Said, failures, is_told, said, worth_keeping
from checks.kubernetes.pods import pod
from checks.model import Symptom
from tests.fakes import kubelet
from tests.fakes.kubelet import BACK_OFF, FORBIDDEN, IMAGE, NOT_FOUND, QPS, Tree, waiting

LATER = datetime.fromisoformat("2026-01-01T03:10:00Z")
STALL = timedelta(minutes=5)


def at(minute: int, second: int = 0) -> str:
    return f"2026-01-01T03:{minute:02}:{second:02}Z"


def history(*events: Tree) -> list[Said]:
    return [one for event in events if (one := said(event)) is not None]


def fail(tree: Tree, *events: Tree, heard: Iterable[Said] | None = None) -> tuple[Failure, ...]:
    return failures(pod(tree), history(*events) if heard is None else heard, as_of=LATER, stall_after=STALL)


def only(tree: Tree, *events: Tree) -> tuple[Symptom, str]:
    [one] = fail(tree, *events)
    return one.symptom, one.message


# ---- which message


def test_a_newer_kubelet_tells_the_cause_in_the_status() -> None:
    told = f"{BACK_OFF}: ErrImagePull: {NOT_FOUND}"
    assert only(kubelet.pod(state=waiting("ImagePullBackOff", told))) == (Symptom.TAG_NOT_FOUND, told)


def test_an_older_kubelet_tells_it_in_an_event_only() -> None:
    tree = kubelet.pod(state=waiting("ImagePullBackOff", BACK_OFF))
    assert only(tree) == (Symptom.BACKOFF_ONLY, BACK_OFF)
    symptom, message = only(
        tree,
        kubelet.pulling(tree),
        kubelet.failed(tree, FORBIDDEN, at(1)),
        kubelet.event(tree, "Failed", "Error: ErrImagePull", at=at(1)),
        kubelet.event(tree, "BackOff", BACK_OFF, at=at(2)),
        kubelet.event(tree, "Failed", "Error: ImagePullBackOff", at=at(2)),
    )
    assert (symptom, message) == (Symptom.FORBIDDEN, f'Failed to pull image "{IMAGE}": {FORBIDDEN}')


def test_kubelets_throttling_hides_no_cause_that_was_told_before() -> None:
    tree = kubelet.pod(state=waiting("ErrImagePull", QPS))
    assert only(tree)[0] is Symptom.KUBELET_THROTTLED
    assert only(tree, kubelet.failed(tree, FORBIDDEN, at(1)))[0] is Symptom.FORBIDDEN


def test_kubelets_throttling_hides_no_text_that_nobody_understands() -> None:
    tree = kubelet.pod(state=waiting("ErrImagePull", QPS))
    assert only(tree, kubelet.failed(tree, "the moon is in the way", at(1)))[0] is Symptom.OTHER


def test_what_is_said_now_beats_what_was_said_then() -> None:
    tree = kubelet.pod(state=waiting("ErrImagePull", NOT_FOUND))
    assert only(tree, kubelet.failed(tree, FORBIDDEN, at(1)))[0] is Symptom.TAG_NOT_FOUND


NEVER = f'Container image "{IMAGE}" is not present with pull policy of Never'
NO_NAME = 'Failed to apply default image tag "UPPER": bad'


@pytest.mark.parametrize(
    ("reason", "event", "message", "symptom"),
    [
        ("InvalidImageName", "InspectFailed", NO_NAME, Symptom.INVALID_IMAGE_NAME),
        ("ErrImageNeverPull", "ErrImageNeverPull", NEVER, Symptom.NEVER_PULL),
        ("SignatureValidationFailed", "Failed", "Error: Signature...", Symptom.SIGNATURE_REJECTED),
        ("RegistryUnavailable", "Failed", "Error: RegistryUnavailable", Symptom.CONNECT_FAILED),
    ],
)
@pytest.mark.parametrize("in_status", [True, False])
def test_kubelets_reason_decides_where_it_is_plain(
    reason: str, event: str, message: str, symptom: Symptom, *, in_status: bool
) -> None:
    tree = kubelet.pod(state=waiting(reason, message if in_status else ""))
    assert only(tree, kubelet.event(tree, event, message))[0] is symptom


def test_words_about_another_container_or_an_older_image_are_not_believed() -> None:
    tree = kubelet.pod(state=waiting("ImagePullBackOff", BACK_OFF))
    other = kubelet.event(tree, "Failed", f'Failed to pull image "{IMAGE}": {FORBIDDEN}', container="side")
    older = kubelet.failed(tree, FORBIDDEN, image="registry.example/team/web:0.9")
    assert only(tree, other, older)[0] is Symptom.BACKOFF_ONLY


def test_a_missing_pull_secret_alone_is_no_failure_and_no_cause() -> None:
    tree = kubelet.pod(state=kubelet.running(), phase="Running")
    warning = kubelet.event(
        tree, "FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets"
    )
    assert fail(tree, warning) == ()
    denied = kubelet.pod(state=waiting("ErrImagePull", FORBIDDEN))
    assert only(denied, warning)[0] is Symptom.FORBIDDEN


def test_secrets_in_messages_are_not_kept() -> None:
    url = "https://s3.example/x?X-Amz-Signature=0123456789abcdef&x=1"
    tree = kubelet.pod(state=waiting("ErrImagePull", f"GET {url}: 403"))
    event = kubelet.failed(tree, f"GET {url}: 403 Forbidden")
    assert "0123456789abcdef" not in only(tree)[1]
    assert "0123456789abcdef" not in only(tree, event)[1]


# ---- which containers


def test_every_kind_of_container_can_fail() -> None:
    tree = kubelet.pod(state=kubelet.running(), phase="Running")
    failing = waiting("ErrImagePull", NOT_FOUND)
    tree["spec"]["initContainers"] = [
        {"name": "init", "image": "i"},
        {"name": "sidecar", "image": "s", "restartPolicy": "Always"},
    ]
    tree["status"]["initContainerStatuses"] = [
        kubelet.status("init", failing, "i"),
        kubelet.status("sidecar", failing, "s"),
    ]
    tree["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "d"}]
    tree["status"]["ephemeralContainerStatuses"] = [kubelet.status("debug", failing, "d")]
    assert [(one.container, one.image) for one in fail(tree)] == [
        ("init", "i"),
        ("sidecar", "s"),
        ("debug", "d"),
    ]


def test_of_two_containers_only_the_one_that_fails_is_told() -> None:
    tree = kubelet.pod(state=waiting("ImagePullBackOff", NOT_FOUND))
    tree["spec"]["containers"].append({"name": "good", "image": "g"})
    tree["status"]["containerStatuses"].append(kubelet.status("good", kubelet.running(), "g"))
    assert [one.container for one in fail(tree)] == ["app"]


@pytest.mark.parametrize(
    "reason",
    [
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "ContainerCreating",
        "PodInitializing",
    ],
)
def test_what_is_not_about_the_pull_is_never_told(reason: str) -> None:
    tree = kubelet.pod(state=waiting(reason, "back-off 2m40s restarting failed container"))
    noise = [
        kubelet.event(tree, "BackOff", "Back-off restarting failed container app in pod web-1"),
        kubelet.event(tree, "FailedMount", 'MountVolume.SetUp failed for volume "x"', container=""),
        kubelet.event(tree, "Failed", "Error: configmap not found", at=at(4)),
    ]
    assert fail(tree, *noise) == ()


def test_a_pod_that_no_node_takes_fails_no_pull() -> None:
    tree = kubelet.pod(node="")
    assert fail(tree, kubelet.event(tree, "FailedScheduling", "0/1 nodes are available", container="")) == ()


# ---- a pull that hangs


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pull_without_a_word_for_long_is_stalled(reason: str) -> None:
    tree = kubelet.pod(state=waiting(reason))
    assert only(tree, kubelet.pulling(tree, at(5))) == (Symptom.STALLED, "")
    assert fail(tree, kubelet.pulling(tree, at(5, 1))) == ()


@pytest.mark.parametrize(
    ("then", "message"),
    [
        ("Pulled", f'Successfully pulled image "{IMAGE}" in 3s'),
        ("Failed", f'Failed to pull image "{IMAGE}": {QPS}'),
        ("BackOff", BACK_OFF),
    ],
)
def test_a_pull_of_which_anything_was_heard_is_not_stalled(then: str, message: str) -> None:
    tree = kubelet.pod(state=waiting("ContainerCreating"))
    assert fail(tree, kubelet.pulling(tree, at(1)), kubelet.event(tree, then, message, at=at(2))) == ()


def test_a_pod_that_waits_for_its_volumes_is_not_stalled() -> None:
    tree = kubelet.pod(state=waiting("ContainerCreating"))
    assert fail(tree) == ()
    assert fail(tree, kubelet.event(tree, "FailedAttachVolume", "Multi-Attach error", container="")) == ()


def test_a_pull_that_came_through_is_not_stalled_whatever_events_are_left() -> None:
    tree = kubelet.pod(state=kubelet.running(), phase="Running")
    assert fail(tree, kubelet.pulling(tree, at(1))) == ()


# ---- what is kept of a history


def test_of_a_long_history_only_the_telling_and_the_last_event_are_kept() -> None:
    tree = kubelet.pod(state=waiting("ImagePullBackOff", BACK_OFF))
    long = history(
        kubelet.pulling(tree, at(0)),
        kubelet.failed(tree, FORBIDDEN, at(1)),
        *(kubelet.failed(tree, QPS, at(2, second)) for second in range(50)),
        *(kubelet.event(tree, "BackOff", BACK_OFF, at=at(3, second)) for second in range(50)),
        kubelet.event(tree, "Scheduled", "Successfully assigned", container=""),
    )
    kept = worth_keeping(long)
    assert len(kept) == 2
    assert worth_keeping(kept) == kept
    assert fail(tree, heard=kept) == fail(tree, heard=long)
    assert fail(tree, heard=kept)[0].symptom is Symptom.FORBIDDEN


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lastTimestamp": at(7)}, at(7)),
        ({"lastTimestamp": None, "eventTime": "2026-01-01T03:08:00.123456Z"}, "2026-01-01T03:08:00.123456Z"),
        ({"lastTimestamp": None, "series": {"lastObservedTime": at(9)}}, at(9)),
        ({"lastTimestamp": None, "metadata": {"creationTimestamp": at(6)}}, at(6)),
    ],
)
def test_an_event_was_said_when_it_was_last_said(fields: dict[str, Any], expected: str) -> None:
    told = said({**kubelet.pulling(kubelet.pod()), **fields})
    assert told is not None
    assert told.at == datetime.fromisoformat(expected)


def test_a_failure_without_a_cause_wants_its_events_read() -> None:
    [untold] = fail(kubelet.pod(state=waiting("ImagePullBackOff", BACK_OFF)))
    [told] = fail(kubelet.pod(state=waiting("ErrImagePull", FORBIDDEN)))
    assert not is_told(untold)
    assert is_told(told)
