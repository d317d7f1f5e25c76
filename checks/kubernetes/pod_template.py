"""The pod template of the workload that fails: what a restart, or another image, would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.graph import fact
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, NotApplicable, NotFound, Unavailable

_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
# (API group, resource, verb), as RBAC wants them.
RBAC = (("apps", "daemonsets", "get"), ("apps", "deployments", "get"), ("apps", "statefulsets", "get"))
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True, slots=True)
class Workload:
    """What owns the failing pods. ``path``: its API path, or "" where it has no template to change."""

    kind: str
    namespace: str
    name: str
    path: str


@fact()
def workload(pull: FailedPull) -> Workload:
    kind, _, name = pull.workload.partition("/")
    plural = _PLURALS.get(kind)
    path = f"/apis/apps/v1/namespaces/{pull.namespace}/{plural}/{name}" if plural else ""
    return Workload(kind, pull.namespace, name, path)


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """``restarted_at``: the annotation of the last ``kubectl rollout restart``, or ""."""

    workload: Workload
    restarted_at: str


@fact()
async def pod_template(workload: Workload, kube: Kube) -> PodTemplate:
    if not workload.path:
        raise NotApplicable(f"a {workload.kind} has no pod template that could be changed")
    try:
        found = await kube.get(workload.path)
    except NotFound:
        raise Unavailable(f"{workload.kind}/{workload.name} is gone") from None
    return PodTemplate(workload, restarted_at(found))


def restarted_at(found: Mapping[str, Any]) -> str:
    """The annotation on the pod template of a workload as the API gave it, or ""."""
    metadata = found["spec"]["template"].get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(RESTARTED_AT, ""))
