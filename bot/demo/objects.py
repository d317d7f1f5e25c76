"""The simulated cluster's memory: objects, what happened to them, and who waits for more.

Every change gets the next resource version. What happened is kept for watches, until there is too much of
it or somebody calls ``compact``; who then asks for older versions is told that they are gone, as etcd does.
Trees in here are never changed, only replaced; whoever asks for an object is given a copy.
Everything happens on one event loop, and nothing in here waits except ``changed``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from bot.demo.resources import (
    RESOURCES,
    Refused,
    Resource,
    conflict,
    not_found,
    resource_of,
    too_old,
)
from bot.demo.selectors import Selects

Tree = dict[str, Any]
_SNAPSHOTS = 64  # lists that somebody is in the middle of
_NO_GENERATION = frozenset({"events", "secrets", "serviceaccounts", "namespaces", "nodes"})


@dataclass(frozen=True, slots=True)
class Change:
    """``before`` is None for something new, ``after`` for something deleted."""

    revision: int
    before: Tree | None
    after: Tree | None


Listener = Callable[[str, Change], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    revision: int
    trees: tuple[Tree, ...]


@dataclass
class _Shelf:
    """All of one resource: what is there, and what happened after ``oldest``."""

    live: dict[tuple[str, str], Tree] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    oldest: int = 0


class Objects:
    """:param keep: how many changes of each resource are kept at least"""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), keep: int = 10_000) -> None:
        self.revision = 1
        self._now, self._keep = now, keep
        self._shelves = {plural: _Shelf() for plural in RESOURCES}
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._pulse = asyncio.Event()
        self._listeners: list[Listener] = []

    def timestamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def pulse(self) -> asyncio.Event:
        """Set at the next change. Take it, look, then wait for it: nothing is missed in between."""
        return self._pulse

    def wake(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()

    def listen(self, listener: Listener) -> None:
        """Have every change told, at once and in order: what controllers live on, whatever is forgotten."""
        self._listeners.append(listener)

    def get(self, resource: str, name: str, namespace: str = "") -> Tree:
        """:raises Refused: 404"""
        return _copy(self._found(RESOURCES[resource], namespace, name))

    def find(self, resource: str, name: str, namespace: str = "") -> Tree | None:
        """As it is kept: to be read only. ``None`` if it is not there."""
        return self._shelves[resource].live.get((namespace, name))

    def put(self, tree: Mapping[str, Any], *, expected: str = "") -> Tree:
        """Create or replace; a Namespace that is not there is made. Nothing happens if nothing changes.

        :param expected: the resource version that must be there
        :raises Refused: 400 no such kind, 409 another version is there
        """
        kept = _copy(tree)
        resource = resource_of(kept)
        metadata = kept.setdefault("metadata", {})
        if resource.namespaced:
            metadata.setdefault("namespace", "default")
        namespace, name = metadata.get("namespace") or "", str(metadata["name"])
        before = self._shelves[resource.plural].live.get((namespace, name))
        if expected and (before is None or before["metadata"]["resourceVersion"] != expected):
            raise conflict(resource, name)
        self._make_namespace(namespace)
        self._complete(resource, kept, before)
        if before == kept:
            return _copy(kept)
        self.revision += 1
        metadata["resourceVersion"] = str(self.revision)
        self._shelves[resource.plural].live[(namespace, name)] = kept
        self._happened(resource, Change(self.revision, before, kept))
        return _copy(kept)

    def delete(self, resource: str, name: str, namespace: str = "") -> Tree:
        """:raises Refused: 404"""
        kind = RESOURCES[resource]
        before = self._found(kind, namespace, name)
        del self._shelves[resource].live[(namespace, name)]
        self.revision += 1
        self._happened(kind, Change(self.revision, before, None))
        return _copy(before)

    def trees(self, resource: str, namespace: str = "", selects: Selects = lambda _: True) -> list[Tree]:
        """In the order in which the real server lists. To be read only."""
        live = self._shelves[resource].live
        here = (key for key in live if namespace in ("", key[0]))
        return [tree for key in sorted(here) if selects(tree := live[key])]

    def since(self, resource: str, revision: int) -> list[Change]:
        """What happened after that resource version.

        :raises Refused: 410, that is forgotten
        """
        shelf = self._shelves[resource]
        if revision < shelf.oldest:
            raise too_old(revision, shelf.oldest)
        first = len(shelf.changes)
        while first and shelf.changes[first - 1].revision > revision:
            first -= 1
        return shelf.changes[first:]

    def keep_snapshot(self, snapshot: Snapshot) -> str:
        """A key under which the rest of a list can be asked for."""
        key = uuid.uuid4().hex
        self._snapshots[key] = snapshot
        while len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.popitem(last=False)
        return key

    def snapshot(self, key: str) -> Snapshot:
        """:raises Refused: 410"""
        if key not in self._snapshots:
            raise Refused(
                410,
                "Expired",
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter.",
            )
        return self._snapshots[key]

    def compact(self) -> None:
        """Forget what happened: who asks for it from now on is told 410."""
        self._snapshots.clear()
        for shelf in self._shelves.values():
            shelf.changes, shelf.oldest = [], self.revision

    def _found(self, resource: Resource, namespace: str, name: str) -> Tree:
        found = self._shelves[resource.plural].live.get((namespace, name))
        if found is None:
            raise not_found(resource, name)
        return found

    def _make_namespace(self, name: str) -> None:
        if name and ("", name) not in self._shelves["namespaces"].live:
            labels = {"kubernetes.io/metadata.name": name}
            status = {"phase": "Active"}
            metadata = {"name": name, "labels": labels}
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": status})

    def _complete(self, resource: Resource, tree: Tree, before: Tree | None) -> None:
        """What the server knows better than whoever sends an object."""
        metadata = tree["metadata"]
        old = before["metadata"] if before else {}
        metadata["uid"] = old.get("uid") or str(uuid.uuid4())
        metadata["creationTimestamp"] = old.get("creationTimestamp") or self.timestamp()
        metadata["resourceVersion"] = old.get("resourceVersion", "")
        if resource.plural not in _NO_GENERATION:
            changed = before is None or before.get("spec") != tree.get("spec")
            metadata["generation"] = old.get("generation", 0) + changed

    def _happened(self, resource: Resource, change: Change) -> None:
        shelf = self._shelves[resource.plural]
        shelf.changes.append(change)
        if len(shelf.changes) > 2 * self._keep:
            dropped = len(shelf.changes) - self._keep
            shelf.oldest = shelf.changes[dropped - 1].revision
            del shelf.changes[:dropped]
        for listener in self._listeners:
            listener(resource.plural, change)
        self.wake()


def _copy(tree: Mapping[str, Any]) -> Tree:
    copied: Tree = orjson.loads(orjson.dumps(tree))
    return copied
