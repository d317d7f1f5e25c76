"""Where the subnet's route table sends a pull's packets.

The longest prefix wins; a route of ours beats Azure's own of the same length; a service endpoint and the /32
of a private endpoint beat shorter ones
(learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from checks.azure.facts import Arm, ResourceId, block, rows, word
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_addresses import (
    Match,
    blocks,
    holds_address,
    holds_tag,
    is_everything,
    may_hold_public,
)
from checks.azure.outbound_endpoints import EndpointSides
from checks.azure.outbound_errands import Destination, Destinations, Errand
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = ("Microsoft.Network/routeTables/read",)


_AS_EXACT_AS_A_TAG = 12


class Hop(Enum):
    """DIRECT: Azure's own way, by a service endpoint or a private endpoint's /32. UNCERTAIN: not decided."""

    INTERNET = "Internet"
    DIRECT = "direct"
    NETWORK = "VnetLocal"
    APPLIANCE = "VirtualAppliance"
    GATEWAY = "VirtualNetworkGateway"
    NOWHERE = "None"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Route:
    """``to`` is a block or a service tag; ``address`` that of an appliance."""

    name: str
    to: str
    hop: Hop
    address: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.to} to {self.address or self.hop.value})"


@dataclass(frozen=True, slots=True)
class RouteTable:
    """``id`` is ``None`` for a subnet that has none: then Azure's own routes hold."""

    id: ResourceId | None
    routes: tuple[Route, ...]

    @property
    def name(self) -> str:
        return self.id.name if self.id else "Azure's own routes"

    @property
    def leads_everything(self) -> bool:
        return any(is_everything(one.to) for one in self.routes)


@fact()
async def route_table(subnet: NodeSubnet, arm: Arm) -> RouteTable:
    if subnet.route_table is None:
        return RouteTable(None, ())
    try:
        tree = await arm.get(str(subnet.route_table))
    except NotFound:
        raise Unavailable(f"Azure has no route table {subnet.route_table} (deleted meanwhile?)") from None
    return RouteTable(subnet.route_table, tuple(map(_route, rows(tree, "properties", "routes"))))


def _route(tree: Mapping[str, Any]) -> Route:
    has = block(tree, "properties")
    kinds = {hop.value.lower(): hop for hop in Hop}
    return Route(
        name=word(tree, "name"),
        to=word(has, "addressPrefix"),
        hop=kinds.get(word(has, "nextHopType").lower(), Hop.UNCERTAIN),
        address=word(has, "nextHopIpAddress"),
    )


@dataclass(frozen=True, slots=True)
class Way:
    """``route`` is ``None`` where Azure's own routes lead; ``why`` tells what is uncertain."""

    to: Destination
    hop: Hop
    route: Route | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    table: RouteTable
    all: tuple[Way, ...]

    def by(self, *hops: Hop) -> tuple[Way, ...]:
        return tuple(one for one in self.all if one.hop in hops)


@fact()
def ways(wanted: Destinations, table: RouteTable, subnet: NodeSubnet, sides: EndpointSides) -> Ways:
    def way(to: Destination) -> Way:
        if to.private:
            return _to_endpoint(to, table, sides)
        if _service(to) in {one.lower() for one in subnet.service_endpoints}:
            return Way(to, Hop.DIRECT)
        return to_public(to, table)

    return Ways(table, tuple(map(way, wanted.all)))


def _service(to: Destination) -> str:
    if to.errand is Errand.LAYERS and to.tag == "Storage":
        return "microsoft.storage"
    return "" if to.errand is Errand.TOKEN else "microsoft.containerregistry"


def to_public(to: Destination, table: RouteTable) -> Way:
    """Addresses of registries are no fixed list, so the most exact route that surely holds decides; another
    that may hold leaves it open, unless it is a mere way around.
    """
    sure = [(one, _holds(one, to)) for one in table.routes]
    best = max((one for one, holds in sure if holds is Match.YES), key=_exactness, default=None)
    hop = best.hop if best else Hop.INTERNET
    around = [] if to.address else [one for one, holds in sure if holds is Match.MAYBE and one.hop is not hop]
    if hop is not Hop.NOWHERE:
        around = [one for one in around if one.hop is not Hop.INTERNET]
    if around:
        return Way(to, Hop.UNCERTAIN, around[0], f"the route {around[0]} may be the one for {to.host}")
    if hop is Hop.UNCERTAIN:
        return Way(to, hop, best, f"the route {best} is of a kind that is not known")
    return Way(to, hop, best)


def _holds(route: Route, to: Destination) -> Match:
    if is_everything(route.to):
        return Match.YES
    if blocks(route.to) is None:
        return holds_tag(route.to, to.tag, to.region)
    return holds_address(route.to, to.address) if to.address else may_hold_public(route.to)


def _exactness(route: Route) -> tuple[int, int]:
    """In Azure a tag stands for many blocks, none of which is very wide."""
    if is_everything(route.to):
        return (0, 0)
    found = blocks(route.to)
    if not found:
        return (1, route.to.count(".") - route.to.lower().startswith("azurecloud"))
    length = found[0].prefixlen
    return (2 if length >= _AS_EXACT_AS_A_TAG else 0, length)


def _to_endpoint(to: Destination, table: RouteTable, sides: EndpointSides) -> Way:
    """A private endpoint brings a /32 along, into its own network and those that are peered with it.

    A route of ours goes before it if it is for that very address; where the endpoint's subnet says so, also
    if it is as exact as the prefixes of the endpoint's network.
    """
    fitting = [one for one in table.routes if holds_address(one.to, to.address) is Match.YES]
    best = max(fitting, key=_exactness, default=None)
    if best is None:
        return Way(to, Hop.DIRECT)
    side = sides.at(to.address)
    if _exactness(best) == (2, 32) or (side and side.prefixes == ()):  # unjoined: nothing is brought along
        return Way(to, best.hop, best)
    if side is None or side.subnet is None or (side.routes_hold and side.prefixes is None):
        why = side.unread if side else f"no private endpoint with the address {to.address} is shown to us"
        return Way(to, Hop.UNCERTAIN, best, f"whether the route {best} is for {to} is not known: {why}")
    spaces = [one.prefixlen for text in side.prefixes or () for one in blocks(text) or ()]
    goes_before = side.routes_hold and _exactness(best)[1] >= min(spaces, default=33)
    return Way(to, best.hop, best) if goes_before else Way(to, Hop.DIRECT)
