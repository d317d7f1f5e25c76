"""Which pods ask for the image of a failed pull: its workload's, on hosts that pull as the same identity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import Container, Pod, host_kind, pod
from checks.model import FailedPull, NotFound

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "nodes", "get"), ("", "pods", "list"))
_PAGE = "500"


async def asking(pull: FailedPull, kube: Kube) -> tuple[Pod, ...]:
    """Pods that are leaving ask for nothing; a pod without a host may yet come to such a host.

    :raises Unavailable: pods, or a node that tells its kind, cannot be read
    """
    found: dict[str, Pod] = {}
    async for tree in pages(kube, f"/api/v1/namespaces/{pull.namespace}/pods"):
        one = pod(tree)
        if one.workload == pull.workload and not one.leaving and boxes(one, pull):
            found[one.uid] = one
    if pull.host_kind == "node":
        return tuple(found.values())
    unknown = {one.node for one in found.values() if one.node and not one.fargate_profile} - set(pull.nodes)
    labels = {name: await _labels(name, kube) for name in sorted(unknown)}
    return tuple(
        one
        for one in found.values()
        if not one.node
        or one.node in pull.nodes
        or host_kind(one, labels.get(one.node, {})) == pull.host_kind
    )


def boxes(pod: Pod, pull: FailedPull) -> list[Container]:
    """The containers that want it."""
    return [box for box in pod.containers if box.image == pull.image]


async def pages(kube: Kube, path: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
    """Every object of a list.

    :raises Unavailable: see ``Kube.get``; also when the server loses its place between two pages
    """
    token = ""
    while True:
        more = {"continue": token} if token else {}
        page = await kube.get(path, limit=_PAGE, **query, **more)
        for one in page.get("items") or ():
            yield one
        token = str((page.get("metadata") or {}).get("continue") or "")
        if not token:
            return


async def _labels(node: str, kube: Kube) -> Mapping[str, Any]:
    try:
        found = await kube.get(f"/api/v1/nodes/{node}")
    except NotFound:
        return {}
    return (found.get("metadata") or {}).get("labels") or {}
