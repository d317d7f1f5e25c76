"""Pods as facts and watches keep them: what each container's image has come to, and whose pods they are.

Reasons are kubelet's (k8s.io/kubernetes/pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from checks.redaction import redact

PULL_FAILURES = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
# kubelet creates a container once its image is there, so whatever is wrong here, it is not the pull.
_AFTER_THE_PULL = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
    }
)
_KINDS_OF_CONTAINER = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)
_CRON_JOBS_RUN = re.compile(r"(?P<name>.+)-(?P<minutes>\d{8,9})")
_LONGEST_LATENESS = timedelta(days=30)
_NODE_LABELS = (
    ("eks.amazonaws.com/nodegroup", "nodegroup"),
    ("karpenter.sh/nodepool", "nodepool"),
    ("kubernetes.azure.com/agentpool", "agentpool"),
    ("agentpool", "agentpool"),
)
_LONGEST_READ = 64 * 1024
_LONGEST_KEPT = 8 * 1024


class ImageState(Enum):
    """What became of a container's image."""

    FAILING = "cannot be pulled"
    AWAITED = "is not there yet"
    THERE = "was pulled"


@dataclass(frozen=True, slots=True)
class Container:
    """``state`` tells of its image. ``started``: when it first or last started, "" if it has not."""

    name: str
    image: str
    state: ImageState
    reason: str = ""
    message: str = ""
    started: str = ""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Pod:
    """``leaving``: it is being deleted. ``over``: it has run to its end, or was evicted."""

    namespace: str
    name: str
    uid: str
    workload: str
    owner: str
    node: str
    fargate_profile: str
    created: str
    leaving: bool
    over: bool
    containers: tuple[Container, ...]

    @property
    def failing(self) -> tuple[Container, ...]:
        if self.leaving or self.over:
            return ()
        return tuple(one for one in self.containers if one.state is ImageState.FAILING)


def pod(tree: Mapping[str, Any]) -> Pod:
    """What is worth keeping of a pod as the API gave it."""
    metadata, spec, status = (_block(tree, name) for name in ("metadata", "spec", "status"))
    labels = _block(metadata, "labels")
    owner, workload = _owners(metadata)
    return Pod(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        workload=workload,
        owner=owner,
        node=str(spec.get("nodeName") or ""),
        fargate_profile=str(labels.get("eks.amazonaws.com/fargate-profile") or ""),
        created=str(metadata.get("creationTimestamp") or ""),
        leaving=bool(metadata.get("deletionTimestamp")),
        over=status.get("phase") in ("Succeeded", "Failed"),
        containers=tuple(_containers(spec, status)),
    )


def host_kind(pod: Pod, node_labels: Mapping[str, Any]) -> str:
    """Hosts that pull with one identity: ``nodegroup/default``, ``fargate/fp``; ``node`` if nothing tells."""
    if pod.fargate_profile:
        return f"fargate/{pod.fargate_profile}"
    return next((f"{kind}/{node_labels[key]}" for key, kind in _NODE_LABELS if node_labels.get(key)), "node")


def moment(text: str) -> datetime:
    """A time of the API; the beginning of time for "" and for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def presentable(message: str) -> str:
    """A stranger's text without secrets, and short enough to be kept; the cause is often at its end."""
    return _shortened(redact(_shortened(message, _LONGEST_READ)), _LONGEST_KEPT)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    # Half a word could be half a secret, which nobody would recognise.
    end = text[-limit // 4 :]
    return f"{text[: limit * 3 // 4].rpartition(' ')[0]} … {end.partition(' ')[2]}"


def _containers(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Container]:
    """Of a pod that is new, kubelet has said nothing yet: its images are awaited."""
    for in_spec, in_status in _KINDS_OF_CONTAINER:
        states = {str(one.get("name")): one for one in status.get(in_status) or ()}
        for one in spec.get(in_spec) or ():
            name = str(one.get("name") or "")
            yield _container(name, str(one.get("image") or ""), states.get(name) or {})


def _container(name: str, image: str, status: Mapping[str, Any]) -> Container:
    state = _block(status, "state")
    waiting, running, ended = (_block(state, kind) for kind in ("waiting", "running", "terminated"))
    reason = str(waiting.get("reason") or "")
    restarts = int(status.get("restartCount") or 0)
    if reason in PULL_FAILURES:
        message = presentable(str(waiting.get("message") or ""))
        return Container(name, image, ImageState.FAILING, reason, message, restarts=restarts)
    # Of a container that was lost before it started, kubelet says "terminated" without a start.
    started = str(running.get("startedAt") or ended.get("startedAt") or "")
    there = bool(running or started or status.get("imageID") or reason in _AFTER_THE_PULL)
    return Container(
        name,
        image,
        ImageState.THERE if there else ImageState.AWAITED,
        reason,
        started=started,
        restarts=restarts,
    )


def _owners(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """The controller as it is named, and the workload that people know it by."""
    refs = [one for one in metadata.get("ownerReferences") or () if one.get("controller")]
    if not refs:
        bare = f"Pod/{metadata.get('name') or ''}"
        return bare, bare
    kind, name = str(refs[0].get("kind") or ""), str(refs[0].get("name") or "")
    own = f"{kind}/{name}"
    if kind == "ReplicaSet":
        template = str(_block(metadata, "labels").get("pod-template-hash") or "")
        if template and name.endswith(f"-{template}"):
            return own, f"Deployment/{name.removesuffix(f'-{template}')}"
    if kind == "Job" and (run := _CRON_JOBS_RUN.fullmatch(name)):
        # The digits are the minute that it was scheduled for (pkg/controller/cronjob/utils.go), so a date
        # in a job's own name is none: read as minutes, it was decades ago.
        created = moment(str(metadata.get("creationTimestamp") or ""))
        late = created - datetime.fromtimestamp(int(run["minutes"]) * 60, UTC)
        if timedelta(minutes=-2) < late < _LONGEST_LATENESS:
            return own, f"CronJob/{run['name']}"
    return own, own


def _block(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, Mapping) else {}
