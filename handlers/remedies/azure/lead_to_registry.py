"""Routes hold for everything in a subnet, and were made for a reason: they are for people to change."""

from __future__ import annotations

import shlex

from checks.azure.cluster import AksCluster
from checks.azure.route_tables import Hop, Ways
from checks.azure.routes_reach_registry import routes_reach_registry
from handlers.remedy import ByHand, by_hand


@by_hand("Lead the nodes to the registry", cures=routes_reach_registry)
def lead_to_registry(ways: Ways, cluster: AksCluster) -> ByHand:
    lost = ways.by(Hop.NOWHERE)
    if not lost or lost[0].route is None or ways.table.id is None:
        return ByHand(
            f"Who answers for {cluster.id.name} gives its nodes a way out, or the registry a private "
            f"endpoint in their network: with the outbound type {cluster.outbound} AKS makes none",
            (_outbound(cluster),),
            "every pull and every pod of the cluster then leaves that way",
        )
    table, route = ways.table.id, lost[0].route
    words = ["az", "network", "route-table", "route", "create", "--route-table-name", table.name]
    words += ["--resource-group", table.group, "--subscription", table.subscription, "--name", "acr"]
    words += [
        "--address-prefix",
        _prefix(lost[0].to.address, lost[0].to.tag),
        "--next-hop-type",
        "NEXT_HOP_TYPE",
    ]
    return ByHand(
        f"Who answers for {table.name} leads {', '.join(dict.fromkeys(one.to.host for one in lost))} past "
        f"the route {route}, to the Internet or to a firewall",
        (shlex.join(words),),
        f"it holds for everything in the subnets of {table.name}",
    )


def _prefix(address: str, tag: str) -> str:
    return tag or f"{address}/32"


def _outbound(cluster: AksCluster) -> str:
    words = ["az", "aks", "update", "--name", cluster.id.name, "--resource-group", cluster.id.group]
    return shlex.join([*words, "--subscription", cluster.id.subscription, "--outbound-type", "OUTBOUND_TYPE"])
