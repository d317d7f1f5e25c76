"""Which nodes may the pod land on? By its nodeSelector and its required node affinity, as the scheduler reads
them (k8s.io/component-helpers/scheduling/corev1/nodeaffinity); taints are not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from checks.graph import fact
from checks.kubernetes.askers import pages
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, NotApplicable, NotFound, Symptom
from checks.registry.landing import Kind, Landing
from checks.registry.platform import Platform

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "nodes", "list"), ("", "pods", "get"))
_PODS_TRIED = 3
_Labels = Mapping[str, str]


@fact()
async def landing(pull: FailedPull, kube: Kube) -> Landing:
    if pull.symptom is not Symptom.PLATFORM_MISMATCH:
        raise NotApplicable("what nodes there are does not matter")
    spec = await _spec(pull, kube)
    found: Counter[Platform] = Counter()
    every = 0
    async for node in pages(kube, "/api/v1/nodes"):
        every += 1
        if is_ready(node) and may_land(spec, node):
            found[_platform(node)] += 1
    kinds = (Kind(platform, count) for platform, count in sorted(found.items(), key=lambda one: str(one[0])))
    return Landing(tuple(kinds), every)


async def _spec(pull: FailedPull, kube: Kube) -> Mapping[str, Any]:
    for name in pull.pods[:_PODS_TRIED]:
        try:
            tree = await kube.get(f"/api/v1/namespaces/{pull.namespace}/pods/{name}")
        except NotFound:
            continue
        return tree.get("spec") or {}
    raise NotApplicable("the pods that could not pull are gone")


def may_land(spec: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether the pod's own wishes allow the node, as the API gave both."""
    metadata = node.get("metadata") or {}
    labels: _Labels = metadata.get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    terms = required.get("nodeSelectorTerms") or ()
    fields = {"metadata.name": str(metadata.get("name") or "")}
    return any(_fits(one, labels, fields) for one in terms)


def _fits(term: Mapping[str, Any], labels: _Labels, fields: _Labels) -> bool:
    """All of a term's expressions; a term without any fits nothing."""
    wishes = [(one, labels) for one in term.get("matchExpressions") or ()]
    wishes += [(one, fields) for one in term.get("matchFields") or ()]
    return bool(wishes) and all(_meets(one, of) for one, of in wishes)


def _meets(wish: Mapping[str, Any], labels: _Labels) -> bool:
    key, values = str(wish.get("key") or ""), [str(one) for one in wish.get("values") or ()]
    there = key in labels
    match wish.get("operator"):
        case "In":
            return there and labels[key] in values
        case "NotIn":
            return not there or labels[key] not in values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
        case "Gt" | "Lt" as order:
            return there and _compares(labels[key], order, values)
        case _:
            return False


def _compares(label: str, order: str, values: list[str]) -> bool:
    try:
        mine, limit = int(label), int(values[0])
    except (ValueError, IndexError):
        return False
    return mine > limit if order == "Gt" else mine < limit


def is_ready(node: Mapping[str, Any]) -> bool:
    if (node.get("spec") or {}).get("unschedulable"):
        return False
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _platform(node: Mapping[str, Any]) -> Platform:
    labels = (node.get("metadata") or {}).get("labels") or {}
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return Platform.parse(
        {
            "os": info.get("operatingSystem") or labels.get("kubernetes.io/os"),
            "architecture": info.get("architecture") or labels.get("kubernetes.io/arch"),
            "os.version": labels.get("node.kubernetes.io/windows-build"),
        }
    )
