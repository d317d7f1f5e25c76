"""What the demo has in Azure: a cluster whose nodes have an identity that nobody let into the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.demo import azure_world as world
from bot.demo import shapes
from bot.demo.azure import Azure
from bot.demo.azure_api import AzureApi
from bot.demo.azure_registry import AzureRegistry
from bot.demo.cluster import RunningCluster, running_cluster
from bot.demo.kubelet import Pace
from bot.demo.shapes import Tree

CLUSTER = "demo-aks"
POOL = "np1"
NODE = f"{world.SCALE_SET}000000"
IMAGE = f"{world.REGISTRY}.azurecr.io/shop/orders:2.4.0"
MACHINES = f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"


@dataclass(frozen=True, slots=True)
class AzureStory:
    """``url`` is where ARM and Graph answer; ``environment`` is how azure-identity finds its tokens there."""

    azure: Azure
    url: str
    environment: dict[str, str]
    cluster: RunningCluster


@asynccontextmanager
async def azure_story(*, pace: Pace | None = None) -> AsyncIterator[AzureStory]:
    """A simulated Azure, and a cluster in it with one deployment, ``orders``, that cannot be pulled."""
    azure = world.public_world()
    del azure.resources[world.PULL_ASSIGNMENT.lower()]
    api = AzureApi(azure)
    url = await api.start()
    try:
        registry = AzureRegistry(azure, MACHINES, {IMAGE})
        async with running_cluster(node(), registry.pull, name=CLUSTER, pace=pace) as cluster:
            cluster.deploy("orders", IMAGE)
            yield AzureStory(azure, url, api.environment(), cluster)
    finally:
        await api.stop()


def node() -> Tree:
    """As AKS labels one."""
    labels = {
        "agentpool": POOL,
        "kubernetes.azure.com/agentpool": POOL,
        "kubernetes.azure.com/cluster": world.NODE_GROUP,
        "kubernetes.azure.com/mode": "system",
        "node.kubernetes.io/instance-type": "Standard_D2s_v5",
        "topology.kubernetes.io/region": "westeurope",
        "topology.kubernetes.io/zone": "westeurope-1",
    }
    made = shapes.node(NODE, world.PROVIDER_ID, labels)
    made["status"]["nodeInfo"] |= {
        "kernelVersion": "5.15.0-1092-azure",
        "kubeletVersion": "v1.34.1",
        "osImage": "Ubuntu 22.04.5 LTS",
    }
    return made
