"""What somebody means by ``deploy/web`` or ``web-1``, in kubectl's spellings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import Pod
from checks.model import NotFound

RBAC = (
    ("", "namespaces", "get"),
    ("", "pods", "get"),
    ("apps", "daemonsets", "get"),
    ("apps", "deployments", "get"),
    ("apps", "replicasets", "get"),
    ("apps", "statefulsets", "get"),
    ("batch", "cronjobs", "get"),
    ("batch", "jobs", "get"),
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # RFC 1123, as Kubernetes has it


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    plural: str
    short: tuple[str, ...]
    root: str

    @property
    def spellings(self) -> set[str]:
        group = self.root.split("/")[2] if self.root.startswith("/apis") else ""
        full = {self.plural, self.name.lower()}
        return {*full, *self.short, *(f"{one}.{group}" for one in full if group)}


_POD = _Kind("Pod", "pods", ("po",), "/api/v1")
_KINDS = (
    _POD,
    _Kind("Deployment", "deployments", ("deploy",), "/apis/apps/v1"),
    _Kind("StatefulSet", "statefulsets", ("sts",), "/apis/apps/v1"),
    _Kind("DaemonSet", "daemonsets", ("ds",), "/apis/apps/v1"),
    _Kind("ReplicaSet", "replicasets", ("rs",), "/apis/apps/v1"),
    _Kind("Job", "jobs", (), "/apis/batch/v1"),
    _Kind("CronJob", "cronjobs", ("cj",), "/apis/batch/v1"),
)
_BY_SPELLING = {spelling: kind for kind in _KINDS for spelling in kind.spellings}


class NoSuchTarget(Exception):
    """It does not exist, or nobody knows what it means. The message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    kind: _Kind
    namespace: str
    name: str

    @property
    def is_pod(self) -> bool:
        return self.kind is _POD

    @property
    def path(self) -> str:
        return f"{self.kind.root}/namespaces/{self.namespace}/{self.kind.plural}/{self.name}"

    def owns(self, pod: Pod) -> bool:
        return f"{self.kind.name}/{self.name}" in (pod.owner, pod.workload)

    def missing(self, pods: Iterable[Pod]) -> NoSuchTarget:
        """That it is not there, with what is there and reads much like it."""
        here = f"there is no {self.kind.name.lower()} {self.name} in namespace {self.namespace}"
        near = _near(self.name, pods)
        return NoSuchTarget(f"{here}; did you mean {' or '.join(near)}?" if near else here)


def target(namespace: str, text: str) -> Target:
    """:raises NoSuchTarget: the kind is unknown, or that cannot be a name"""
    given, slash, name = text.partition("/")
    if not slash:
        given, name = "pod", text
    kind = _BY_SPELLING.get(given.lower())
    if kind is None:
        known = ", ".join(one.name.lower() for one in _KINDS)
        raise NoSuchTarget(f"{given!r} is no kind with pods that can be asked for; there are {known}")
    if not _NAME.fullmatch(name):
        raise NoSuchTarget(f"{name!r} cannot be the name of a {kind.name.lower()}")
    if not namespace:
        raise NoSuchTarget(f"{text} is in one namespace; name it with -n")
    return Target(kind, namespace, name)


def check_namespace(namespace: str) -> None:
    """:raises NoSuchTarget: that cannot be one"""
    if namespace and not _NAME.fullmatch(namespace):
        raise NoSuchTarget(f"{namespace!r} cannot be the name of a namespace")


async def expect_namespace(kube: Kube, namespace: str) -> None:
    """For an empty answer: nothing there, or no there there?

    :raises NoSuchTarget: the namespace does not exist
    :raises Unavailable: nobody knows
    """
    try:
        await kube.get(f"/api/v1/namespaces/{namespace}")
    except NotFound:
        raise NoSuchTarget(f"there is no namespace {namespace}") from None


def _near(name: str, pods: Iterable[Pod]) -> list[str]:
    """By name, whatever the kind: half of the time only the kind was wrong."""
    spelled: dict[str, str] = {}
    for pod in pods:
        spelled.setdefault(pod.name, f"pod/{pod.name}")
        kind, _, own = pod.workload.partition("/")
        spelled[own] = f"{kind.lower()}/{own}"
    return [spelled[one] for one in difflib.get_close_matches(name, spelled, n=3, cutoff=0.6)]
