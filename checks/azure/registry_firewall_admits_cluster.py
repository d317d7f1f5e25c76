"""Does the registry's own firewall let the cluster in, from all addresses that its nodes leave with?

Only for what comes over the Internet: its rules do not hold for private endpoints. An address that is missing
among several makes pulls fail now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import collapse_addresses

from checks.azure.networks import NodePlace
from checks.azure.outbound_addresses import blocks
from checks.azure.outbound_admission import Admission
from checks.azure.paths import Kind, RegistryPath
from checks.azure.registry import Registry
from checks.graph import check
from checks.image.facts import Asked
from checks.model import Leg, NotApplicable, Place, Symptom, Verdict, failed, passed, unknown


@check(
    "The registry's firewall admits the cluster",
    leg=Leg.CONNECTION,
    place=Place.FAR_SIDE,
    explains={Symptom.FORBIDDEN},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-access-selected-networks",
)
def registry_firewall_admits_cluster(
    registry: Registry, path: RegistryPath, admission: Admission, place: NodePlace | None, asked: Asked
) -> Verdict:
    which = ("Registry", str(registry.id))
    # The storage behind a registry answers 403, too, and knows nothing of the registry's firewall.
    explains = None if _is_of(registry, asked.host) else False
    if path.kind in (Kind.PRIVATE, Kind.NOWHERE):
        raise NotApplicable("its rules do not hold for private endpoints")
    if not registry.public:
        if registry.private:
            raise NotApplicable("it is to be reached by its private endpoints, which other checks look at")
        return failed(
            f"public access to {registry.host} is disabled, and it has no private endpoint",
            which,
            about=str(registry.id),
            explains=explains,
        )
    if registry.admits_all:
        return passed(f"{registry.host} is open to every address", which)
    if place is not None and place.subnet in registry.admitted_subnets:
        return passed(f"{registry.host} admits the subnet {place.subnet.name}", which)
    told, outbound = admission.told, admission.outbound
    every = tuple(one.address for one in outbound.exits) if outbound else ()
    missing = missing_of((told, *every) if told else every, registry.admitted)
    evidence = [which, ("Admitted", ", ".join(registry.admitted) or "nobody")]
    if outbound:
        evidence.append(("The nodes leave with", f"{', '.join(every)} ({outbound.through})"))
    if missing:
        return failed(
            _said(registry, missing, admitted=[one for one in every if one not in missing]),
            *evidence,
            about=str(registry.id),
            explains=explains,
        )
    if outbound is None:
        by_now = f"{registry.host} admits {told} by now; " if told else ""
        return unknown(f"{by_now}with which other addresses the nodes leave is not known", *evidence)
    return passed(f"{registry.host} admits {', '.join(every)}", *evidence)


def _is_of(registry: Registry, host: str) -> bool:
    return not host or host.partition(".")[0] == registry.host.partition(".")[0]


def missing_of(addresses: Iterable[str], admitted: Iterable[str]) -> tuple[str, ...]:
    """Those addresses and prefixes that the rules do not hold as a whole, each once."""
    rules = tuple(collapse_addresses(one for text in admitted for one in blocks(text) or ()))
    return tuple(
        one
        for one in dict.fromkeys(addresses)
        if not all(any(part.subnet_of(rule) for rule in rules) for part in blocks(one) or ())
        or not blocks(one)
    )


def _said(registry: Registry, missing: tuple[str, ...], admitted: list[str]) -> str:
    names = ", ".join(missing)
    if not admitted:
        return f"the firewall of {registry.host} does not admit {names}, which the nodes come from"
    return (
        f"the firewall of {registry.host} admits {', '.join(admitted)} but not {names}: the nodes leave "
        "with all of them, so pulls fail now and then"
    )
