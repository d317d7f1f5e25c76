"""What the node's resolver answers for the registry's names: a pure reading of zones, links and records.

Azure's own resolver knows the zones that are linked to the network it is asked from. With DNS servers of its
own a network sees what *their* network is linked to, if they ask Azure's resolver in turn, as a hub's do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from checks.azure.cluster import AksCluster
from checks.azure.facts import ResourceId
from checks.azure.networks import Network, Peerings
from checks.azure.outbound_errands import proxied
from checks.azure.paths import Kind, RegistryPath
from checks.azure.private_dns import Zone, Zones, private_name
from checks.azure.private_endpoints import PrivateEndpoints
from checks.azure.registry import Registry
from checks.graph import fact
from checks.image.facts import Asked
from checks.model import NotApplicable, Symptom

_AZURES_OWN = "168.63.129.16"
_LINKED = frozenset({"", "completed"})


@dataclass(frozen=True, slots=True)
class Answer:
    """``zone`` is the one that is linked to the resolver's network; ``None``: none is."""

    host: str
    kind: Kind
    why: str
    addresses: tuple[str, ...] = ()
    zone: Zone | None = None


@dataclass(frozen=True, slots=True)
class Resolver:
    """The network whose links decide; ``None`` where that is not known, and ``why`` not."""

    network: ResourceId | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PrivateNames:
    """The registry's own name, and those of its layers, as the node's resolver answers for them."""

    registry: Registry
    network: Network
    resolver: Resolver
    endpoints: PrivateEndpoints
    zones: Zones
    own: Answer
    layers: tuple[Answer, ...]


@fact()
def resolver(
    registry: Registry, network: Network, peerings: Peerings | None, cluster: AksCluster | None
) -> Resolver:
    if cluster is not None and proxied(cluster, registry.host):
        raise NotApplicable(f"the nodes leave the name of {registry.host} to a proxy")
    return resolver_of(network, peerings)


@fact()
def private_names(
    registry: Registry, network: Network, resolver: Resolver, endpoints: PrivateEndpoints, zones: Zones
) -> PrivateNames:
    hosts = {
        *registry.data_hosts,
        *(one.host for each in endpoints.all for one in each.addresses),
    } - {registry.host}
    return PrivateNames(
        registry=registry,
        network=network,
        resolver=resolver,
        endpoints=endpoints,
        zones=zones,
        own=answer(registry.host, resolver, zones),
        layers=tuple(answer(host, resolver, zones) for host in sorted(hosts) if ".data." in host),
    )


@fact()
def path_by_name(names: PrivateNames, asked: Asked) -> RegistryPath:
    """Where no zone is seen, and all that are near could be read, a refusal tells: by a private endpoint the
    registry refuses nobody for where he comes from.
    """
    own, all_read = names.own, names.resolver.network is not None and not names.zones.unread
    refused = asked.symptom is Symptom.FORBIDDEN and asked.host in ("", names.registry.host)
    if own.kind is Kind.UNKNOWN and own.zone is None and all_read and refused:
        return RegistryPath(Kind.PUBLIC, f"{names.registry.host} refused with 403, and {own.why}")
    return RegistryPath(own.kind, own.why, own.addresses)


def resolver_of(network: Network, peerings: Peerings | None) -> Resolver:
    servers = tuple(one for one in network.dns_servers if one != _AZURES_OWN)
    if not servers:
        return Resolver(network.id)
    shown = ", ".join(servers)
    if _all_within(servers, network.prefixes):
        return Resolver(network.id, f"{network.id.name} asks its own DNS servers {shown}")
    if peerings is None:
        return Resolver(None, f"{network.id.name} asks the DNS servers {shown}, and its peerings are unread")
    for one in peerings.all:
        if _all_within(servers, one.current):
            return Resolver(
                one.remote, f"{network.id.name} asks the DNS servers {shown} in {one.remote.name}"
            )
    return Resolver(
        None, f"{network.id.name} asks the DNS servers {shown}, and in which network they are is not known"
    )


def answer(host: str, resolver: Resolver, zones: Zones) -> Answer:
    """A zone of the public name itself is asked before the world is, which would lead to the private name."""
    network = resolver.network
    if network is None:
        return Answer(host, Kind.UNKNOWN, resolver.why)
    for name in (host, private_name(host)):
        linked = [
            one
            for one in zones.all
            if f".{name}".endswith(f".{one.name}") and one.link_to(network) is not None
        ]
        # The longest name wins, as everywhere in DNS.
        zone = max(linked, key=lambda one: len(one.name), default=None)
        link = zone.link_to(network) if zone is not None else None
        if zone is not None and link is not None:
            if link.state.lower() not in _LINKED:
                return Answer(host, Kind.UNKNOWN, f"{zone.name} is being linked to {network.name}")
            return _linked(host, name, zone, redirects=link.redirects)
    return _unlinked(host, network, zones)


def _linked(host: str, name: str, zone: Zone, *, redirects: bool) -> Answer:
    found = zone.addresses(name)
    if found:
        return Answer(host, Kind.PRIVATE, f"{zone.name} answers {', '.join(found)}", found, zone)
    if zone.unread:
        return Answer(host, Kind.UNKNOWN, zone.unread, zone=zone)
    if redirects:
        return Answer(host, Kind.PUBLIC, f"{zone.name} does not know {host}, and asks outside", zone=zone)
    return Answer(host, Kind.NOWHERE, f"{zone.name} is linked, and does not know {host}", zone=zone)


def _unlinked(host: str, network: ResourceId, zones: Zones) -> Answer:
    """That a zone is known which would answer makes it likely that no other does, out of our sight."""
    if zones.unread:
        return Answer(host, Kind.UNKNOWN, f"no private zone for {host} is seen, but: {zones.unread}")
    if not zones.that_know(host):
        unread = next((one.unread for one in zones.all if one.unread), zones.elsewhere)
        more = unread or "it may be where we may not read"
        return Answer(host, Kind.UNKNOWN, f"no private zone that knows {host} is shown to us: {more}")
    return Answer(host, Kind.PUBLIC, f"no private zone for {host} is linked to {network.name}")


def _all_within(addresses: Iterable[str], prefixes: Iterable[str]) -> bool:
    return all(is_within(one, prefixes) for one in addresses)


def is_within(address: str, prefixes: Iterable[str]) -> bool:
    """Whether an address is in any of these CIDR ranges; what does not parse is in none."""
    try:
        wanted = ip_address(address)
        return any(wanted in ip_network(one, strict=False) for one in prefixes)
    except ValueError:
        return False
