"""Are the node's network and the private endpoint's joined?

Azure drops what goes to a private address of a network that it is not joined with: nobody answers, and the
pull ends with a timeout.
"""

from __future__ import annotations

from checks.azure.paths import Kind, RegistryPath
from checks.azure.peerings import LETS_THROUGH, UNCERTAIN, Crossing, Crossings, Joint
from checks.azure.registry import Registry
from checks.graph import check
from checks.image.facts import Asked
from checks.model import Leg, NotApplicable, Place, Symptom, Verdict, failed, passed, unknown


@check(
    "The network is peered with the private endpoint's",
    leg=Leg.CONNECTION,
    place=Place.PEERING,
    explains={Symptom.CONNECT_TIMEOUT},
    page="https://learn.microsoft.com/en-us/azure/virtual-network/virtual-network-troubleshoot-peering-issues",
)
def peering_is_connected(
    registry: Registry, crossings: Crossings, path: RegistryPath | None, asked: Asked
) -> Verdict:
    kind = path.kind if path is not None else Kind.UNKNOWN
    if registry.public and registry.admits_all and kind is not Kind.PRIVATE:
        raise NotApplicable(f"{registry.host} is open to all addresses")
    used = dialled(crossings, path)
    if not used:
        return _unseen(crossings, path)
    best = min(used, key=_rank)
    if best.joint is Joint.SAME:
        raise NotApplicable("the private endpoint is in the node's own network")
    node, other = crossings.node.id.name, best.network.name
    if best.joint in LETS_THROUGH:
        return passed(f"{node} and {other} are peered", *best.evidence())
    if best.joint in UNCERTAIN:
        return unknown(f"{node} and {other}: {best.joint.value}; {_why(best)}", *best.evidence())
    if best.joint is Joint.NONE and not (kind is Kind.PRIVATE and asked.symptom is Symptom.CONNECT_TIMEOUT):
        return unknown(f"no peering joins {node} and {other}; {_why(best)}", *best.evidence())
    return failed(
        f"{node} cannot reach the private endpoint {best.endpoint.id.name} in {other}: {best.joint.value}",
        *best.evidence(),
        about=str((best.near or best.far or best.endpoint).id),
        explains=None if kind in (Kind.PRIVATE, Kind.UNKNOWN) and _tells_of(best, asked) else False,
    )


def dialled(crossings: Crossings, path: RegistryPath | None) -> tuple[Crossing, ...]:
    """To the endpoint whose address is dialled, where that is known; else to every approved one."""
    if path is None or path.kind is not Kind.PRIVATE:
        return crossings.all
    hit = [one for one in crossings.all if any(one.endpoint.has(address) for address in path.addresses)]
    return tuple(hit) if hit or not crossings.unread else ()


def _unseen(crossings: Crossings, path: RegistryPath | None) -> Verdict:
    if crossings.unread:
        return unknown(f"in which network the private endpoint is, is not known: {crossings.unread}")
    if path is not None and path.addresses:
        shown = ", ".join(path.addresses)
        return unknown(f"no approved private endpoint of the registry has the address {shown}")
    raise NotApplicable("no private endpoint is approved")


def _rank(one: Crossing) -> int:
    """The way that is most likely to work counts: any endpoint will do."""
    if one.joint is Joint.SAME:
        return -1
    if one.joint in LETS_THROUGH:
        return 0
    return 1 if one.joint in UNCERTAIN else 2


def _why(one: Crossing) -> str:
    return one.why or "a hub with a firewall, a gateway, a virtual WAN or a network manager may join them"


def _tells_of(one: Crossing, asked: Asked) -> bool:
    """Whether the address that was dialled, if the message names one, is this endpoint's."""
    return not asked.address or not one.endpoint.addresses or one.endpoint.has(asked.address)
