"""A cluster of one node that lives: what its controllers and its kubelet do as objects come and go."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from bot.demo import shapes
from bot.demo.kubelet import Kubelet, Pace, Pause, Pull
from bot.demo.objects import Change, Objects
from bot.demo.shapes import Tree
from bot.demo.workloads import assign, collect, tend

_Key = tuple[str, str]


class SimulatedCluster:
    """Between ``start`` and ``stop`` whatever is put into ``objects`` has its consequences.

    :param node: the node, as ``shapes.node`` makes it
    :param pull: the registry, asked on behalf of the node
    :param pause: waits for so many seconds; whoever hands in another decides when they are over
    """

    def __init__(
        self,
        objects: Objects,
        node: Tree,
        pull: Pull,
        *,
        pace: Pace | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._objects = objects
        self._node = node
        self.kubelet = Kubelet(objects, node["metadata"]["name"], pull, pace or Pace(), pause)
        self._untended: set[_Key] = set()
        self._unkept: dict[_Key, None] = {}
        self._orphaned: list[str] = []
        self._kept: dict[_Key, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._objects.put(self._node)
        for resource in ("deployments", "pods"):
            for tree in self._objects.trees(resource):
                self._note(resource, Change(0, None, tree))
        self._objects.listen(self._note)
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """:raises Exception: something in here went wrong meanwhile"""
        try:
            if self._running is not None:
                self._running.cancel()
                with suppress(asyncio.CancelledError):
                    await self._running
        finally:
            await self.kubelet.stop()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                while self._orphaned:
                    collect(self._objects, self._orphaned.pop())
                while self._untended:
                    namespace, name = self._untended.pop()
                    tend(self._objects, namespace, name)
                self._take_on(group)
                await self._news.wait()

    def _take_on(self, group: asyncio.TaskGroup) -> None:
        """Give new pods to the kubelet."""
        while self._unkept:
            namespace, name = key = next(iter(self._unkept))
            del self._unkept[key]
            pod = self._objects.find("pods", name, namespace)
            if pod is None:
                continue
            if not pod["spec"].get("nodeName"):
                assign(self._objects, pod, self._node["metadata"]["name"])
            task = group.create_task(self.kubelet.keep(namespace, name))
            self._kept[key] = task
            task.add_done_callback(partial(self._done, key))

    def _done(self, key: _Key, task: asyncio.Task[None]) -> None:
        if self._kept.get(key) is task:
            del self._kept[key]

    def _note(self, resource: str, change: Change) -> None:
        """What a change means is done later, and once for many changes."""
        tree = change.after or change.before
        if resource not in ("deployments", "replicasets", "pods") or tree is None:
            return
        key = (tree["metadata"]["namespace"], tree["metadata"]["name"])
        if resource == "pods":
            self._note_pod(key, change)
        elif change.after is None:
            self._orphaned.append(tree["metadata"]["uid"])
        if resource == "deployments":
            self._untended.add(key)
        elif change.after is None or (resource == "pods" and _readiness_changed(change)):
            self._untend_owner(tree)
        self._news.set()

    def _note_pod(self, key: _Key, change: Change) -> None:
        if change.before is None:
            self._unkept[key] = None
        elif change.after is None:
            self._unkept.pop(key, None)
            if (task := self._kept.pop(key, None)) is not None:
                task.cancel()

    def _untend_owner(self, tree: Tree) -> None:
        """The deployment above a pod or a ReplicaSet has something to do."""
        namespace = tree["metadata"]["namespace"]
        for owner in shapes.owners(tree):
            if owner["kind"] == "Deployment":
                self._untended.add((namespace, owner["name"]))
            elif (above := self._objects.find("replicasets", owner["name"], namespace)) is not None:
                self._untend_owner(above)


def _readiness_changed(change: Change) -> bool:
    was = change.before is not None and shapes.is_ready(change.before)
    return was is not (change.after is not None and shapes.is_ready(change.after))
