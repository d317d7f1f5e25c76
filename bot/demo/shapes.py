"""Objects as a real API server would show them: what a controller or a kubelet writes, field for field."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Tree = dict[str, Any]
# No vowels and nothing that looks like something else (k8s.io/apimachinery, pkg/util/rand).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_TEMPLATE_HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def suffix() -> str:
    """The five letters at the end of a pod's name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def template_hash(template: Mapping[str, Any]) -> str:
    """Another for every pod template. (Kubernetes hashes otherwise; nobody can tell.)"""
    digest = hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).digest()
    return "".join(_ALPHABET[one % len(_ALPHABET)] for one in digest[:10])


def node(name: str, provider_id: str = "", labels: Mapping[str, str] | None = None) -> Tree:
    """A node that is ready and runs containerd on amd64."""
    own = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
    info = {
        "architecture": "amd64",
        "containerRuntimeVersion": "containerd://1.7.27",
        "kernelVersion": "6.1.141-155.222.amzn2023.x86_64",
        "kubeletVersion": "v1.34.1-eks-113cf36",
        "operatingSystem": "linux",
        "osImage": "Amazon Linux 2023",
    }
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": own | dict(labels or {})},
        "spec": {"providerID": provider_id} if provider_id else {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.1.10"}],
            "conditions": [ready | {"message": "kubelet is posting ready status"}],
            "nodeInfo": info,
        },
    }


def deployment(name: str, image: str, replicas: int = 1, namespace: str = "default") -> Tree:
    """One container, called as the deployment is."""
    labels = {"app": name}
    container = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def replica_set(owner: Tree, revision: int) -> Tree:
    template = owner["spec"]["template"]
    marked = template_hash(template)
    metadata = dict(template.get("metadata") or {})
    labels = {**(metadata.get("labels") or {}), _TEMPLATE_HASH: marked}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{owner['metadata']['name']}-{marked}",
            "namespace": owner["metadata"]["namespace"],
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [_owned_by(owner)],
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {**owner["spec"]["selector"]["matchLabels"], _TEMPLATE_HASH: marked}},
            "template": {**template, "metadata": {**metadata, "labels": labels}},
        },
    }


def pod(owner: Tree) -> Tree:
    """A pod of a ReplicaSet that nobody has assigned to a node yet."""
    template = owner["spec"]["template"]
    own = template.get("metadata") or {}
    name = f"{owner['metadata']['name']}-{suffix()}"
    metadata: Tree = {
        "name": name,
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "labels": own.get("labels") or {},
        "ownerReferences": [_owned_by(owner)],
    }
    if own.get("annotations"):
        metadata["annotations"] = own["annotations"]
    defaults = {"restartPolicy": "Always", "serviceAccountName": "default", "dnsPolicy": "ClusterFirst"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**defaults, **template["spec"]},
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def pod_status(pod: Tree, containers: list[Tree], ip: str, now: str) -> Tree:
    """What the kubelet says of a pod whose containers stand like that."""
    before = {one["type"]: one for one in pod["status"].get("conditions") or ()}
    unready = [one["name"] for one in containers if not one["ready"]]
    why: Tree = {}
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        why = {"reason": "ContainersNotReady", "message": message}
    wanted: tuple[tuple[str, str, Tree], ...] = (
        ("PodReadyToStartContainers", "True", {}),
        ("Initialized", "True", {}),
        ("Ready", "False" if unready else "True", why),
        ("ContainersReady", "False" if unready else "True", why),
        ("PodScheduled", "True", {}),
    )
    return {
        "phase": "Running" if any("running" in one["state"] for one in containers) else "Pending",
        "conditions": [_condition(before, now, *one) for one in wanted],
        "containerStatuses": containers,
        "hostIP": "10.0.1.10",
        "hostIPs": [{"ip": "10.0.1.10"}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "qosClass": "BestEffort",
        "startTime": pod["status"].get("startTime") or now,
    }


def waiting(container: Tree, reason: str, message: str = "") -> Tree:
    state = {"reason": reason} | ({"message": message} if message else {})
    return _container(container) | {"ready": False, "started": False, "state": {"waiting": state}}


def running(container: Tree, image_id: str, now: str) -> Tree:
    return _container(container) | {
        "containerID": f"containerd://{secrets.token_hex(32)}",
        "imageID": image_id,
        "ready": True,
        "started": True,
        "state": {"running": {"startedAt": now}},
    }


def is_ready(pod: Tree) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def owners(tree: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: Iterable[Mapping[str, Any]] = tree["metadata"].get("ownerReferences") or ()
    return found


def event(
    about: Tree, *, field: str, kind: str, reason: str, message: str, by: str, host: str, now: str
) -> Tree:
    """The first of its kind; whoever repeats it raises ``count``."""
    metadata = about["metadata"]
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "resourceVersion": metadata["resourceVersion"],
        "uid": metadata["uid"],
    }
    source = {"component": by} | ({"host": host} if host else {})
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{secrets.token_hex(8)}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": involved | ({"fieldPath": field} if field else {}),
        "type": kind,
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "eventTime": None,
        "source": source,
        "reportingComponent": by,
        "reportingInstance": host,
    }


def _owned_by(owner: Tree) -> Tree:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _container(container: Tree) -> Tree:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "lastState": {},
        "restartCount": 0,
    }


def _condition(before: Mapping[str, Tree], now: str, kind: str, status: str, why: Tree) -> Tree:
    old = before.get(kind)
    since = old["lastTransitionTime"] if old and old["status"] == status else now
    return {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since, **why}
