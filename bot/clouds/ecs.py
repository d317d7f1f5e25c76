"""ECS in one region of one account: there is no API of a cluster's own, only AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.clouds._aws import AwsHands, AwsReader
from bot.clouds._aws_queue import AwsQueue
from bot.clouds._aws_sessions import Sessions
from bot.clouds._registry import RegistryClient
from bot.clouds.connect import Connected, asking, counted, roles_of
from bot.watch.ecs import EcsEyes
from bot.watch.ecs_book import StoppedTasks
from checks.aws.ecs_tasks import TaskBook
from checks.aws.facts import Aws
from checks.host import Cluster
from handlers.remedies.aws.runbook_steps import AutomationRole
from handlers.remedies.aws.steps import AwsWriter

if TYPE_CHECKING:  # pydantic takes its time, and `pullbot why` can do without a configuration
    from bot.settings_clusters import Cluster as Configured


def connect_ecs(
    region: str, configured: Configured | None = None, registry: RegistryClient | None = None
) -> Connected:
    """Clients for all clusters of ECS in ``region``. Nothing is asked yet. ``registry``: see ``connect``."""
    cluster = Cluster(configured.name if configured else region, "ecs", region)
    aws = AwsReader(Sessions(), roles_of(configured, "read_role"))
    hands = AwsHands(Sessions(), roles_of(configured, "write_role"))
    book = StoppedTasks()
    queue = _queue(region, configured)
    # Of the ambient credentials it is not known before they are used.
    account = _account(configured)

    async def close() -> None:
        aws.close()
        hands.close()
        if queue is not None:
            queue.close()
        if registry is not None:
            await registry.close()

    return Connected(
        cluster,
        EcsEyes(aws, cluster, book, account=account, queue=queue),
        roots={Cluster: cluster, Aws: aws, TaskBook: book, **_runbooks(configured), **asking(registry)},
        hands={AwsWriter: hands},
        calls=lambda: {"aws": aws.calls, "azure": 0, "kubernetes": 0, **counted(registry)},
        close=close,
    )


def _queue(region: str, configured: Configured | None) -> AwsQueue | None:
    if configured is None or configured.queue is None:
        return None
    return AwsQueue(configured.queue, region, Sessions(), roles_of(configured, "read_role"))


def _runbooks(configured: Configured | None) -> dict[Any, object]:
    role = configured.aws.automation_role if configured is not None else None
    return {AutomationRole: AutomationRole(role)} if role else {}


def _account(configured: Configured | None) -> str:
    role = configured.aws.read_role if configured is not None else None
    return role.split(":")[4] if role else ""
