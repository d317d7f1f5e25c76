"""From tasks of ECS that stopped to the pulls that failed in them. Nothing is read here.

ECS says why a task did not start in two places: with the container, or with the task where it never got as
far as a container. Most tasks stop for other reasons, and some for secrets that no registry asks for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.aws.ecs_tasks import EcsTask, TaskContainer
from checks.image.hosts import ecr_host
from checks.image.reference import BadReference, parse
from checks.image.symptom import classify
from checks.kubernetes.pods import presentable
from checks.model import FailedPull

# The agent's and Fargate's names for it, and the texts that stand without a name.
_OF_A_PULL = re.compile(
    r"CannotPull|can(?:no|['’])t pull (?:the image|registry auth)|pull secrets or registry auth"
    r"|(?:pull|inspect) image|ref pull|Could not transition to pulled|unable to assume the role",
    re.IGNORECASE,
)
# What the containers are given to read, which has nothing to do with their images.
_OF_A_PARAMETER = re.compile(r"\bssm\b", re.IGNORECASE)
# It is said why as soon as it is decided; on Fargate it takes a while to take everything down.
_ENDING = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"})
_KEPT = 5  # tasks of a group: each is like the others, and their number grows with every try
_NO_TIME = datetime.min.replace(tzinfo=UTC)

Group = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class TaskFailure:
    task: EcsTask
    container: TaskContainer
    message: str

    @property
    def group(self) -> Group:
        """What fails alike: one workload, one image, one kind of host."""
        return (self.task.workload, self.container.image, host_kind(self.task))


def failure(task: EcsTask) -> TaskFailure | None:
    """Why the task could not pull; ``None`` if it stops for something else, or is running."""
    if task.last_status not in _ENDING:
        return None
    for one in task.containers:
        if _is_of_a_pull(one.reason):
            return TaskFailure(task, one, one.reason)
    if task.stop_code in ("", "TaskFailedToStart") and task.containers and _is_of_a_pull(task.stopped_reason):
        return TaskFailure(task, _meant(task), task.stopped_reason)
    return None


def _is_of_a_pull(text: str) -> bool:
    return bool(_OF_A_PULL.search(text)) and not _OF_A_PARAMETER.search(text)


def _meant(task: EcsTask) -> TaskContainer:
    """The container whose image the task's text names, or else the one that needs the role it tells of."""
    named = [one for one in task.containers if one.image and one.image in task.stopped_reason]
    return next(iter(named or [one for one in task.containers if _is_in_ecr(one.image)] or task.containers))


def _is_in_ecr(image: str) -> bool:
    try:
        return ecr_host(parse(image).repository.host) is not None
    except BadReference:
        return False


def host_kind(task: EcsTask) -> str:
    """Hosts that pull with another identity are of another kind: a capacity provider has its own role."""
    kind = task.launch_type.lower().replace("_", "-")
    return f"{kind}/{task.capacity_provider}" if task.on_own_instance and task.capacity_provider else kind


def by_group(failures: Iterable[TaskFailure]) -> dict[Group, list[TaskFailure]]:
    """Of each group those of its newest deployment and definition, newest first: older ones were asked for
    otherwise."""
    found: dict[Group, list[TaskFailure]] = defaultdict(list)
    for one in sorted(failures, key=lambda one: (created(one.task), one.task.id), reverse=True):
        mine = found[one.group]
        if not mine or _alike(mine[0].task, one.task):
            mine.append(one)
    return dict(sorted(found.items()))


def _alike(one: EcsTask, other: EcsTask) -> bool:
    same_service = not one.service or one.deployment == other.deployment
    return same_service and one.definition_arn == other.definition_arn


def created(task: EcsTask) -> datetime:
    return task.created or _NO_TIME


def pull_of(cluster: str, namespace: str, mine: list[TaskFailure]) -> FailedPull:
    """``mine``: of one group, newest first. Facts look at the first task, so the message is its own.

    :param namespace: the ECS cluster's name
    """
    newest = mine[0]
    message = presentable(newest.message)
    kept = mine[:_KEPT]
    oldest = min((one.task.created for one in mine if one.task.created), default=None)
    instances = {one.task.container_instance_arn.rpartition("/")[2] for one in kept}
    return FailedPull(
        cluster=cluster,
        namespace=namespace,
        workload=newest.task.workload,
        container=newest.container.name,
        pods=tuple(one.task.id for one in kept),
        nodes=tuple(sorted(instances - {""})),
        host_kind=host_kind(newest.task),
        image=newest.container.image,
        symptom=classify(message).symptom,
        message=message,
        since=oldest.isoformat() if oldest else "",
    )
