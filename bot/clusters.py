"""The configured clusters, connected: whose clients facts and steps get, and which channel is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.clouds._registry import RegistryClient
from bot.clouds.azure import Endpoints, Identities
from bot.clouds.connect import Connected, connect
from bot.clouds.ecs import connect_ecs
from bot.clouds.kubeconfig import BadKubeconfig, Context, in_cluster, read_context
from bot.watch.ecs_targets import PREFIX
from bot.watch.eyes import Patience
from bot.watch.targets import NoSuchTarget
from checks.model import FailedPull
from handlers.remedies.aws.troubleshoot_task import troubleshoot_task

if TYPE_CHECKING:  # pydantic takes its time; the terminal comes here without a configuration
    from bot.settings import Settings
    from bot.settings_clusters import Cluster


class ClusterDown(Exception):
    """No such cluster, or it cannot be looked at. The message says which there are."""


class Clusters:
    """``connected``: the clusters that can be watched, by name; ``channels``: (chat, channel) to names.

    ``identities`` are what those in Azure share.
    """

    def __init__(
        self,
        connected: Mapping[str, Connected],
        channels: Mapping[tuple[str, str], tuple[str, ...]],
        *,
        stall_after: timedelta,
        identities: Identities | None = None,
    ) -> None:
        self._connected = dict(connected)
        self._identities = identities
        self._channels = channels
        self._stall_after = stall_after

    @property
    def connected(self) -> Mapping[str, Connected]:
        return self._connected

    def roots(self, name: str) -> Mapping[Any, object]:
        """Read clients by type.

        :raises ClusterDown: an incident of a cluster that is not configured any more.
        """
        return self._one(name).roots

    def hands(self, name: str) -> Mapping[Any, object]:
        """Write clients by type; only the executor asks for them."""
        return self._one(name).hands

    def expect(self, name: str) -> None:
        """:raises ClusterDown: it is not configured any more, and nothing can be looked up or done there."""
        self._one(name)

    def for_channel(self, chat: str, channel: str, wanted: str = "", target: str = "") -> tuple[str, ...]:
        """The clusters that somebody in that channel means.

        :param wanted: the one they named, "" for the channel's own
        :param target: what they ask for there; ``ecs:…`` is on no other kind of cluster
        :raises ClusterDown: there is none of that name, or the channel belongs to none
        """
        if wanted:
            self._one(wanted)
            return (wanted,)
        mine = self._channels.get((chat, channel), ())
        if target:
            in_ecs = target.startswith(PREFIX)
            fitting = mine or (self._connected if in_ecs else ())
            mine = tuple(one for one in fitting if self._is_ecs(one) == in_ecs)
            if in_ecs and not mine:
                raise ClusterDown(f"{target} is in ECS, and no ECS cluster belongs here; name one with -c")
        if mine:
            return mine
        if len(self._connected) == 1:
            return tuple(self._connected)
        raise ClusterDown(f"this channel belongs to no cluster; name one with -c: {self._names()}")

    async def failing_now(self, name: str, namespace: str, target: str) -> tuple[FailedPull, ...]:
        """See ``Eyes``. Without a namespace: everywhere, or ``default`` for a target."""
        one = self._one(name)
        is_ecs = self._is_ecs(name)
        if target.startswith(PREFIX) and not is_ecs:
            raise NoSuchTarget(f"{name} is no ECS cluster; name one with -c")
        where = namespace or ("default" if target and not is_ecs else "")
        return await one.eyes.failing_now(where, target, Patience(self._stall_after))

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._connected.values()))
        if self._identities is not None:
            await self._identities.close()

    def _is_ecs(self, name: str) -> bool:
        return self._one(name).cluster.kind == "ecs"

    def _one(self, name: str) -> Connected:
        found = self._connected.get(name)
        if found is None:
            raise ClusterDown(f"there is no cluster {name!r}; there is {self._names()}")
        return found

    def _names(self) -> str:
        return ", ".join(self._connected) or "none that this version can watch"


def unguarded(settings: Settings, clusters: Clusters) -> tuple[str, ...]:
    """A sentence for each cluster in a cloud that is written to by whoever reads it."""
    return (
        *_written_by_readers(settings, "aws", "write_role", {
            one.name
            for one in settings.clusters
            if one.aws.write_role is None and _is_in_aws(one, clusters.connected[one.name])
        }),
        *_written_by_readers(settings, "azure", "write_client_id", {
            one.name
            for one in settings.clusters
            if (one.azure is None and one.kind == "aks") or (one.azure and not one.azure.write_client_id)
        }),
    )  # fmt: skip


def _written_by_readers(settings: Settings, cloud: str, key: str, names: set[str]) -> tuple[str, ...]:
    writing = sorted(one for one in settings.remedies.enabled if one.startswith(f"{cloud}/"))
    if not writing:
        return ()
    return tuple(
        f"cluster {one.name} has no {cloud}.{key}: what is approved is written by the identity that reads; "
        f"set clusters[].{cloud}.{key}, or enable no remedy of {cloud} ({', '.join(writing)})"
        for one in settings.clusters
        if one.name in names
    )


def without_runbook(settings: Settings) -> tuple[str, ...]:
    """A sentence for each cluster of ECS where AWS's runbook is enabled and has nothing to act as."""
    if troubleshoot_task.id not in settings.remedies.enabled:
        return ()
    return tuple(
        f"cluster {one.name} has no aws.automation_role: {troubleshoot_task.id} is shown as a command only"
        for one in settings.clusters
        if one.kind == "ecs" and one.aws.automation_role is None
    )


