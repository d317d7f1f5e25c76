"""Which resources the simulated Kubernetes serves, how their paths look, and how it refuses.

A refusal is what Kubernetes calls a ``Status``; reasons and wording are those of the real server, because
people and programs match on them (k8s.io/apimachinery, pkg/api/errors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    plural: str
    kind: str
    api_version: str = "v1"
    namespaced: bool = True

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """As messages name it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_ALL = (
    Resource("namespaces", "Namespace", namespaced=False),
    Resource("nodes", "Node", namespaced=False),
    Resource("pods", "Pod"),
    Resource("events", "Event"),
    Resource("serviceaccounts", "ServiceAccount"),
    Resource("secrets", "Secret"),
    Resource("deployments", "Deployment", "apps/v1"),
    Resource("replicasets", "ReplicaSet", "apps/v1"),
    Resource("statefulsets", "StatefulSet", "apps/v1"),
    Resource("daemonsets", "DaemonSet", "apps/v1"),
    Resource("jobs", "Job", "batch/v1"),
    Resource("cronjobs", "CronJob", "batch/v1"),
)
RESOURCES: Mapping[str, Resource] = {one.plural: one for one in _ALL}
API_VERSIONS = tuple(dict.fromkeys(one.api_version for one in _ALL))


class Refused(Exception):
    """The server says no; ``status`` is the body of the answer."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": dict(details or {}),
            "code": code,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means: a collection if ``name`` is "", of all namespaces if ``namespace`` is "" too."""

    resource: Resource
    namespace: str = ""
    name: str = ""


def resource_of(tree: Mapping[str, Any]) -> Resource:
    """The resource that an object belongs to, by its kind.

    :raises Refused: 400, it says no kind that is served here
    """
    kind, version = tree.get("kind"), tree.get("apiVersion")
    for one in _ALL:
        if (one.kind, one.api_version) == (kind, version):
            return one
    raise Refused(
        400, "BadRequest", f'no kind "{kind}" is registered for version "{version}" in this simulated cluster'
    )


def target(path: str) -> Target:
    """What ``/api/v1/namespaces/shop/pods/web-1`` and its like ask for.

    :raises Refused: 404, there is nothing of that name
    """
    parts = [one for one in path.split("/") if one]
    if parts[:1] == ["api"]:
        version, rest = "/".join(parts[1:2]), parts[2:]
    elif parts[:1] == ["apis"]:
        version, rest = "/".join(parts[1:3]), parts[3:]
    else:
        raise not_served()
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    found = RESOURCES.get(rest[0]) if rest else None
    if found is None or found.api_version != version or len(rest) > 2 or (namespace and not found.namespaced):
        raise not_served()
    name = "".join(rest[1:])
    if name and found.namespaced and not namespace:
        raise not_served()
    return Target(found, namespace, name)


def not_served() -> Refused:
    return Refused(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> Refused:
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def exists(resource: Resource, name: str) -> Refused:
    message = f'{resource.qualified} "{name}" already exists'
    return Refused(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: Resource, name: str) -> Refused:
    message = (
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return Refused(409, "Conflict", message, _details(resource, name))


def too_old(asked: int, oldest: int) -> Refused:
    return Refused(410, "Expired", f"too old resource version: {asked} ({oldest})")


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def discovery(path: str) -> dict[str, Any] | None:
    """What is served, for clients that ask first; ``None`` for any other path."""
    parts = [one for one in path.split("/") if one]
    if parts == ["version"]:
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.0-simulated", "platform": "linux/amd64"}
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"]}
    if parts == ["apis"]:
        groups = [_group(one) for one in API_VERSIONS if "/" in one]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if parts[:1] == ["apis"] and len(parts) == 2:
        return next(
            (
                {"kind": "APIGroup", "apiVersion": "v1"} | _group(one)
                for one in API_VERSIONS
                if one.startswith(f"{parts[1]}/")
            ),
            None,
        )
    version = _version(parts)
    if version not in API_VERSIONS:
        return None
    served = [_described(one) for one in _ALL if one.api_version == version]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": served}


def _version(parts: Sequence[str]) -> str:
    if len(parts) == 2 and parts[0] == "api":
        return parts[1]
    return "/".join(parts[1:]) if len(parts) == 3 and parts[0] == "apis" else ""


def _group(api_version: str) -> dict[str, Any]:
    group, _, version = api_version.partition("/")
    one = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [one], "preferredVersion": one}


def _described(resource: Resource) -> dict[str, Any]:
    return {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }


def _details(resource: Resource, name: str) -> dict[str, Any]:
    group = {"group": resource.group} if resource.group else {}
    return {"name": name, **group, "kind": resource.plural}
