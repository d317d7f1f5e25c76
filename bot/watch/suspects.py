"""The pods that fail to pull or may be stuck: all that is kept of a cluster, however large it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import datetime, timedelta

from bot.watch.pods import Failure, Said, failures, may_be_stalled, said, worth_keeping
from bot.watch.ports import Lists, Tree
from checks.kubernetes.pods import PULL_FAILURES, Pod, moment, pod
from checks.model import NotFound, Unavailable

RBAC = (
    ("", "events", "list"),
    ("", "events", "watch"),
    ("", "pods", "get"),
    ("", "pods", "list"),
    ("", "pods", "watch"),
)
PODS = "/api/v1/pods"
EVENTS = "/api/v1/events"
# kubelet keeps a pod Pending until every container has started once.
PENDING = "status.phase=Pending"
_RUNNING = "status.phase=Running"
FAILED = "reason=Failed,involvedObject.kind=Pod"
_OF_A_PULL = re.compile(rf"Error: ({'|'.join(sorted(PULL_FAILURES))})\b|Failed to (pull|inspect|verify)")


class Suspects:
    """``watched``: whether a namespace is; ``changed`` is called after every change."""

    def __init__(self, kube: Lists, watched: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._kube = kube
        self._watched = watched
        self._changed = changed
        self._pending: dict[str, Pod] = {}
        self._running: dict[str, Pod] = {}  # they ran, and a container cannot be pulled now
        self._said: dict[str, tuple[Said, ...]] = {}
        self._asked: dict[str, datetime] = {}  # when a pod's events were read

    def __len__(self) -> int:
        """How much is kept."""
        return len(self._pending) + len(self._running) + len(self._said) + len(self._asked)

    @property
    def pods(self) -> list[Pod]:
        return list({**self._running, **self._pending}.values())

    @property
    def running(self) -> list[Pod]:
        return list(self._running.values())

    def failures(self, stall_after: timedelta) -> list[Failure]:
        """What is known to fail. Of what was said since a pod's events were read, nothing is known."""
        found: list[Failure] = []
        for one in self.pods:
            as_of = moment_asked(self._asked, one.uid)
            found += failures(one, self._said.get(one.uid, ()), as_of=as_of, stall_after=stall_after)
        return found

    def perhaps_stalled(self, created_before: datetime, asked_before: datetime) -> list[Pod]:
        """Those that have waited for long without a word; who was asked after last comes last."""
        found = [
            one
            for one in self._pending.values()
            if may_be_stalled(one)
            and moment(one.created) <= created_before
            and moment_asked(self._asked, one.uid) <= asked_before
        ]
        return sorted(found, key=lambda one: (moment_asked(self._asked, one.uid), one.created))

    def was_asked(self, uid: str) -> bool:
        return uid in self._asked

    def learn(self, histories: dict[str, tuple[Said, ...]], asked: Iterable[Pod], at: datetime) -> None:
        """What was read of pods' events; who could not be read was asked after as well."""
        for one in asked:
            if one.uid in self._pending or one.uid in self._running:
                self._asked[one.uid] = at
                self._hear(one.uid, histories.get(one.uid, ()))
        self._changed()

    async def look_at(self, namespace: str, name: str, uid: str) -> None:
        """Read one pod that is not Pending; whether it still fails nobody else tells.

        :raises Unavailable: it cannot be read
        """
        try:
            found = pod(await self._kube.get(f"/api/v1/namespaces/{namespace}/pods/{name}"))
        except NotFound:
            found = None
        before = self._running.pop(uid, None)
        if found is not None and found.uid == uid and found.failing and uid not in self._pending:
            self._running[uid] = found
        if self._running.get(uid) != before:
            self._forget()
            self._changed()

    # ---- the stream of pods

    async def replace_pods(self, trees: AsyncIterator[Tree]) -> None:
        pending = {one.uid: one async for one in self._suspicious(trees)}
        running_pods = self._kube.pages(PODS, fieldSelector=_RUNNING)
        async with aclosing(running_pods):
            running = {one.uid: one async for one in self._suspicious(running_pods) if one.failing}
        self._pending, self._running = pending, running
        self._forget()
        self._changed()

    def pod_changed(self, kind: str, tree: Tree) -> None:
        one = pod(tree)
        before = self._pending.pop(one.uid, None)
        if kind != "DELETED" and self._is_suspect(one):
            self._pending[one.uid] = one
            self._running.pop(one.uid, None)
        if self._pending.get(one.uid) != before:
            self._forget()
            self._changed()

    async def _suspicious(self, trees: AsyncIterator[Tree]) -> AsyncIterator[Pod]:
        async for tree in trees:
            one = pod(tree)
            if self._is_suspect(one):
                yield one

    def _is_suspect(self, one: Pod) -> bool:
        return self._watched(one.namespace) and (bool(one.failing) or may_be_stalled(one))

    def _forget(self) -> None:
        """What was said of pods that are fine."""
        there = self._pending.keys() | self._running.keys()
        self._said = {uid: some for uid, some in self._said.items() if uid in there}
        self._asked = {uid: at for uid, at in self._asked.items() if uid in there}

    # ---- the stream of events

    async def event_changed(self, kind: str, tree: Tree) -> None:
        """A Failed event may tell the cause, or name a pod that ran before."""
        about = tree.get("involvedObject") or {}
        uid, namespace = str(about.get("uid") or ""), str(about.get("namespace") or "")
        if kind == "DELETED" or not self._watched(namespace):
            return
        if uid in self._pending or uid in self._running:
            if (one := said(tree)) is not None and self._hear(uid, (one,)):
                self._changed()
        elif _OF_A_PULL.match(str(tree.get("message") or "")):
            try:
                await self.look_at(namespace, str(about.get("name") or ""), uid)
            except Unavailable:
                return  # kubelet says it again within minutes

    def hear_of_suspects(self, tree: Tree) -> None:
        uid = str((tree.get("involvedObject") or {}).get("uid") or "")
        if (uid in self._pending or uid in self._running) and (one := said(tree)) is not None:
            self._hear(uid, (one,))

    def _hear(self, uid: str, history: Iterable[Said]) -> bool:
        before = self._said.get(uid, ())
        now = worth_keeping((*before, *history))
        if now:
            self._said[uid] = now
        return now != before


def moment_asked(asked: dict[str, datetime], uid: str) -> datetime:
    return asked.get(uid, moment(""))


class PodStream:
    """``Keeps`` for pods that are Pending."""

    def __init__(self, suspects: Suspects) -> None:
        self._suspects = suspects

    async def replace(self, trees: AsyncIterator[Tree]) -> None:
        await self._suspects.replace_pods(trees)

    async def changed(self, kind: str, tree: Tree) -> None:
        self._suspects.pod_changed(kind, tree)


class EventStream:
    """``Keeps`` for Failed events. Those there at first are old: their pods were just listed."""

    def __init__(self, suspects: Suspects) -> None:
        self._suspects = suspects

    async def replace(self, trees: AsyncIterator[Tree]) -> None:
        async for tree in trees:
            self._suspects.hear_of_suspects(tree)

    async def changed(self, kind: str, tree: Tree) -> None:
        await self._suspects.event_changed(kind, tree)
