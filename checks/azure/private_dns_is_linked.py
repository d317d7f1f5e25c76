"""Do the registry's names lead the node to its private endpoint?

The names are public, too: where no private zone is linked to the network that the node's resolver is in, they
lead to the public address, and a registry without public access answers 403. Where a zone is linked that does
not know the name, they lead nowhere. Layers have a name of their own, with a record of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.networks import Peerings
from checks.azure.paths import Kind, RegistryPath, is_private
from checks.azure.private_dns_answers import Answer, PrivateNames
from checks.graph import check
from checks.image.facts import Asked
from checks.model import Leg, NotApplicable, Place, Symptom, Verdict, failed, passed, unknown


@check(
    "The registry's private DNS zone is linked",
    leg=Leg.NAME,
    place=Place.PRIVATE_NAME,
    explains={Symptom.FORBIDDEN, Symptom.DNS_FAILURE, Symptom.CONNECT_TIMEOUT},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-private-endpoints",
)
def private_dns_is_linked(
    names: PrivateNames, path: RegistryPath, peerings: Peerings | None, asked: Asked
) -> Verdict:
    if not is_meant(names, peerings) and names.own.kind in (Kind.PUBLIC, Kind.UNKNOWN):
        raise NotApplicable(f"nothing says that {names.network.id.name} should reach it privately")
    fault = own_fault(names, path) or layers_fault(names, asked)
    evidence = _evidence(names)
    if fault is None:
        addresses = path.addresses or names.own.addresses
        return passed(f"{names.registry.host} leads to {', '.join(addresses)}", *evidence)
    if fault.unknown:
        return unknown(fault.words, *evidence)
    if _was_reached(names, asked):
        return unknown(
            f"{names.registry.host} is closed to the Internet, and answered all the same: "
            f"{names.resolver.why}, and they may know it by other means than a zone of Azure's",
            *evidence,
        )
    return failed(
        fault.words, *evidence, about=fault.about, explains=None if _explains(fault, asked, names) else False
    )


def _was_reached(names: PrivateNames, asked: Asked) -> bool:
    """Whether somebody else's DNS servers lead to the endpoint: who comes from outside is not asked who he
    is, but refused.
    """
    outside = names.own.kind is Kind.PUBLIC and not names.registry.public
    return outside and bool(names.resolver.why) and asked.symptom is Symptom.UNAUTHORIZED


@dataclass(frozen=True, slots=True)
class NameFault:
    """What is wrong with the answer to one of the names. ``unknown``: whether something is."""

    answer: Answer
    words: str
    about: str = ""
    unknown: bool = False
    wrong: bool = False  # a record with another's address


def is_meant(names: PrivateNames, peerings: Peerings | None) -> bool:
    """Whether this network is meant to reach the registry by its endpoints, and not by the public way."""
    registry = names.registry
    if not registry.public:
        return True
    if registry.admits_all:
        return False
    near = {names.network.id, *(one.remote for one in (peerings.all if peerings is not None else ()))}
    return any(one.network in near for one in names.endpoints.all)


def own_fault(names: PrivateNames, path: RegistryPath) -> NameFault | None:
    """What is wrong with the registry's own name."""
    if path.proven and path.kind is Kind.PRIVATE and names.endpoints.with_any(path.addresses):
        return None
    own = names.own
    proven_public = path.proven and path.kind is Kind.PUBLIC
    if (
        own.kind is Kind.UNKNOWN
        and proven_public
        and not (names.zones.unread or names.resolver.network is None)
    ):
        network = names.resolver.network or names.network.id
        return NameFault(own, f"{path.why}: {network.name} is linked to no private zone", str(network))
    return _fault(names, own)


def layers_fault(names: PrivateNames, asked: Asked) -> NameFault | None:
    """The name of layers that has a fault: the one that the message names, or one that is certain."""
    found = [fault for one in names.layers if (fault := _fault(names, one)) is not None]
    near = {names.registry.location, names.network.location}
    return min(
        found,
        key=lambda one: (one.answer.host != asked.host, one.unknown, _region(one.answer.host) not in near),
        default=None,
    )


def _region(host: str) -> str:
    """Of ``contoso.westeurope.data.azurecr.io``: every region that a registry is in serves layers."""
    return host.split(".")[1]


def _fault(names: PrivateNames, answer: Answer) -> NameFault | None:
    if answer.kind is Kind.UNKNOWN:
        return NameFault(answer, answer.why, unknown=True)
    network = names.resolver.network or names.network.id
    if answer.kind is not Kind.PRIVATE:
        about = str(answer.zone.id) if answer.zone is not None else str(network)
        return NameFault(answer, f"{answer.why}: {_leads(answer)}", about)
    expected = names.endpoints.of(answer.host)
    strangers = [one for one in answer.addresses if one not in expected]
    if not strangers:
        return None
    if names.endpoints.unread or not expected:
        why = names.endpoints.unread or f"Azure names no private address for {answer.host}"
        return NameFault(
            answer, f"whether {answer.host} has the right address is not known: {why}", unknown=True
        )
    zone = answer.zone
    words = (
        f"{zone.name if zone else 'the zone'} answers {', '.join(strangers)} for {answer.host}, "
        f"and its private endpoint has {', '.join(sorted(expected))}"
    )
    return NameFault(answer, words, str(zone.id) if zone else "", wrong=True)


def _leads(answer: Answer) -> str:
    if answer.kind is Kind.NOWHERE:
        return "the name leads nowhere"
    return "the name leads to the public address, past the private endpoint"


def _explains(fault: NameFault, asked: Asked, names: PrivateNames) -> bool:
    """Whether a fault of this name accounts for the message, which may tell of another name, or address."""
    of_layers = ".data." in fault.answer.host
    if asked.host and (".data." in asked.host) is not of_layers:
        return False
    if of_layers and asked.host != fault.answer.host:
        # Which region's layers are asked for is not ours to tell; those of another may never be.
        near = {names.registry.location, names.network.location}
        if asked.host or _region(fault.answer.host) not in near:
            return False
    if fault.answer.kind is Kind.NOWHERE:
        return asked.symptom not in (Symptom.FORBIDDEN, Symptom.CONNECT_TIMEOUT)
    if asked.symptom is Symptom.DNS_FAILURE or (fault.wrong and asked.symptom is Symptom.FORBIDDEN):
        return False
    if fault.wrong:
        return asked.address in ("", *fault.answer.addresses)
    return not asked.address or not is_private(asked.address)


def _evidence(names: PrivateNames) -> tuple[tuple[str, str], ...]:
    linked = [names.own.zone] if names.own.zone is not None else []
    knowing = [one for one in names.zones.that_know(names.registry.host) if one not in linked]
    return (
        ("Network", str(names.network.id)),
        *((("Resolver", names.resolver.why),) if names.resolver.why else ()),
        *(("Linked zone", str(one.id)) for one in linked),
        *(("Zone that knows it", str(one.id)) for one in knowing),
        *(
            ("Private address", f"{one.address} for {one.host}")
            for each in names.endpoints.all
            for one in each.addresses
        ),
    )
