"""The port to a cluster's API server, and what it says about the host and the pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from checks.graph import fact
from checks.host import Host
from checks.model import FailedPull, NotApplicable, NotFound, Unavailable

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "nodes", "get"),)


class Kube(Protocol):
    """Read-only Kubernetes. One method, so that a fake is ten lines.

    ``path`` is an API path such as ``/api/v1/nodes/ip-10-0-1-7``; the answer is the decoded object.

    :raises NotFound: the API server answered 404.
    :raises Unavailable: 401, 403, 429, 5xx, timeouts; the message names verb, resource and namespace.
    """

    async def get(self, path: str, **query: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class HostName:
    """The node that is looked at; a fact of its own so that pulls on one node share it."""

    name: str


@fact()
def host_name(pull: FailedPull) -> HostName:
    if not pull.nodes:
        raise NotApplicable("the pod has not been assigned to a node")
    return HostName(pull.nodes[0])


@fact()
async def host(where: HostName, kube: Kube) -> Host:
    try:
        node = await kube.get(f"/api/v1/nodes/{where.name}")
    except NotFound:
        raise Unavailable(f"the node {where.name} is gone; look at a pod on a present node") from None
    info = node.get("status", {}).get("nodeInfo", {})
    labels = node.get("metadata", {}).get("labels") or {}
    return Host(
        name=where.name,
        provider_id=node.get("spec", {}).get("providerID", ""),
        architecture=info.get("architecture") or labels.get("kubernetes.io/arch", ""),
        operating_system=info.get("operatingSystem") or labels.get("kubernetes.io/os", ""),
        labels=tuple(sorted(labels.items())),
    )
