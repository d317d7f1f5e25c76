"""The network security groups that a pull's packets leave through: the nodes' own, and their subnet's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from checks.azure.facts import Arm, ResourceId
from checks.azure.machines import NodeMachines
from checks.azure.networks import NodeSubnet
from checks.azure.security_rules import SecurityGroup, security_group
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = ("Microsoft.Network/networkSecurityGroups/read",)


@dataclass(frozen=True, slots=True)
class SecurityGroups:
    """Those that the packets leave through, the nodes' own first; each once."""

    all: tuple[SecurityGroup, ...]


@fact()
async def security_groups(subnet: NodeSubnet, machines: NodeMachines, arm: Arm) -> SecurityGroups:
    named = dict.fromkeys(one for one in (machines.security_group, subnet.security_group) if one is not None)
    return SecurityGroups(tuple(await asyncio.gather(*(_read(one, arm) for one in named))))


async def _read(id: ResourceId, arm: Arm) -> SecurityGroup:
    try:
        return security_group(await arm.get(str(id)), id)
    except NotFound:
        raise Unavailable(
            f"Azure has no security group {id} (deleted meanwhile, or not shown to us)"
        ) from None
