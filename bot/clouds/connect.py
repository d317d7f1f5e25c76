"""One cluster's clients, by type: what its facts may read, and what approved plans may write with.

Reading and writing are different clients under different roles. boto3 is only imported when a fact asks
AWS something, and azure-identity when one asks Azure, so a cluster elsewhere never waits for them; which
cloud a node is in, its provider id tells.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.clouds._aws import AwsHands, AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.clouds._kube import KubeHands, KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.clouds._registry import RegistryClient
from bot.clouds.azure import Azure, Endpoints, Identities
from bot.clouds.kubeconfig import Context
from bot.clouds.registry_logins import Kept, Known
from bot.watch.eyes import Eyes, KubernetesEyes
from checks.aws.facts import Aws
from checks.host import Cluster
from checks.kubernetes.facts import Kube
from checks.kubernetes.registry_logins import RegistryLogins
from checks.registry.facts import Registry
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedies.kubernetes.login_steps import LoginReader
from handlers.remedies.kubernetes.secret_steps import SecretWriter
from handlers.remedies.kubernetes.steps import KubeWriter

if TYPE_CHECKING:  # pydantic takes its time, and `pullbot why` can do without a configuration
    from bot.settings_clusters import Cluster as Configured


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


async def connect(
    context: Context,
    configured: Configured | None = None,
    azure: Endpoints | None = None,
    identities: Identities | None = None,
    registry: RegistryClient | None = None,
) -> Connected:
    """Clients for the cluster of ``context``; what is configured wins over what was found out.

    Nothing is asked yet. ``azure``: where its APIs are; ``None`` for the public cloud's. ``identities``
    in Azure are shared with other clusters, and outlive this one; ``None`` for its own. ``registry`` is
    closed with the rest; without one no registry is asked but by its cloud's API.
    """
    cluster = _cluster(context, configured)
    connection = KubeConnection(context.name)
    kube = KubeReader(connection)
    aws = AwsReader(Sessions(), roles_of(configured, "read_role"))
    aws_hands = AwsHands(Sessions(), roles_of(configured, "write_role"))
    kube_hands = KubeHands(connection)
    logins = Kept(configured.registry_logins if configured is not None else (), os.environ, aws_hands)
    in_azure = Azure(azure or Endpoints(), _azure_writer(configured), identities)

    def calls() -> dict[str, int]:
        return {"aws": aws.calls, "azure": in_azure.calls, "kubernetes": kube.calls, **counted(registry)}

    async def close() -> None:
        aws.close()
        aws_hands.close()
        await in_azure.close()
        await connection.close()
        if registry is not None:
            await registry.close()

    return Connected(
        cluster,
        KubernetesEyes(kube, cluster),
        roots={
            Cluster: cluster,
            Kube: kube,
            Aws: aws,
            RegistryLogins: Known(logins),
            **in_azure.roots,
            **asking(registry),
        },
        hands={
            KubeWriter: kube_hands,
            SecretWriter: kube_hands,
            LoginReader: logins,
            AwsWriter: aws_hands,
            **in_azure.hands,
        },
        calls=calls,
        close=close,
    )


def asking(registry: RegistryClient | None) -> dict[Any, object]:
    """The root by which registries are asked, if they are."""
    return {} if registry is None else {Registry: registry}


def counted(registry: RegistryClient | None) -> dict[str, int]:
    return {"registry": 0 if registry is None else registry.calls}


def _cluster(context: Context, configured: Configured | None) -> Cluster:
    kind = "eks" if context.cloud_name else ""
    if configured is None:
        return Cluster(context.name or "in-cluster", kind, context.region, context.cloud_name)
    return Cluster(
        configured.name,
        configured.kind or kind,
        configured.region or context.region,
        context.cloud_name,
        _aks_id(configured),
    )


def _aks_id(configured: Configured) -> str:
    """The id of the cluster in ARM, or "": the nodes then tell whose they are."""
    place = configured.azure
    if place is None:
        return ""
    return (
        f"/subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{place.cluster}"
    )


def _azure_writer(configured: Configured | None) -> str:
    place = configured.azure if configured is not None else None
    return (place.write_client_id or "") if place is not None else ""


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
