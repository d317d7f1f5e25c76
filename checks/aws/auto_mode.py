"""EKS Auto Mode: nodes that AWS runs, which EC2 may not show to anybody else.

Where the instance is not seen, its role is known from the cluster, as long as the node is of the default
node class: other classes name roles of their own
(docs.aws.amazon.com/eks/latest/userguide/create-node-class.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.facts import Aws, Grant
from checks.aws.nodes import EksCluster, InstanceId
from checks.graph import fact
from checks.host import Host
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("eks:DescribeCluster",), "arn:{partition}:eks:*:*:cluster/*"),)

_NODE_CLASS_LABEL = "eks.amazonaws.com/nodeclass"


@dataclass(frozen=True, slots=True)
class AutoCluster:
    """The cluster of a node of the default node class; a fact of its own so that such nodes share reads."""

    name: str
    region: str


@fact()
def auto_cluster(where: InstanceId, host: Host, cluster: EksCluster) -> AutoCluster:
    if not where.managed:
        raise NotApplicable(f"{where.id} is not run by EKS Auto Mode")
    node_class = host.label(_NODE_CLASS_LABEL)
    if node_class not in ("", "default"):
        raise NotApplicable(f"{where.id} is of the node class {node_class}, which names its own role")
    return AutoCluster(cluster.name, cluster.region)


@dataclass(frozen=True, slots=True)
class AutoMode:
    """``role_arn``: what the cluster gives to nodes of the default class; empty where that is ``unread``."""

    cluster: str
    region: str
    role_arn: str
    unread: str = ""


@fact()
async def auto_mode(where: AutoCluster, aws: Aws) -> AutoMode:
    try:
        answer = await aws("eks", "describe_cluster", region=where.region, name=where.name)
    except NotFound:
        unknown = f"EKS knows no cluster {where.name} in {where.region}"
        return AutoMode(where.name, where.region, "", unread=unknown)
    except Unavailable as why:
        return AutoMode(where.name, where.region, "", unread=str(why))
    role = answer["cluster"].get("computeConfig", {}).get("nodeRoleArn", "")
    if not role:
        raise NotApplicable(f"{where.name} names no role for nodes of EKS Auto Mode")
    return AutoMode(where.name, where.region, role)
