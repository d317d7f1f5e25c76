"""What a node's scale set says of it: the identities that it may act as, and the subnet that it is in.

A scale set's template names the subnet whether AKS made the network or its owner did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.cluster import Machine
from checks.azure.facts import Arm, ResourceId, block, rows, word
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/networkInterfaces/read",
)


@dataclass(frozen=True, slots=True)
class NodeMachines:
    """The scale set of a node, or its lone virtual machine. ``subnet`` and ``security_group`` as its template
    has them for the primary interface; ``None``: it names none.
    """

    id: ResourceId
    identities: tuple[ResourceId, ...]
    subnet: ResourceId | None
    security_group: ResourceId | None


@fact()
async def node_machines(machine: Machine, arm: Arm) -> NodeMachines:
    try:
        tree = await arm.get(str(machine.id))
    except NotFound:
        raise Unavailable(f"Azure has no {machine.id.name} (deleted, or not shown to us)") from None
    if machine.scale_set:
        interface = _primary(rows(
            tree, "properties", "virtualMachineProfile", "networkProfile", "networkInterfaceConfigurations"
        ))  # fmt: skip
    else:
        interface = await _interface(tree, arm)
    addresses = _primary(rows(interface, "properties", "ipConfigurations"))
    return NodeMachines(
        id=machine.id,
        identities=tuple(map(ResourceId, block(tree, "identity", "userAssignedIdentities"))),
        subnet=_id(addresses, "properties", "subnet", "id"),
        security_group=_id(interface, "properties", "networkSecurityGroup", "id"),
    )


async def _interface(machine: Mapping[str, Any], arm: Arm) -> Mapping[str, Any]:
    first = _primary(rows(machine, "properties", "networkProfile", "networkInterfaces"))
    try:
        return await arm.get(word(first, "id")) if first else {}
    except NotFound:
        return {}


def _primary(several: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    marked = (one for one in several if block(one, "properties").get("primary") is True)
    return next(marked, several[0] if several else {})


def _id(tree: Mapping[str, Any], *names: str) -> ResourceId | None:
    text = word(tree, *names)
    return ResourceId(text) if text else None
