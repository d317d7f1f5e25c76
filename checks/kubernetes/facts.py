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


@dataclass(frozen=True, slots=True)
class Condition:
    """``status`` is ``True``, ``False`` or ``Unknown``, as Kubernetes writes it; ``since`` RFC 3339 or ""."""

    type: str
    status: str
    reason: str
    message: str
    since: str


@dataclass(frozen=True, slots=True)
class Node:
    """What a node says of itself; ``taints`` as ``key=value:effect``."""

    host: Host
    conditions: tuple[Condition, ...]
    taints: tuple[str, ...]

    def condition(self, type: str) -> Condition | None:
        """``None`` where the node does not speak of it."""
        return next((one for one in self.conditions if one.type == type), None)


@fact()
async def node(where: HostName, kube: Kube) -> Node:
    try:
        found = await kube.get(f"/api/v1/nodes/{where.name}")
    except NotFound:
        raise Unavailable(f"the node {where.name} is gone; look at a pod on a present node") from None
    return as_node(found, where.name)


@fact()
def host(node: Node) -> Host:
    return node.host


def as_node(tree: Mapping[str, Any], name: str) -> Node:
    """A node as the API gave it."""
    metadata, spec, status = (tree.get(name) or {} for name in ("metadata", "spec", "status"))
    info = status.get("nodeInfo") or {}
    labels = metadata.get("labels") or {}
    here = Host(
        name=name,
        provider_id=spec.get("providerID", ""),
        architecture=info.get("architecture") or labels.get("kubernetes.io/arch", ""),
        operating_system=info.get("operatingSystem") or labels.get("kubernetes.io/os", ""),
        labels=tuple(sorted(labels.items())),
    )
    return Node(
        here,
        conditions=tuple(map(_condition, status.get("conditions") or ())),
        taints=tuple(map(_taint, spec.get("taints") or ())),
    )


def _condition(tree: Mapping[str, Any]) -> Condition:
    words = (
        str(tree.get(name) or "") for name in ("type", "status", "reason", "message", "lastTransitionTime")
    )
    return Condition(*words)


def _taint(tree: Mapping[str, Any]) -> str:
    value = f"={tree['value']}" if tree.get("value") else ""
    return f"{tree.get('key', '')}{value}:{tree.get('effect', '')}"
