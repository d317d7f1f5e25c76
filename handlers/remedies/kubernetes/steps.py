"""The things that may be changed in a cluster, each as a compare-and-swap on ``resourceVersion``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from checks.kubernetes.pod_template import RESTARTED_AT, restarted_at
from checks.model import NotFound
from handlers.remedy import Conflict, Diff, Standing, Step

JSON_PATCH = "application/json-patch+json"
_ANNOTATIONS = "/spec/template/metadata/annotations"


class KubeWriter(Protocol):
    """Kubernetes under the write identity. ``path`` is an API path; answers are decoded objects.

    :raises NotFound: 404.
    :raises Unavailable: 401, 403, 429, 5xx, timeouts.
    :raises Conflict: 409, or 422 where a JSON patch's ``test`` failed.
    """

    async def get(self, path: str) -> Mapping[str, Any]: ...

    async def patch(
        self, path: str, body: Sequence[Mapping[str, Any]], content_type: str
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class RestartWorkload(Step):
    """What ``kubectl rollout restart`` does: a new annotation on the pod template, so that pods are replaced.

    ``path`` is the workload's API path, ``kind`` its kind in lower case. ``before`` and ``after`` are
    values of the annotation, "" where there is none. A restart has no way back.
    """

    rbac: ClassVar[tuple[tuple[str, str, str], ...]] = tuple(
        ("apps", resource, verb)
        for resource in ("daemonsets", "deployments", "statefulsets")
        for verb in ("get", "patch")
    )

    path: str
    namespace: str
    kind: str
    name: str
    before: str
    after: str

    def diff(self) -> Diff:
        target = f"{self.namespace}/{self.kind}/{self.name}"
        return Diff(target, _line(self.before), _line(self.after))

    def commands(self) -> tuple[str, ...]:
        return (
            shlex.join(["kubectl", "rollout", "restart", f"{self.kind}/{self.name}", "-n", self.namespace]),
        )

    def inverse(self) -> None:
        return None

    async def look(self, kube: KubeWriter) -> Standing:
        now = restarted_at(await self._get(kube))
        if now == self.before:
            return Standing.BEFORE
        return Standing.AFTER if now == self.after else Standing.ELSEWHERE

    async def write(self, kube: KubeWriter) -> RestartWorkload:
        found = await self._get(kube)
        if restarted_at(found) != self.before:
            raise Conflict(f"{self.kind}/{self.name} was restarted by somebody else meanwhile")
        annotations = found["spec"]["template"].get("metadata", {}).get("annotations")
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]}
        ]
        if annotations is None:
            patch.append({"op": "add", "path": _ANNOTATIONS, "value": {RESTARTED_AT: self.after}})
        else:
            key = RESTARTED_AT.replace("/", "~1")  # RFC 6901
            patch.append({"op": "add", "path": f"{_ANNOTATIONS}/{key}", "value": self.after})
        await kube.patch(self.path, patch, JSON_PATCH)
        return self

    async def _get(self, kube: KubeWriter) -> Mapping[str, Any]:
        try:
            return await kube.get(self.path)
        except NotFound:
            raise Conflict(f"{self.kind}/{self.name} is gone") from None


def _line(value: str) -> str:
    return f"{RESTARTED_AT}: {value}" if value else ""