def _is_in_aws(configured: Cluster, connected: Connected) -> bool:
    """As far as it is known before anything was asked."""
    kind = connected.cluster.kind
    return kind in ("eks", "ecs") or (not kind and bool(configured.aws.read_role or configured.region))


async def connect_all(settings: Settings, environ: Mapping[str, str]) -> Clusters:
    """Clients for every cluster of the configuration. Nothing is asked of them yet.

    :raises BadKubeconfig: a context is missing or the kubeconfig cannot be read
    """
    wanted = settings.clusters
    endpoints = Endpoints(settings.azure.resource_manager, settings.azure.graph)
    identities = Identities()
    made = await asyncio.gather(
        *(_connected(one, environ, endpoints, identities, registry_client(settings)) for one in wanted)
    )
    channels: dict[tuple[str, str], tuple[str, ...]] = {}
    for cluster in wanted:
        for chat in ("slack", "teams", "page"):
            if channel := settings.channel_of(cluster.name, chat):
                channels[chat, channel] = (*channels.get((chat, channel), ()), cluster.name)
    by_name = {cluster.name: one for cluster, one in zip(wanted, made, strict=True)}
    return Clusters(by_name, channels, stall_after=settings.watch.stall_after, identities=identities)


async def _connected(
    cluster: Cluster,
    environ: Mapping[str, str],
    endpoints: Endpoints,
    identities: Identities,
    registry: RegistryClient | None,
) -> Connected:
    if cluster.kind == "ecs":
        return connect_ecs(cluster.region or "", cluster, registry)
    return await connect(_context(cluster, environ), cluster, endpoints, identities, registry)


def registry_client(settings: Settings) -> RegistryClient | None:
    """What one cluster's registries are asked with; ``None`` where they are not to be asked."""
    return RegistryClient(settings.registry.allow_local_hosts) if settings.registry.probe else None


def _context(cluster: Cluster, environ: Mapping[str, str]) -> Context:
    if cluster.context is None:
        return in_cluster()
    try:
        return read_context(cluster.context, environ)
    except BadKubeconfig as error:
        raise BadKubeconfig(f"cluster {cluster.name}: {error}") from None
