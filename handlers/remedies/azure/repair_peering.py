"""A peering that only people may mend: what it takes cuts, or joins, whole networks."""

from __future__ import annotations

import shlex

from checks.azure.networks import Peering
from checks.azure.paths import RegistryPath
from checks.azure.peering_is_connected import dialled, peering_is_connected
from checks.azure.peerings import Crossing, Crossings, Joint
from checks.model import NotApplicable
from handlers.remedies.azure.peer_back import stale_sides
from handlers.remedies.azure.peering_steps import peering
from handlers.remedy import ByHand, by_hand


@by_hand("Mend the peering", cures=peering_is_connected)
def repair_peering(crossings: Crossings, path: RegistryPath | None) -> ByHand:
    found = [one for one in dialled(crossings, path) if one.joint in _HOW]
    if not found:
        raise NotApplicable("there is nothing that a person has to do")
    return _HOW[found[0].joint](found[0], crossings.node.id.name)


def _anew(one: Crossing, node: str) -> ByHand:
    known = _sides(one)
    return ByHand(
        f"Who answers for the networks deletes both sides of the peering of {node} and {one.network.name}, "
        "and makes them anew: a side that is Disconnected does not come back by itself",
        (
            *(shlex.join(peering("delete", str(side.id))) for side in known),
            *(_made(str(side.id), str(side.remote)) for side in known),
            *(() if len(known) > 1 else (_made(_NAMED.format(known[0].remote), str(known[0].id.parent)),)),
        ),
        "in between nothing gets from one network to the other",
    )


def _opened(one: Crossing, node: str) -> ByHand:
    return ByHand(
        f"Who answers for the networks lets {node} and {one.network.name} reach each other",
        tuple(
            shlex.join([*peering("update", str(side.id)), "--set", "allowVirtualNetworkAccess=true"])
            for side in _sides(one)
            if not side.lets_in
        ),
        "somebody may have closed it on purpose",
    )


def _synced(one: Crossing, node: str) -> ByHand:
    if stale_sides((one,)):
        raise NotApplicable("a plan brings them in sync")
    return ByHand(
        f"Who answers for the networks lets the peering of {node} and {one.network.name} learn of the newer "
        "address space",
        tuple(shlex.join(peering("sync", str(side.id))) for side in _sides(one)),
        "there is no way back",
    )


def _joined(one: Crossing, node: str) -> ByHand:
    near = str(one.endpoint.id)
    return ByHand(
        f"Who answers for the networks decides how {node} is to reach the private endpoint {near}: by a "
        f"peering with {one.network.name}, by a hub, or by a private endpoint of its own",
    )


def _sides(one: Crossing) -> tuple[Peering, ...]:
    return tuple(side for side in (one.near, one.far) if side is not None)


def _made(id: str, remote: str) -> str:
    return shlex.join([*peering("create", id), "--remote-vnet", remote, "--allow-vnet-access", "true"])


_NAMED = "{}/virtualNetworkPeerings/PEERING_NAME"
_HOW = {Joint.BROKEN: _anew, Joint.CLOSED: _opened, Joint.STALE: _synced, Joint.NONE: _joined}
