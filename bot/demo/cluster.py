"""The demo's cluster: an API server on loopback, a node that pulls, and a kubeconfig that leads there."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.demo import shapes
from bot.demo.kubelet import Pace, Pull
from bot.demo.kubernetes_api import KubernetesApi
from bot.demo.registry import Registry
from bot.demo.shapes import Tree
from bot.demo.simulation import SimulatedCluster
from bot.demo.story import CLUSTER, Story

NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """``kubeconfig`` is the file with which any client gets in; ``api`` is for who wants to disturb it."""

    kubeconfig: Path
    url: str
    api: KubernetesApi
    simulation: SimulatedCluster

    def deploy(self, name: str, image: str, replicas: int = 1, namespace: str = NAMESPACE) -> None:
        """Create a deployment, or change its image and size."""
        self.api.objects.put(shapes.deployment(name, image, replicas, namespace))

    def delete(self, name: str, namespace: str = NAMESPACE) -> None:
        self.api.objects.delete("deployments", name, namespace)

    def pods(self, name: str, namespace: str = NAMESPACE) -> list[Tree]:
        """The pods of a deployment, to be read only."""
        labelled = self.api.objects.trees("pods", namespace)
        return [one for one in labelled if one["metadata"]["labels"].get("app") == name]


@asynccontextmanager
async def simulated_cluster(story: Story, *, pace: Pace | None = None) -> AsyncIterator[RunningCluster]:
    """A cluster whose node is the story's EC2 instance, and which runs the story's deployments."""
    world = story.world
    zone = world.provider_id.split("/")[3]
    labels = {
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
        "eks.amazonaws.com/nodegroup": world.nodegroup,
        "node.kubernetes.io/instance-type": "m5.large",
        "topology.kubernetes.io/region": world.region,
        "topology.kubernetes.io/zone": zone,
    }
    node = shapes.node(f"ip-10-0-1-10.{world.region}.compute.internal", world.provider_id, labels)
    async with running_cluster(node, Registry(world).pull, pace=pace) as cluster:
        for one in story.deployments:
            cluster.deploy(one.name, one.image)
        yield cluster


@asynccontextmanager
async def running_cluster(
    node: Tree, pull: Pull, *, name: str = CLUSTER, pace: Pace | None = None
) -> AsyncIterator[RunningCluster]:
    """A cluster of that node, which pulls from whatever ``pull`` stands for. Nothing runs in it yet.

    ``name`` is that of its context.
    """
    token = secrets.token_hex(16)
    api = KubernetesApi(token=token)
    for namespace in ("kube-system", NAMESPACE):
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        api.objects.put(account | {"metadata": {"name": "default", "namespace": namespace}})
    simulation = SimulatedCluster(api.objects, node, pull, pace=pace)
    url = await api.start()
    try:
        await simulation.start()
        with tempfile.TemporaryDirectory(prefix="pullbot-cluster-") as folder:
            kubeconfig = _write_kubeconfig(Path(folder), name, url, token)
            yield RunningCluster(kubeconfig, url, api, simulation)
    finally:
        await api.stop()
        await simulation.stop()


def _write_kubeconfig(folder: Path, name: str, url: str, token: str) -> Path:
    path = folder / "config"
    path.touch(mode=0o600)
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": NAMESPACE}}],
        "current-context": name,
    }
    path.write_text(yaml.safe_dump(tree, sort_keys=False), "utf-8")
    return path
