"""One cluster's clients, by type: what its facts may read, and what approved plans may write with.

Reading and writing are different clients under different roles. boto3 is only imported when a fact asks
AWS something, so a cluster elsewhere never waits for it; which cloud a node is in, its provider id tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.clouds._aws import AwsHands, AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.clouds._kube import KubeHands, KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.clouds.kubeconfig import Context
from bot.watch.eyes import Eyes, KubernetesEyes
from checks.aws.facts import Aws
from checks.host import Cluster
from checks.kubernetes.facts import Kube
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedies.kubernetes.steps import KubeWriter

if TYPE_CHECKING:  # pydantic takes its time, and `pullbot why` can do without a configuration
    from bot.settings_shape import Cluster as Configured


@dataclass(frozen=True, slots=True)
class Connected:
    """``roots`` and ``hands`` are what facts and steps are given. ``calls`` counts reads by kind of API.

    ``eyes`` find what fails.
    """

    cluster: Cluster
    eyes: Eyes
    roots: Mapping[Any, object]
    hands: Mapping[Any, object]
    calls: Callable[[], dict[str, int]]
    close: Callable[[], Awaitable[None]]


async def connect(context: Context, configured: Configured | None = None) -> Connected:
    """Clients for the cluster of ``context``; what is configured wins over what was found out.

    Nothing is asked yet.
    """
    cluster = _cluster(context, configured)
    connection = KubeConnection(context.name)
    kube = KubeReader(connection)
    aws = AwsReader(Sessions(), roles_of(configured, "read_role"))
    aws_hands = AwsHands(Sessions(), roles_of(configured, "write_role"))

    def calls() -> dict[str, int]:
        return {"aws": aws.calls, "azure": 0, "kubernetes": kube.calls, "registry": 0}

    async def close() -> None:
        aws.close()
        aws_hands.close()
        await connection.close()

    return Connected(
        cluster,
        KubernetesEyes(kube, cluster),
        roots={Cluster: cluster, Kube: kube, Aws: aws},
        hands={KubeWriter: KubeHands(connection), AwsWriter: aws_hands},
        calls=calls,
        close=close,
    )


def _cluster(context: Context, configured: Configured | None) -> Cluster:
    kind = "eks" if context.cloud_name else ""
    if configured is None:
        return Cluster(context.name or "in-cluster", kind, context.region, context.cloud_name)
    return Cluster(
        configured.name,
        configured.kind or kind,
        configured.region or context.region,
        context.cloud_name,
    )


def roles_of(configured: Configured | None, which: str) -> Roles:
    """``which``: read_role or write_role."""
    if configured is None:
        return Roles()
    owners = {account: getattr(access, which) or "" for account, access in configured.aws.owners.items()}
    return Roles(
        getattr(configured.aws, which) or "",
        {account: role for account, role in owners.items() if role},
        frozenset(account for account, role in owners.items() if not role),
    )
