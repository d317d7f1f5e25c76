"""A record that a private zone lacks: better a zone group, which Azure keeps right by itself.

The zone serves all networks that are linked to it, so its owner decides.
"""

from __future__ import annotations

import shlex

from checks.azure.paths import RegistryPath
from checks.azure.private_dns import Zone, private_name
from checks.azure.private_dns_answers import PrivateNames
from checks.azure.private_dns_is_linked import NameFault, layers_fault, own_fault
from checks.azure.private_dns_is_linked import private_dns_is_linked as cured
from checks.image.facts import Asked
from checks.model import NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Put the registry's records into the private zone", cures=cured)
def add_private_record(names: PrivateNames, path: RegistryPath, asked: Asked) -> ByHand:
    fault = own_fault(names, path) or layers_fault(names, asked)
    if fault is None or fault.unknown:
        raise NotApplicable("nothing is known to be wrong with the records")
    zone = fault.answer.zone
    if zone is None:
        return _without_a_zone(names)
    return ByHand(
        f"Who answers for the private zone {zone.name} lets the private endpoint keep its records there "
        "itself, or puts the record there",
        (_group(names, zone), *_record(names, zone, fault)),
        f"all networks that are linked to {zone.id.name} see the records",
    )


def _without_a_zone(names: PrivateNames) -> ByHand:
    """Where there is one it is linked by a plan."""
    if names.zones.that_know(names.registry.host):
        raise NotApplicable("there is a zone that knows it")
    name = private_name(names.registry.host).partition(".")[2]
    network = names.resolver.network or names.network.id
    make = [
        "az",
        "network",
        "private-dns",
        "zone",
        "create",
        "--resource-group",
        "RESOURCE_GROUP",
        "--name",
        name,
    ]
    link = ["az", "network", "private-dns", "link", "vnet", "create", "--resource-group", "RESOURCE_GROUP"]
    link += ["--zone-name", name, "--name", network.name, "--virtual-network", str(network)]
    return ByHand(
        f"Who answers for {network.name} makes the private zone {name}, or finds it where we may not read, "
        "links it, and lets the private endpoint keep its records there",
        (shlex.join(make), shlex.join([*link, "--registration-enabled", "false"]), _group(names, None)),
    )


def _group(names: PrivateNames, zone: Zone | None) -> str:
    known = next(iter(names.endpoints.approved), None)
    words = ["az", "network", "private-endpoint", "dns-zone-group", "create"]
    words += ["--resource-group", known.id.group if known else "RESOURCE_GROUP"]
    words += ["--endpoint-name", known.id.name if known else "PRIVATE_ENDPOINT", "--name", "default"]
    return shlex.join(
        [*words, "--zone-name", "acr", "--private-dns-zone", str(zone.id) if zone else "ZONE_ID"]
    )


def _record(names: PrivateNames, zone: Zone, fault: NameFault) -> tuple[str, ...]:
    host = fault.answer.host
    where = [
        "--subscription",
        zone.id.subscription,
        "--resource-group",
        zone.id.group,
        "--zone-name",
        zone.name,
    ]
    words = ["az", "network", "private-dns", "record-set", "a"]
    own = f".{host}".endswith(f".{zone.name}")
    name = (host if own else private_name(host)).removesuffix(f".{zone.name}")
    expected = sorted(names.endpoints.of(host)) or ["PRIVATE_ADDRESS"]
    wrong = [one for one in fault.answer.addresses if one not in expected] if fault.wrong else []
    return (
        *(
            shlex.join([*words, "remove-record", *where, "--record-set-name", name, "--ipv4-address", one])
            for one in wrong
        ),
        *(
            shlex.join([*words, "add-record", *where, "--record-set-name", name, "--ipv4-address", one])
            for one in expected
            if one not in fault.answer.addresses
        ),
    )
