"""The configured clusters, connected: whose clients facts and steps get, and which channel is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import BadKubeconfig, Context, in_cluster, read_context
from bot.watch.kubernetes import failing_now
from checks.model import FailedPull

if TYPE_CHECKING:  # pydantic takes its time; the terminal comes here without a configuration
    from bot.settings import Settings
    from bot.settings_shape import Cluster


class ClusterDown(Exception):
    """No such cluster, or it cannot be looked at. The message says which there are."""


class Clusters:
    """``connected``: the clusters that can be watched, by name; ``channels``: (chat, channel) to names."""

    def __init__(
        self,
        connected: Mapping[str, Connected],
        channels: Mapping[tuple[str, str], tuple[str, ...]],
        *,
        stall_after: timedelta,
    ) -> None:
        self._connected = dict(connected)
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

    def for_channel(self, chat: str, channel: str, wanted: str = "") -> tuple[str, ...]:
        """The clusters that somebody in that channel means.

        :param wanted: the one they named, "" for the channel's own
        :raises ClusterDown: there is none of that name, or the channel belongs to none
        """
        if wanted:
            self._one(wanted)
            return (wanted,)
        mine = self._channels.get((chat, channel), ())
        if mine:
            return mine
        if len(self._connected) == 1:
            return tuple(self._connected)
        raise ClusterDown(f"this channel belongs to no cluster; name one with -c: {self._names()}")

    async def failing_now(self, name: str, namespace: str, target: str) -> tuple[FailedPull, ...]:
        """See ``bot.watch.kubernetes``. Without a namespace: everywhere, or ``default`` for a target."""
        one = self._one(name)
        where = namespace or ("default" if target else "")
        return await failing_now(one.kube, one.cluster, where, target, stall_after=self._stall_after)

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._connected.values()))

    def _one(self, name: str) -> Connected:
        found = self._connected.get(name)
        if found is None:
            raise ClusterDown(f"there is no cluster {name!r}; there is {self._names()}")
        return found

    def _names(self) -> str:
        return ", ".join(self._connected) or "none that this version can watch"


async def connect_all(settings: Settings, environ: Mapping[str, str]) -> Clusters:
    """Clients for every Kubernetes cluster of the configuration. Nothing is asked of them yet.

    :raises BadKubeconfig: a context is missing or the kubeconfig cannot be read
    """
    wanted = [one for one in settings.clusters if one.kind != "ecs"]
    contexts = [_context(one, environ) for one in wanted]
    made = await asyncio.gather(*map(connect, contexts, wanted))
    channels: dict[tuple[str, str], tuple[str, ...]] = {}
    for cluster in wanted:
        for chat in ("slack", "teams", "page"):
            if channel := settings.channel_of(cluster.name, chat):
                channels[chat, channel] = (*channels.get((chat, channel), ()), cluster.name)
    by_name = {cluster.name: one for cluster, one in zip(wanted, made, strict=True)}
    return Clusters(by_name, channels, stall_after=settings.watch.stall_after)


def _context(cluster: Cluster, environ: Mapping[str, str]) -> Context:
    if cluster.context is None:
        return in_cluster()
    try:
        return read_context(cluster.context, environ)
    except BadKubeconfig as error:
        raise BadKubeconfig(f"cluster {cluster.name}: {error}") from None
