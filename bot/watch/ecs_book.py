"""The tasks that have stopped, as far as we were told: each is read once, and known after ECS forgot it.

Kept in memory: what is forgotten in a restart is listed again, and a task that ECS has forgotten by then is
explained from what its service asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.watch.ecs_failures import failure
from checks.aws.ecs_tasks import EcsTask, parse_task

_AS_LONG_AS_ECS = timedelta(hours=1)
_MOST = 5000

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Noted:
    task: EcsTask
    tree: Tree | None  # only of those that failed: the others nobody asks for
    at: datetime


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class StoppedTasks:
    """A ``TaskBook`` of one account and region."""

    def __init__(self, now: Callable[[], datetime] = _wall_clock) -> None:
        self._now = now
        self._noted: dict[tuple[str, str], _Noted] = {}

    def note(self, tree: Tree) -> EcsTask:
        """``tree``: as ``describe_tasks`` or an event has it.

        :raises ValueError: it is none
        """
        try:
            task, cluster = parse_task(tree), name_of(str(tree["clusterArn"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no task: {error!r}") from None
        key = (cluster, task.id)
        if task.last_status == "STOPPED" and key not in self._noted:
            self._noted[key] = _Noted(task, tree if failure(task) else None, self._now())
            if len(self._noted) > _MOST:
                del self._noted[next(iter(self._noted))]
        return task

    def knows(self, cluster: str, task: str) -> bool:
        return (cluster, task) in self._noted

    def recall(self, cluster: str, task: str) -> Tree | None:
        found = self._noted.get((cluster, task))
        return found.tree if found else None

    def stopped(self, cluster: str) -> list[EcsTask]:
        """Those that stopped so lately that ECS would show them, too."""
        since = self._now() - _AS_LONG_AS_ECS
        return [one.task for (where, _), one in self._noted.items() if where == cluster and one.at > since]

    def clusters(self) -> set[str]:
        return {cluster for cluster, _ in self._noted}


def name_of(arn: str) -> str:
    """The last part of an ARN: a cluster's name, a task's id."""
    return arn.rpartition("/")[2]
