"""The far side of a private endpoint: its subnet, and what guards it.

Security groups and routes hold for private endpoints only where their subnet says so
(learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from checks.azure.facts import Arm
from checks.azure.networks import Network, NodeSubnet, Peerings, subnet
from checks.azure.private_endpoints import PrivateEndpoint, PrivateEndpoints
from checks.azure.registry import Registry
from checks.azure.security_rules import SecurityGroup, security_group
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/virtualNetworks/subnets/read",
)

_BY_GROUPS = frozenset({"enabled", "networksecuritygroupenabled"})
_BY_ROUTES = frozenset({"enabled", "routetableenabled"})


@dataclass(frozen=True, slots=True)
class EndpointSide:
    """``group`` guards the endpoint; ``None``: nothing does. ``unread``: what of it is not known.

    ``prefixes`` are its network's, as the nodes' network knows them; none where the two are not joined, and
    ``None`` where that is not known.
    """

    endpoint: PrivateEndpoint
    subnet: NodeSubnet | None
    group: SecurityGroup | None
    prefixes: tuple[str, ...] | None = None
    unread: str = ""

    @property
    def routes_hold(self) -> bool:
        """Whether a route of ours may go before the one that the endpoint brings along."""
        return self.subnet is not None and self.subnet.private_endpoint_policies.lower() in _BY_ROUTES


@dataclass(frozen=True, slots=True)
class EndpointSides:
    """Of every approved private endpoint; none where the registry has none."""

    all: tuple[EndpointSide, ...]

    def at(self, address: str) -> EndpointSide | None:
        return next((one for one in self.all if one.endpoint.has(address)), None)


# The two are tried in the order of their names.
@fact()
async def endpoint_sides(
    endpoints: PrivateEndpoints, network: Network | None, peerings: Peerings | None, arm: Arm
) -> EndpointSides:
    found = await asyncio.gather(*(_side(one, arm) for one in endpoints.approved))
    return EndpointSides(
        tuple(replace(one, prefixes=_prefixes(one.endpoint, network, peerings)) for one in found)
    )


@fact()
def no_endpoint_sides(registry: Registry) -> EndpointSides:
    return EndpointSides(())


def _prefixes(
    endpoint: PrivateEndpoint, network: Network | None, peerings: Peerings | None
) -> tuple[str, ...] | None:
    if endpoint.network is None or network is None:
        return None
    if endpoint.network == network.id:
        return network.prefixes
    if peerings is None:
        return None
    joint = peerings.to(endpoint.network)
    return joint.current if joint else ()


async def _side(endpoint: PrivateEndpoint, arm: Arm) -> EndpointSide:
    """What is not shown of one endpoint says nothing of the others."""
    if endpoint.subnet is None:
        unread = endpoint.unread or f"Azure names no subnet of {endpoint.id.name}"
        return EndpointSide(endpoint, None, None, unread=unread)
    try:
        found = subnet(await arm.get(str(endpoint.subnet)), endpoint.subnet)
        guarded = found.private_endpoint_policies.lower() in _BY_GROUPS
        if not guarded or found.security_group is None:
            return EndpointSide(endpoint, found, None)
        tree = await arm.get(str(found.security_group))
        return EndpointSide(endpoint, found, security_group(tree, found.security_group))
    except (NotFound, Unavailable) as why:
        return EndpointSide(endpoint, None, None, unread=f"what guards {endpoint.id.name}: {why}")
