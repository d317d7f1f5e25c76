"""A cluster of EKS on a simulated AWS, and a pull that fails on its node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clouds._aws import AwsReader
from bot.demo.aws_world import World
from checks.aws.facts import Aws
from checks.host import Cluster
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, NotFound, Symptom

_NODE = "ip-10-0-1-7"


class Nodes:
    """The port ``Kube`` on nodes of EKS: their provider ids and labels, by name."""

    def __init__(self, **nodes: tuple[str, Mapping[str, str]]) -> None:
        self._nodes = nodes

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        try:
            provider_id, labels = self._nodes[path.removeprefix("/api/v1/nodes/")]
        except KeyError:
            raise NotFound("NotFound") from None
        return {
            "metadata": {"labels": labels},
            "spec": {"providerID": provider_id},
            "status": {"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"}},
        }


def node_of(world: World) -> Nodes:
    return Nodes(**{_NODE: (world.provider_id, {"eks.amazonaws.com/nodegroup": world.nodegroup})})


def roots_of(world: World, aws: AwsReader, nodes: Nodes | None = None) -> dict[Any, object]:
    """What facts start from; ``nodes`` instead of the world's only one."""
    cluster = Cluster(world.cluster, "eks", world.region, world.cluster)
    return {Aws: aws, Kube: nodes or node_of(world), Cluster: cluster}


def failed_pull(world: World, symptom: Symptom, message: str = "") -> FailedPull:
    return FailedPull(
        cluster=world.cluster,
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=(_NODE,),
        host_kind=f"nodegroup/{world.nodegroup}",
        image=world.image,
        symptom=symptom,
        message=message,
    )
