"""Link the private zone that knows the registry to the network whose resolver the nodes ask.

From then on the nodes dial the private endpoint. Where its network cannot be reached that turns a refusal
into a timeout: so a missing side of the peering is part of the same plan, and comes first.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.networks import Peerings
from checks.azure.paths import Kind, RegistryPath
from checks.azure.peerings import LETS_THROUGH, UNCERTAIN, Crossing, Crossings, Joint
from checks.azure.private_dns import Zone, private_name
from checks.azure.private_dns_answers import PrivateNames
from checks.azure.private_dns_is_linked import private_dns_is_linked
from checks.image.facts import Asked
from checks.model import NotApplicable, Status
from handlers.remedies.azure.peer_back import caution, missing_sides
from handlers.remedies.azure.peering_steps import MakePeering
from handlers.remedies.azure.zone_link_steps import LinkZone
from handlers.remedy import Plan, Refused, Risk, remedy

# The link is there in a minute or two, and nodes remember the name as long; kubelet's back-off comes on top.
_SETTLES_IN = timedelta(minutes=12)


@remedy("Link the private DNS zone to the network", cures=private_dns_is_linked, risk=Risk.LOW)
def link_private_dns(
    names: PrivateNames,
    path: RegistryPath,
    peerings: Peerings | None,
    asked: Asked,
    crossings: Crossings | None,
) -> tuple[Plan, ...]:
    if private_dns_is_linked(names, path, peerings, asked).status is not Status.FAIL:
        raise NotApplicable("the zone is linked, or it is not known")
    network = names.resolver.network
    if network is None or names.own.kind is Kind.PRIVATE:
        raise NotApplicable("the registry's own name leads to its private endpoint")
    if names.own.zone is not None:
        raise Refused(
            f"{network.name} is linked to {names.own.zone.id} already, and a network can be linked to only "
            "one zone of a name: the record belongs in that zone"
        )
    if not names.endpoints.approved:
        raise Refused("the private endpoint has to be approved first, or nodes would wait for it in vain")
    knowing = _knowing(names)
    plans = tuple(_plan(names, one, crossings) for one in knowing)
    if not plans and names.endpoints.unread and names.zones.that_know(names.registry.host):
        raise Refused(f"whether the zone has the right record is not known: {names.endpoints.unread}")
    if not plans:
        raise Refused(f"no private zone that may be read has the right record for {names.registry.host}")
    return plans


def _knowing(names: PrivateNames) -> list[Zone]:
    """The zones whose record for the registry is right; those that know its layers, too, come first."""
    host = names.registry.host
    right = [one for one in names.zones.that_know(host) if _is_right(names, one, host)]
    return sorted(right, key=lambda one: (len(_lacks(names, one)), one.id.key))


def _is_right(names: PrivateNames, zone: Zone, host: str) -> bool:
    expected = frozenset(
        one.address for each in names.endpoints.approved for one in each.addresses if one.host == host
    )
    return set(zone.addresses(private_name(host))) <= expected


def _lacks(names: PrivateNames, zone: Zone) -> list[str]:
    """The names of layers that it does not know, or not rightly."""
    hosts = (one.host for one in names.layers)
    return [one for one in hosts if not zone.addresses(private_name(one)) or not _is_right(names, zone, one)]


def _plan(names: PrivateNames, zone: Zone, crossings: Crossings | None) -> Plan:
    network = names.resolver.network
    assert network is not None  # noqa: S101  narrows the type; the caller saw to it
    addresses = zone.addresses(private_name(names.registry.host))
    first, doubt = _crossing_first(crossings, addresses)
    lacks = _lacks(names, zone)
    cautions = (
        f"from then on all of {network.name} asks {zone.name} for every registry that has a private "
        "endpoint, and finds only those that have a record there",
        f"{zone.id.name} does not know {', '.join(lacks)}, so layers would not arrive" if lacks else "",
        f"{names.resolver.why}: these have to ask Azure's resolver in turn" if names.resolver.why else "",
        *(caution(one) for one in first),
        doubt,
    )
    several = len(_knowing(names)) > 1
    return Plan(
        (*first, LinkZone(str(zone.id), str(network))),
        choice=str(zone.id) if several else "",
        caution="; ".join(one for one in cautions if one),
        settles_in=_SETTLES_IN,
        risk=Risk.MEDIUM if first else Risk.LOW,
    )


def _crossing_first(
    crossings: Crossings | None, addresses: tuple[str, ...]
) -> tuple[tuple[MakePeering, ...], str]:
    """The side of a peering that has to be made before, and what of the way is in doubt.

    :raises Refused: the endpoint's network cannot be reached, and a person has to mend that.
    """
    used: tuple[Crossing, ...] = ()
    if crossings is not None:
        used = tuple(one for one in crossings.all if any(one.endpoint.has(address) for address in addresses))
    if not used:
        return (), "whether the private endpoint's network can be reached from there is not known"
    if any(one.joint in LETS_THROUGH for one in used):
        return (), ""
    if steps := missing_sides(used):
        return steps[:1], ""
    unsure = next((one for one in used if one.joint in (*UNCERTAIN, Joint.NONE)), None)
    if unsure is None:
        far = used[0]
        raise Refused(
            f"it would turn the refusal into a timeout: {far.network.name}, where the private endpoint is, "
            f"cannot be reached ({far.joint.value}); that has to be mended first"
        )
    return (), (
        f"whether {unsure.network.name} can be reached from there is not known ({unsure.joint.value}); where "
        "it cannot, the refusal becomes a timeout"
    )
