"""What may be changed in a workload's template: the image of containers, and which nodes its pods ask for.

Each is a compare-and-swap on the value and on ``resourceVersion``; the controller then replaces the pods, and
putting the value back replaces them again.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from checks.kubernetes.rollout_has_image import Given
from checks.kubernetes.templates import containers, pod_spec, root_of, selector_of
from checks.model import FailedPull, NotFound
from handlers.remedies.kubernetes.steps import JSON_PATCH, KubeWriter
from handlers.remedy import Conflict, Diff, Standing, Step

_RBAC = (
    *(
        ("apps", what, verb)
        for what in ("daemonsets", "deployments", "statefulsets")
        for verb in ("get", "patch")
    ),
    ("batch", "cronjobs", "get"),
    ("batch", "cronjobs", "patch"),
)


@dataclass(frozen=True, slots=True)
class TemplateAddress:
    """``path`` is the workload's API path, ``kind`` its kind in lower case."""

    path: str
    namespace: str
    kind: str
    name: str

    @property
    def target(self) -> str:
        return f"{self.namespace}/{self.kind}/{self.name}"

    async def read(self, kube: KubeWriter) -> Mapping[str, Any]:
        """:raises Conflict: it is gone"""
        try:
            return await kube.get(self.path)
        except NotFound:
            raise Conflict(f"{self.kind}/{self.name} is gone") from None

    async def patch(self, found: Mapping[str, Any], changes: list[dict[str, Any]], kube: KubeWriter) -> None:
        """``found`` is as it was compared; :raises Conflict: it was changed since"""
        version = {
            "op": "test",
            "path": "/metadata/resourceVersion",
            "value": found["metadata"]["resourceVersion"],
        }
        await kube.patch(self.path, [version, *changes], JSON_PATCH)


@dataclass(frozen=True, slots=True)
class SetImage(Step):
    """Give containers of a workload (by name) another image, as ``kubectl set image`` does."""

    rbac: ClassVar[tuple[tuple[str, str, str], ...]] = _RBAC

    workload: TemplateAddress
    containers: tuple[str, ...]
    before: str
    after: str

    def diff(self) -> Diff:
        return Diff(self.workload.target, self._lines(self.before), self._lines(self.after))

    def commands(self) -> tuple[str, ...]:
        what = f"{self.workload.kind}/{self.workload.name}"
        pairs = [f"{name}={self.after}" for name in self.containers]
        return (shlex.join(["kubectl", "set", "image", what, *pairs, "-n", self.workload.namespace]),)

    def inverse(self) -> SetImage:
        return replace(self, before=self.after, after=self.before)

    def instead_of(self, pull: FailedPull) -> Mapping[Any, object]:
        """New pods may come to other nodes, and have other names."""
        if pull.image != self.before:
            return {}
        asked = replace(pull, image=self.after, host_kind="node", nodes=(), pods=())
        return {FailedPull: asked, Given: Given(self.containers, self.after)}

    async def look(self, kube: KubeWriter) -> Standing:
        now = {image for _, image in self._there(await self.workload.read(kube))}
        if now == {self.before}:
            return Standing.BEFORE
        return Standing.AFTER if now == {self.after} else Standing.ELSEWHERE

    async def write(self, kube: KubeWriter) -> SetImage:
        found = await self.workload.read(kube)
        there = self._there(found)
        if {image for _, image in there} != {self.before}:
            raise Conflict(f"{self.workload.target} was given another image by somebody else meanwhile")
        root = root_of(self.workload.kind)
        changes = [
            {"op": "replace", "path": f"{root}/{place}/image", "value": self.after} for place, _ in there
        ]
        await self.workload.patch(found, changes, kube)
        return self

    def _there(self, found: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Where each of the containers is, and its image; "" for one that is not there any more."""
        there = {
            str(one.get("name")): (place, str(one.get("image"))) for place, one in containers(pod_spec(found))
        }
        return [there.get(name, ("", "")) for name in self.containers]

    def _lines(self, image: str) -> str:
        return "\n".join(f"{name}: {image}" for name in self.containers)


@dataclass(frozen=True, slots=True)
class SelectNodes(Step):
    """Have a workload's pods ask for nodes with some labels.

    ``before`` and ``after`` are of the same labels: each with its value, "" for none.
    """

    rbac: ClassVar[tuple[tuple[str, str, str], ...]] = _RBAC

    workload: TemplateAddress
    containers: tuple[str, ...]
    image: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]

    def diff(self) -> Diff:
        return Diff(self.workload.target, _lines(self.before), _lines(self.after))

    def commands(self) -> tuple[str, ...]:
        # null takes a label away.
        spec: dict[str, Any] = {"nodeSelector": {label: value or None for label, value in self.after}}
        for name in reversed(root_of(self.workload.kind).split("/")[1:]):
            spec = {name: spec}
        what = f"{self.workload.kind}/{self.workload.name}"
        return (
            shlex.join(["kubectl", "patch", what, "-n", self.workload.namespace, "-p", json.dumps(spec)]),
        )

    def inverse(self) -> SelectNodes:
        return replace(self, before=self.after, after=self.before)

    def instead_of(self, pull: FailedPull) -> Mapping[Any, object]:
        """Which node they come to is the scheduler's to say; that they pull there is the proof."""
        if pull.image != self.image:
            return {}
        asked = replace(pull, host_kind="node", nodes=(), pods=())
        return {FailedPull: asked, Given: Given(self.containers, self.image, self.after)}

    async def look(self, kube: KubeWriter) -> Standing:
        now = self._now(await self.workload.read(kube))
        if now == self.before:
            return Standing.BEFORE
        return Standing.AFTER if now == self.after else Standing.ELSEWHERE

    async def write(self, kube: KubeWriter) -> SelectNodes:
        found = await self.workload.read(kube)
        if self._now(found) != self.before:
            raise Conflict(f"{self.workload.target} was sent to other nodes by somebody else meanwhile")
        path = f"{root_of(self.workload.kind)}/nodeSelector"
        changes: list[dict[str, Any]] = []
        if not selector_of(pod_spec(found)):
            changes.append({"op": "add", "path": path, "value": {}})
        for label, value in self.after:
            key = f"{path}/{label.replace('/', '~1')}"  # RFC 6901
            if value:
                changes.append({"op": "add", "path": key, "value": value})
            elif dict(self.before)[label]:
                changes.append({"op": "remove", "path": key})
        await self.workload.patch(found, changes, kube)
        return self

    def _now(self, found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        there = selector_of(pod_spec(found))
        return tuple((label, there.get(label, "")) for label, _ in self.before)


def _lines(pairs: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(f"{label}: {value}" for label, value in pairs if value)
