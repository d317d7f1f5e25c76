"""Make the side of a peering that is missing, as long as the other one waits for it; or bring both in sync.

A side that is Disconnected waits for nobody any more: it has to be deleted and made anew, which cuts all that
goes over it, and is left to people.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from checks.azure.facts import ResourceId
from checks.azure.paths import Kind, RegistryPath
from checks.azure.peering_is_connected import dialled, peering_is_connected
from checks.azure.peerings import Crossing, Crossings, Joint
from checks.azure.registry import Registry
from checks.image.facts import Asked
from checks.model import NotApplicable, Status
from handlers.remedies.azure.peering_steps import MakePeering, SyncPeering
from handlers.remedy import Plan, Refused, Risk, remedy

# Routes are there within a minute, and kubelet's back-off comes on top.
_SETTLES_IN = timedelta(minutes=10)
_ONE_SIDED = (Joint.NEAR_MISSING, Joint.FAR_MISSING)


@remedy("Make the peering whole", cures=peering_is_connected, risk=Risk.MEDIUM)
def peer_back(registry: Registry, crossings: Crossings, path: RegistryPath | None, asked: Asked) -> Plan:
    if peering_is_connected(registry, crossings, path, asked).status is not Status.FAIL:
        raise NotApplicable("the networks are joined, or it is not known")
    used = dialled(crossings, path)
    if stale := stale_sides(used):
        return Plan(stale, caution="there is no way back", settles_in=_SETTLES_IN)
    steps = missing_sides(used)
    if not steps:
        raise NotApplicable("no side of a peering waits for another")
    if path is not None and path.kind in (Kind.PUBLIC, Kind.NOWHERE):
        raise Refused(
            f"by itself it would be in vain: {path.why}. Where the zone is linked, the peering is made before"
        )
    return Plan((steps[0],), caution=caution(steps[0]), settles_in=_SETTLES_IN)


def missing_sides(crossings: tuple[Crossing, ...]) -> tuple[MakePeering, ...]:
    """For every peering that has only one side."""
    return tuple(_missing(one) for one in crossings if one.joint in _ONE_SIDED)


def stale_sides(crossings: tuple[Crossing, ...]) -> tuple[SyncPeering, ...]:
    """For the first peering that is out of sync, each side that is known to be behind."""
    stale = next((one for one in crossings if one.joint is Joint.STALE), None)
    if stale is None:
        return ()
    return tuple(
        SyncPeering(str(side.id), side.known, side.current)
        for side in (stale.near, stale.far)
        if side is not None and set(side.known) != set(side.current)
    )


def caution(step: MakePeering) -> str:
    return (
        f"all of {ResourceId(step.network).name} and {ResourceId(step.remote).name} can reach each other "
        "then, as far as security groups let them; once undone, the other side stays Disconnected, and has "
        "to be made anew by hand"
    )


def _missing(crossing: Crossing) -> MakePeering:
    """:raises NotApplicable: neither side is there"""
    there = crossing.near or crossing.far
    if there is None:
        raise NotApplicable("neither side is there")
    network, remote = there.remote, there.id.parent
    own = uuid.uuid5(uuid.NAMESPACE_URL, remote.key).hex[:8]
    return MakePeering(
        id=f"{network}/virtualNetworkPeerings/{remote.name}-{own}",
        remote=str(remote),
        other=str(there.id),
        gateway=there.gateway_of_remote,
    )
