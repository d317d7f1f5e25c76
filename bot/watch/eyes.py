"""What looks at one cluster for pulls that fail: kinds of cluster differ here, and nowhere after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from bot.watch.fates import Fate, fate
from bot.watch.kubernetes import STALL_AFTER, Watch, failing_now
from bot.watch.ports import Lists
from bot.watch.watch import SETTLE
from checks.host import Cluster
from checks.model import FailedPull

Tell = Callable[[tuple[FailedPull, ...]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """``stall_after``: a pull of which nothing is heard fails after this long.

    ``settle``: how long more changes are waited for before telling.
    """

    stall_after: timedelta = STALL_AFTER
    settle: timedelta = SETTLE


STANDARD = Patience()


class Eyes(Protocol):
    """``repeats``: the watch tells by itself, again and again, what still fails."""

    repeats: bool

    async def failing_now(
        self, namespace: str, target: str, patience: Patience = STANDARD
    ) -> tuple[FailedPull, ...]:
        """What fails at this moment.

        :param namespace: "" for all
        :param target: what somebody typed; "" for all that is there
        :raises NoSuchTarget: it does not exist, or is not understood
        :raises Unavailable: it cannot be seen
        """

    async def fate(self, pull: FailedPull) -> Fate:
        """Why a pull does not fail any more.

        :raises Unavailable: it cannot be read
        """

    async def watch(
        self,
        watched: Callable[[str], bool],
        tell: Tell,
        on_up: Callable[[bool], None],
        patience: Patience = STANDARD,
    ) -> None:
        """Until cancelled, tell the complete set of what fails in the watched namespaces.

        :param on_up: whether we see the cluster; called when that changes
        """

    def heard(self, event: Any) -> bool:
        """An event of the cloud came in. Whether it is one of this cluster's."""


class KubernetesEyes:
    """Pods that wait for their images."""

    repeats = False

    def __init__(self, kube: Lists, cluster: Cluster) -> None:
        self._kube = kube
        self._cluster = cluster

    async def failing_now(
        self, namespace: str, target: str, patience: Patience = STANDARD
    ) -> tuple[FailedPull, ...]:
        return await failing_now(
            self._kube, self._cluster, namespace, target, stall_after=patience.stall_after
        )

    async def fate(self, pull: FailedPull) -> Fate:
        return await fate(self._kube, pull)

    async def watch(
        self,
        watched: Callable[[str], bool],
        tell: Tell,
        on_up: Callable[[bool], None],
        patience: Patience = STANDARD,
    ) -> None:
        await Watch(
            self._kube,
            self._cluster,
            watched,
            tell,
            stall_after=patience.stall_after,
            settle=patience.settle,
            on_up=on_up,
        ).run()

    def heard(self, event: Any) -> bool:
        """Nobody tells of pods but their API server."""
        del event
        return False
