"""Pods, events and nodes in the shape that kubelet and the controllers give them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Tree = dict[str, Any]
T0 = "2026-01-01T03:00:00Z"
IMAGE = "registry.example/team/web:1.0"
NOT_FOUND = (
    f'rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
    f"failed to resolve reference: {IMAGE}: not found"
)
FORBIDDEN = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": pulling from host '
    "registry.example failed with status code [manifests 1.0]: 403 Forbidden"
)
BACK_OFF = f'Back-off pulling image "{IMAGE}"'
QPS = "pull QPS exceeded"


def waiting(reason: str, message: str = "") -> Tree:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(since: str = T0) -> Tree:
    return {"running": {"startedAt": since}}


def ended(since: str = T0, code: int = 0) -> Tree:
    reason = "Error" if code else "Completed"
    ran = {"startedAt": since, "finishedAt": since, "exitCode": code, "reason": reason}
    return {"terminated": ran}


def status(name: str, state: Mapping[str, Any], image: str = IMAGE, restarts: int = 0) -> Tree:
    there = "running" in state or "terminated" in state or restarts > 0
    return {
        "name": name,
        "image": image,
        "imageID": f"{image.rpartition(':')[0]}@sha256:{'a' * 64}" if there else "",
        "lastState": {},
        "ready": "running" in state,
        "restartCount": restarts,
        "started": "running" in state,
        "state": dict(state),
    }


def pod(
    name: str = "web-1",
    state: Mapping[str, Any] | None = None,
    *,
    namespace: str = "shop",
    image: str = IMAGE,
    phase: str = "Pending",
    node: str = "node-1",
    owner: tuple[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    created: str = T0,
    restarts: int = 0,
) -> Tree:
    """One container ``app``; ``state`` None: kubelet has not said anything yet."""
    metadata: Tree = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "creationTimestamp": created,
    }
    if labels:
        metadata["labels"] = dict(labels)
    if owner:
        kind, of = owner
        metadata["ownerReferences"] = [{"kind": kind, "name": of, "uid": f"uid-{of}", "controller": True}]
    tree: Tree = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "app", "image": image}]},
        "status": {"phase": phase},
    }
    if node:
        tree["spec"]["nodeName"] = node
    if state is not None:
        tree["status"]["containerStatuses"] = [status("app", state, image, restarts)]
    return tree


def of_deployment(name: str, number: int, state: Mapping[str, Any], **more: Any) -> Tree:
    template = "6bc68cc94d"
    labels = {"pod-template-hash": template, **more.pop("labels", {})}
    return pod(
        f"{name}-{template}-{number:05}",
        state,
        owner=("ReplicaSet", f"{name}-{template}"),
        labels=labels,
        **more,
    )


def event(
    about: Mapping[str, Any],
    reason: str,
    message: str,
    *,
    at: str = T0,
    container: str = "app",
    where: str = "containers",
) -> Tree:
    meta = about["metadata"]
    reference: Tree = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
    }
    if container:
        reference["fieldPath"] = f"spec.{where}{{{container}}}"
    number = abs(hash((meta["name"], reason, message, at, container))) % 10**12
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{number:x}", "namespace": meta["namespace"]},
        "involvedObject": reference,
        "reason": reason,
        "message": message,
        "type": "Normal" if reason in ("Pulling", "Pulled", "BackOff", "Created", "Started") else "Warning",
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "source": {"component": "kubelet", "host": "node-1"},
        "reportingComponent": "kubelet",
    }


def pulling(about: Mapping[str, Any], at: str = T0, image: str = IMAGE) -> Tree:
    return event(about, "Pulling", f'Pulling image "{image}"', at=at)


def pulled(about: Mapping[str, Any], at: str = T0, image: str = IMAGE) -> Tree:
    message = (
        f'Successfully pulled image "{image}" in 451ms (451ms including waiting). Image size: 840 bytes.'
    )
    return event(about, "Pulled", message, at=at)


def failed(about: Mapping[str, Any], cause: str, at: str = T0, image: str = IMAGE) -> Tree:
    return event(about, "Failed", f'Failed to pull image "{image}": {cause}', at=at)


def node(name: str = "node-1", **labels: str) -> Tree:
    named = {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()}
    metadata = {"name": name, "labels": {"kubernetes.io/arch": "amd64", **named}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": {}}


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self, at: str = T0) -> None:
        self.at = datetime.fromisoformat(at)

    def now(self) -> datetime:
        return self.at

    def set(self, at: str) -> None:
        self.at = datetime.fromisoformat(at).astimezone(UTC)
