"""Secrets that are copied and removed again, each as a compare-and-swap.

What is in them is only ever in memory, between one call and the next: no step holds it, so no plan, store,
trail or log has it. A Secret that a step made says so in an annotation, by which the step knows it again.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from checks.model import NotFound
from handlers.remedy import Conflict, Diff, Standing, Step

MARK = "pullbot/made"
HIDDEN = "(not shown)"


class SecretWriter(Protocol):
    """Secrets of Kubernetes under the write identity.

    :raises NotFound, Unavailable, Conflict: as ``KubeWriter``; ``create`` the last for one that is there.
    """

    async def get(self, path: str) -> Mapping[str, Any]: ...

    async def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    async def patch(
        self, path: str, body: Sequence[Mapping[str, Any]], content_type: str
    ) -> Mapping[str, Any]: ...

    async def delete(self, path: str, version: str) -> None:
        """:raises Conflict: it is another version by now"""


@dataclass(frozen=True, slots=True)
class CopySecret(Step):
    """Make a Secret that is not there, with what is in another. ``version`` is the other's
    ``resourceVersion``.
    """

    rbac: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("", "secrets", "create"),
        ("", "secrets", "delete"),
        ("", "secrets", "get"),
    )

    namespace: str
    name: str
    from_namespace: str
    from_name: str
    version: str
    registries: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        return f"copy of {self.from_namespace}/{self.from_name} at {self.version}"

    def diff(self) -> Diff:
        lines = [self.mark, *(f"{one}: {HIDDEN}" for one in self.registries)]
        return Diff(target(self.namespace, self.name), "", "\n".join(lines))

    def commands(self) -> tuple[str, ...]:
        read = shlex.join(
            ["kubectl", "get", "secret", self.from_name, "-n", self.from_namespace, "-o", "json"]
        )
        only = f"{{apiVersion, kind, type, data, metadata: {{name: {json.dumps(self.name)}}}}}"
        make = shlex.join(["kubectl", "create", "-n", self.namespace, "-f", "-"])
        return (f"{read} | {shlex.join(['jq', only])} | {make}",)

    def inverse(self) -> RemoveSecret:
        return RemoveSecret(self.namespace, self.name, self.mark)

    async def look(self, secrets: SecretWriter) -> Standing:
        there = await find(self.namespace, self.name, secrets)
        if there is None:
            return Standing.BEFORE
        return Standing.AFTER if marked(there) == self.mark else Standing.ELSEWHERE

    async def write(self, secrets: SecretWriter) -> CopySecret:
        source = await find(self.from_namespace, self.from_name, secrets)
        if source is None or version_of(source) != self.version:
            raise Conflict(f"{self.from_namespace}/{self.from_name} is not what it was any more")
        body = {
            **new(self.namespace, self.name, self.mark),
            "type": source.get("type"),
            "data": source.get("data") or {},
        }
        await secrets.create(all_in(self.namespace), body)
        return self


@dataclass(frozen=True, slots=True)
class RemoveSecret(Step):
    """Only ever the way back from a Secret that we made, known by its mark."""

    namespace: str
    name: str
    mark: str

    def diff(self) -> Diff:
        return Diff(target(self.namespace, self.name), self.mark, "")

    def commands(self) -> tuple[str, ...]:
        return (shlex.join(["kubectl", "delete", "secret", self.name, "-n", self.namespace]),)

    def inverse(self) -> None:
        return None

    async def look(self, secrets: SecretWriter) -> Standing:
        there = await find(self.namespace, self.name, secrets)
        if there is None:
            return Standing.AFTER
        return Standing.BEFORE if marked(there) == self.mark else Standing.ELSEWHERE

    async def write(self, secrets: SecretWriter) -> RemoveSecret:
        there = await find(self.namespace, self.name, secrets)
        if there is not None:
            if marked(there) != self.mark:
                raise Conflict(f"{self.namespace}/{self.name} was changed by somebody else since")
            await secrets.delete(path_of(self.namespace, self.name), version_of(there))
        return self


def new(namespace: str, name: str, mark: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": {MARK: mark}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


async def find(namespace: str, name: str, secrets: SecretWriter) -> Mapping[str, Any] | None:
    try:
        return await secrets.get(path_of(namespace, name))
    except NotFound:
        return None


def marked(there: Mapping[str, Any]) -> str:
    return str(((there.get("metadata") or {}).get("annotations") or {}).get(MARK) or "")


def version_of(there: Mapping[str, Any]) -> str:
    return str((there.get("metadata") or {}).get("resourceVersion") or "")


def all_in(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def path_of(namespace: str, name: str) -> str:
    return f"{all_in(namespace)}/{name}"


def target(namespace: str, name: str) -> str:
    return f"{namespace}/secret/{name}"
