"""A security group in the nodes' resource group is AKS's own: what others change there is not supported.

It may be put back, or stand in the way of upgrades (learn.microsoft.com/azure/aks/support-policies).
"""

from __future__ import annotations

import shlex

from checks.azure.nsg_lets_out import nsg_lets_out
from checks.azure.outbound_way import WayOut
from checks.model import NotApplicable
from handlers.remedies.azure.open_nsg import denied, is_of_aks
from handlers.remedy import ByHand, by_hand


@by_hand("Take the denial out of AKS's own security group", cures=nsg_lets_out)
def mend_nsg_of_aks(now: WayOut) -> ByHand:
    theirs = [one for one in denied(now) if is_of_aks(one.group.id, now.cluster)]
    if not theirs:
        raise NotApplicable("the groups are not AKS's own")
    group = theirs[0].group.id
    words = [
        "az",
        "network",
        "nsg",
        "rule",
        "delete",
        "--nsg-name",
        group.name,
        "--resource-group",
        group.group,
    ]
    rules = dict.fromkeys(one.decision.rule.name for one in theirs if one.decision.rule)
    return ByHand(
        f"Who answers for {now.cluster.id.name} takes out what somebody put into {group.name} past AKS: "
        f"{', '.join(rules)}",
        tuple(shlex.join([*words, "--subscription", group.subscription, "--name", one]) for one in rules),
        "ask first who made it, and why; such rules belong into the group of a subnet of one's own",
    )
