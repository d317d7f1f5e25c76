"""What a workload's template asks for: the images of its containers, and where its pods may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.graph import fact
from checks.kubernetes.facts import Kube
from checks.kubernetes.pod_template import Workload
from checks.model import NotFound, Unavailable

# (API group, resource, verb), as RBAC wants them.
RBAC = (
    ("apps", "daemonsets", "get"),
    ("apps", "deployments", "get"),
    ("apps", "statefulsets", "get"),
    ("batch", "cronjobs", "get"),
)
GROUPS = ("initContainers", "containers")
# Who puts back what others change, by a label or an annotation that it leaves.
_KEEPERS = (
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("meta.helm.sh/release-name", "Helm"),
)


@dataclass(frozen=True, slots=True)
class Template:
    """``path`` is the workload's API path, "" where it has no template that may be changed.

    ``images``: of each container, by name. ``keeper``: who made the workload and may put back what others
    change, or "". ``waits``: why its pods are not replaced by themselves, or "".
    """

    workload: Workload
    path: str
    images: tuple[tuple[str, str], ...] = ()
    selector: tuple[tuple[str, str], ...] = ()
    keeper: str = ""
    waits: str = ""


@fact()
async def template(workload: Workload, kube: Kube) -> Template:
    path = workload.path
    if workload.kind == "CronJob":
        path = f"/apis/batch/v1/namespaces/{workload.namespace}/cronjobs/{workload.name}"
    if not path:
        return Template(workload, "")
    try:
        found = await kube.get(path)
    except NotFound:
        raise Unavailable(f"{workload.kind}/{workload.name} is gone") from None
    spec = pod_spec(found)
    return Template(
        workload,
        path,
        images=tuple((str(one.get("name")), str(one.get("image"))) for _, one in containers(spec)),
        selector=tuple(sorted(selector_of(spec).items())),
        keeper=_keeper(found.get("metadata") or {}),
        waits=_waits(workload.kind, found.get("spec") or {}),
    )


def root_of(kind: str) -> str:
    """Where the pods' spec is in a workload of this kind, as a JSON pointer."""
    of_job = "/spec/jobTemplate" if kind.lower() == "cronjob" else ""
    return f"{of_job}/spec/template/spec"


def pod_spec(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pods' spec of a workload as the API gave it."""
    for name in root_of("cronjob" if "jobTemplate" in (found.get("spec") or {}) else "").split("/")[1:]:
        found = found.get(name) or {}
    return found


def containers(spec: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Each container with where it is in the spec: ``containers/0``."""
    return [(f"{group}/{place}", one) for group in GROUPS for place, one in enumerate(spec.get(group) or ())]


def selector_of(spec: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in (spec.get("nodeSelector") or {}).items()}


def _keeper(metadata: Mapping[str, Any]) -> str:
    marks = {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
    return next((name for mark, name in _KEEPERS if mark in marks), "")


def _waits(kind: str, spec: Mapping[str, Any]) -> str:
    strategy = (spec.get("updateStrategy") or {}).get("type")
    if kind == "CronJob":
        return "jobs that were started keep what they have; the next run has the new one"
    if strategy == "OnDelete":
        return f"this {kind} replaces no pod by itself: its pods have to be deleted"
    if kind == "StatefulSet":
        # https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
        return "a StatefulSet may not replace a pod that never became ready: it then has to be deleted"
    return "the rollout is paused, and has to be resumed" if spec.get("paused") else ""
