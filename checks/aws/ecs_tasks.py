"""The ECS task that could not pull: what ECS says of it, and of the service that wants it.

ECS shows a stopped task for about an hour, and never changes what it says of it. So what was once read of
it (by the watch, or in an event) is as good as a new read, and all there is once ECS has forgotten it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from checks.aws.ecs_services import EcsService
from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.host import Cluster
from checks.model import FailedPull, NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("ecs:DescribeTasks",)),)

FARGATE, EC2 = "FARGATE", "EC2"
# An instance of EC2 as well, which ECS starts and stops for us; and a machine outside of AWS.
MANAGED_INSTANCES, EXTERNAL = "MANAGED_INSTANCES", "EXTERNAL"
_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d{12}:task/(?:[\w-]+/)?[\w-]+")


class TaskBook(Protocol):
    """What was told of tasks that have stopped, as ``ecs.describe_tasks`` or an event tells it."""

    def recall(self, cluster: str, task: str) -> Mapping[str, Any] | None:
        """``cluster``: its name; ``task``: the task's id."""


@dataclass(frozen=True, slots=True)
class TaskContainer:
    """``reason``: ECS's text on why it does not run; ``digest``: what its tag was pinned to. "": not told."""

    name: str
    image: str
    reason: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EcsTask:
    """``deployment`` is whose task it is within a service. ``subnet`` and ``address`` are those of the task's
    own interface, and ``interface`` is its id: empty where it has none. ``started`` is ``None`` for what
    never ran.

    ``gone``: ECS has forgotten it, and this is what its service asks for now.
    """

    arn: str
    definition_arn: str
    launch_type: str
    group: str = ""
    capacity_provider: str = ""
    deployment: str = ""
    container_instance_arn: str = ""
    subnet: str = ""
    address: str = ""
    interface: str = ""
    execution_role: str = ""  # of this task alone, instead of its definition's
    last_status: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    containers: tuple[TaskContainer, ...] = ()
    created: datetime | None = None
    pulled: datetime | None = None
    started: datetime | None = None
    gone: bool = False

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def service(self) -> str:
        return self.group.removeprefix("service:") if self.group.startswith("service:") else ""

    @property
    def family(self) -> str:
        return self.definition_arn.rpartition("/")[2].partition(":")[0]

    @property
    def workload(self) -> str:
        return f"Service/{self.service}" if self.service else f"Task/{self.family}"

    @property
    def on_own_instance(self) -> bool:
        """Whether it runs on an EC2 instance, by whose interface images come in."""
        return self.launch_type in (EC2, MANAGED_INSTANCES)

    @property
    def instance_may_pull(self) -> bool:
        """Whether the instance's own role may be what pulls; elsewhere it is always the execution role
        (docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html)."""
        return self.launch_type == EC2


def parse_task(tree: Mapping[str, Any]) -> EcsTask:
    """From an answer of ``describe_tasks``, or an event's detail: they differ in how they write times.

    An event is a stranger's word.

    :raises ValueError: its ARN is none of a task
    """
    arn = _text(tree["taskArn"])
    if not _ARN.fullmatch(arn):
        raise ValueError(f"{arn[:200]!r} is no task's ARN")
    placed = {_text(one.get("name")): _text(one.get("value")) for each in _interfaces(tree) for one in each}
    provider = _text(tree.get("capacityProviderName"))
    return EcsTask(
        arn=arn,
        definition_arn=_text(tree.get("taskDefinitionArn")),
        launch_type=_text(tree.get("launchType")) or launch_type_of(provider),
        group=_text(tree.get("group")),
        capacity_provider=provider,
        deployment=_text(tree.get("startedBy")),
        container_instance_arn=_text(tree.get("containerInstanceArn")),
        subnet=placed.get("subnetId", ""),
        address=placed.get("privateIPv4Address", ""),
        interface=placed.get("networkInterfaceId", ""),
        execution_role=_text((tree.get("overrides") or {}).get("executionRoleArn")),
        last_status=_text(tree.get("lastStatus")),
        stop_code=_text(tree.get("stopCode")),
        stopped_reason=_text(tree.get("stoppedReason")),
        containers=tuple(
            TaskContainer(
                _text(one.get("name")),
                _text(one.get("image")),
                _text(one.get("reason")),
                _text(one.get("imageDigest")),
            )
            for one in tree.get("containers") or ()
        ),
        created=_time(tree.get("createdAt")),
        pulled=_time(tree.get("pullStoppedAt")),
        started=_time(tree.get("startedAt")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def launch_type_of(capacity_provider: str) -> str:
    """Where a capacity provider places tasks, if nothing else tells."""
    return FARGATE if capacity_provider.startswith("FARGATE") else EC2


def _interfaces(tree: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    # describe_tasks calls them ElasticNetworkInterface, events call them eni.
    kinds = ("ElasticNetworkInterface", "eni")
    return [one.get("details") or [] for one in tree.get("attachments") or () if one.get("type") in kinds]


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    try:
        found = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaskName:
    region: str
    cluster: str
    id: str


@fact()
def task_name(pull: FailedPull, cluster: Cluster) -> TaskName:
    if cluster.kind != "ecs" or not pull.pods:
        raise NotApplicable("this is no task of ECS")
    return TaskName(cluster.region, pull.namespace, pull.pods[0])


@fact()
async def ecs_task(name: TaskName, book: TaskBook, service: EcsService | None, aws: Aws) -> EcsTask:
    tree = book.recall(name.cluster, name.id)
    if tree is not None:
        return parse_task(tree)
    try:
        answer = await aws("ecs", "describe_tasks", region=name.region, cluster=name.cluster, tasks=[name.id])
    except NotFound as why:
        raise Unavailable(f"ECS does not know the cluster {name.cluster}: {why}") from None
    for one in answer.get("tasks", ()):
        return parse_task(one)
    if service is None:
        raise Unavailable(f"ECS does not show the task {name.id} any more: it forgets tasks after an hour")
    return EcsTask(
        arn=service.task_arn(name.id),
        definition_arn=service.definition_arn,
        launch_type=service.launch_type,
        group=f"service:{service.name}",
        gone=True,
    )
