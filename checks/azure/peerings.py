"""How the node's network and a private endpoint's are joined: both sides of their peering.

A peering is two resources, one in each network, and only both together let packets through. It leads no
further: networks that are both peered with a third see each other only where something there forwards
(learn.microsoft.com/azure/virtual-network/virtual-network-peering-overview).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from checks.azure.cluster import AksCluster
from checks.azure.facts import Arm, ResourceId
from checks.azure.networks import Network, NodeSubnet, Peering, Peerings, PrivateWay, peerings_of
from checks.azure.outbound_errands import proxied
from checks.azure.private_dns_answers import is_within
from checks.azure.private_endpoints import PrivateEndpoint, PrivateEndpoints
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

_MOST_NETWORKS = 5


@dataclass(frozen=True, slots=True)
class FarSide:
    """The peerings of an endpoint's network; ``None`` where ``unread`` says why they are not known."""

    network: ResourceId
    peerings: Peerings | None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class FarSides:
    all: tuple[FarSide, ...]

    def of(self, network: ResourceId) -> FarSide:
        known = (one for one in self.all if one.network == network)
        return next(known, FarSide(network, None, f"the peerings of {network.name} were not read"))


@fact()
async def far_sides(endpoints: PrivateEndpoints, near: Peerings, _: PrivateWay, arm: Arm) -> FarSides:
    """Of networks that the node's knows first, and of no more than a few: a registry may serve a hundred."""
    networks = {one.network for one in endpoints.approved if one.network not in (None, near.network)}
    wanted = sorted(
        (one for one in networks if one is not None), key=lambda one: (near.to(one) is None, one.key)
    )
    return FarSides(tuple(await asyncio.gather(*(_far_side(one, arm) for one in wanted[:_MOST_NETWORKS]))))


async def _far_side(network: ResourceId, arm: Arm) -> FarSide:
    try:
        return FarSide(network, await peerings_of(network, arm))
    except NotFound:
        return FarSide(network, None, f"Azure has no network {network} (deleted, or not shown to us)")
    except Unavailable as why:
        return FarSide(network, None, str(why))


class Joint(Enum):
    """How the two networks are joined, or why not, in words."""

    SAME = "the same network"
    JOINED = "peered"
    HALF_SEEN = "peered, as far as the node's side tells"
    CHANGING = "a peering is being changed"
    PARTLY = "peered for some of their subnets only"
    ELSEWHERE = "not peered with each other, but perhaps by another way"
    NONE = "not peered"
    NEAR_MISSING = "only the endpoint's side is there"
    FAR_MISSING = "only the node's side is there"
    BROKEN = "the peering is disconnected"
    CLOSED = "the peering does not let the networks reach each other"
    STALE = "the peering does not know of the other network's newer address space"


LETS_THROUGH = (Joint.SAME, Joint.JOINED)
UNCERTAIN = (Joint.HALF_SEEN, Joint.CHANGING, Joint.PARTLY, Joint.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Crossing:
    """From the node's network to one endpoint. ``near`` and ``far`` are the sides that are there."""

    endpoint: PrivateEndpoint
    network: ResourceId
    joint: Joint
    near: Peering | None = None
    far: Peering | None = None
    why: str = ""

    def evidence(self) -> tuple[tuple[str, str], ...]:
        sides = (("Node's side", self.near), ("Endpoint's side", self.far))
        return (
            ("Private endpoint", str(self.endpoint.id)),
            *((title, f"{one.id} ({one.state or 'no state'})") for title, one in sides if one is not None),
        )


@dataclass(frozen=True, slots=True)
class NearSide:
    """The node's network and its peerings. ``prefixes`` are its subnet's, where these are known."""

    network: Network
    prefixes: tuple[str, ...]
    peerings: Peerings


@fact()
def near_side(
    registry: Registry,
    cluster: AksCluster | None,
    network: Network,
    subnet: NodeSubnet | None,
    peerings: Peerings,
) -> NearSide:
    if cluster is not None and proxied(cluster, registry.host):
        raise NotApplicable(f"the nodes ask a proxy for {registry.host}")
    return NearSide(network, subnet.prefixes if subnet is not None else (), peerings)


@dataclass(frozen=True, slots=True)
class Crossings:
    """To every approved endpoint whose network is known; ``unread``: of which it is not."""

    node: Network
    all: tuple[Crossing, ...]
    unread: str


@fact()
def crossings(near: NearSide, endpoints: PrivateEndpoints, far: FarSides) -> Crossings:
    found = (_crossing(near, one, far) for one in endpoints.approved if one.network is not None)
    return Crossings(near.network, tuple(found), endpoints.unread)


def _crossing(near: NearSide, endpoint: PrivateEndpoint, far: FarSides) -> Crossing:
    node = near.network
    network = endpoint.network or node.id
    if network == node.id:
        return Crossing(endpoint, network, Joint.SAME)
    ours, other = near.peerings.to(network), far.of(network)
    if other.peerings is None:
        return Crossing(endpoint, network, _by_one_side(ours), ours, None, other.unread)
    theirs = other.peerings.to(node.id)
    joint = _by_both(ours, theirs, apart=not near.peerings.all and not node.gateway)
    if joint is Joint.JOINED and ours is not None and theirs is not None:
        joint = _knows(ours, tuple(one.address for one in endpoint.addresses), theirs, near.prefixes)
    return Crossing(endpoint, network, joint, ours, theirs)


def _by_one_side(ours: Peering | None) -> Joint:
    """A side is Connected only as long as the other is there, too."""
    if ours is None:
        return Joint.ELSEWHERE
    return {"connected": Joint.HALF_SEEN if ours.lets_in else Joint.CLOSED, "disconnected": Joint.BROKEN,
            "initiated": Joint.FAR_MISSING}.get(ours.state.lower(), Joint.CHANGING)  # fmt: skip


def _by_both(ours: Peering | None, theirs: Peering | None, *, apart: bool) -> Joint:
    """``apart``: the node's network is joined with nothing at all, as far as peerings and gateways go."""
    sides = [one for one in (ours, theirs) if one is not None]
    states = {one.state.lower() for one in sides}
    if not sides:
        return Joint.NONE if apart else Joint.ELSEWHERE
    if "disconnected" in states:
        return Joint.BROKEN
    if any(one.provisioning.lower() in ("updating", "deleting") for one in sides):
        return Joint.CHANGING
    return _alone(sides[0], near=theirs is None) if len(sides) == 1 else _together(sides, states)


def _alone(side: Peering, *, near: bool) -> Joint:
    if not side.state:
        return Joint.CHANGING
    return Joint.FAR_MISSING if near else Joint.NEAR_MISSING


def _together(sides: list[Peering], states: set[str]) -> Joint:
    if states == {"initiated"}:
        return Joint.BROKEN
    if states != {"connected"}:
        return Joint.CHANGING
    if not all(one.lets_in for one in sides):
        return Joint.CLOSED
    return Joint.JOINED if all(one.whole for one in sides) else Joint.PARTLY


def _knows(ours: Peering, addresses: tuple[str, ...], theirs: Peering, prefixes: tuple[str, ...]) -> Joint:
    """Of prefixes that a network was given after the peering was made, the other side learns by a sync."""
    behind = ours.known and not all(is_within(one, ours.known) for one in addresses)
    starts = [one.partition("/")[0] for one in prefixes]
    beyond = theirs.known and not all(is_within(one, theirs.known) for one in starts)
    in_sync = all(one.sync.lower() in ("", "fullyinsync") for one in (ours, theirs))
    return Joint.STALE if (behind or beyond) and not in_sync else Joint.JOINED
