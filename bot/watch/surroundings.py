"""What a failing pod's object does not say: what kubelet said of it before, and what kind of host it is on.

Both are garnish: without them a pull still fails, so a read that fails is logged and does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from bot.watch.pods import Said, said
from bot.watch.ports import Lists
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import Pod, host_kind
from checks.model import NotFound, Unavailable

log = logging.getLogger(__name__)

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "events", "list"), ("", "nodes", "get"))
_AT_ONCE = 8
_ONE_BY_ONE = 10  # for more pods of one namespace, all its events are read


class Nodes:
    """Labels of nodes, each read once. A node that could not be read stays of no known kind.

    So a pull's key does not change while it fails.
    """

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._labels: dict[str, Mapping[str, Any]] = {}

    async def learn(self, names: Iterable[str]) -> None:
        new = {name for name in names if name and name not in self._labels}
        await asyncio.gather(*(self._read(name) for name in sorted(new)))

    def kind(self, pod: Pod) -> str:
        return host_kind(pod, self._labels.get(pod.node, {}))

    def __len__(self) -> int:
        return len(self._labels)

    def keep(self, names: Iterable[str]) -> None:
        """Forget all others."""
        wanted = set(names)
        self._labels = {name: labels for name, labels in self._labels.items() if name in wanted}

    async def _read(self, name: str) -> None:
        try:
            async with self._gate:
                node = await self._kube.get(f"/api/v1/nodes/{name}")
        except (NotFound, Unavailable) as why:
            log.warning("what kind of host %s is cannot be read: %s", name, why)
            node = {}
        self._labels[name] = (node.get("metadata") or {}).get("labels") or {}


async def histories(kube: Lists, pods: Iterable[Pod]) -> dict[str, tuple[Said, ...]]:
    """Events about the pulls of ``pods``, by the pod's uid; a pod whose events cannot be read is left out."""
    by_namespace: dict[str, list[Pod]] = defaultdict(list)
    for one in pods:
        by_namespace[one.namespace].append(one)
    gate = asyncio.Semaphore(_AT_ONCE)
    reads = []
    for namespace, mine in by_namespace.items():
        if len(mine) > _ONE_BY_ONE:
            reads.append(_read(kube, gate, namespace, "involvedObject.kind=Pod", mine))
        else:
            reads += [
                _read(kube, gate, namespace, f"involvedObject.kind=Pod,involvedObject.name={one.name}", [one])
                for one in mine
            ]
    found: dict[str, tuple[Said, ...]] = {}
    for some in await asyncio.gather(*reads):
        found.update(some)
    return found


async def _read(
    kube: Lists, gate: asyncio.Semaphore, namespace: str, fields: str, pods: list[Pod]
) -> dict[str, tuple[Said, ...]]:
    found: dict[str, list[Said]] = {one.uid: [] for one in pods}
    try:
        async with gate:
            async for event in kube.pages(f"/api/v1/namespaces/{namespace}/events", fieldSelector=fields):
                uid = str((event.get("involvedObject") or {}).get("uid") or "")
                if uid in found and (one := said(event)) is not None:
                    found[uid].append(one)
    except Unavailable as why:
        log.warning("events in %s cannot be read: %s", namespace, why)
        return {}
    return {uid: tuple(some) for uid, some in found.items()}
