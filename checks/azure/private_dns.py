"""Private zones that can answer for a registry's name, the networks that they are linked to, their records.

They are often in a subscription of their own, so all that may be read are looked through. A network can be
linked to only one zone of a name (learn.microsoft.com/azure/dns/private-dns-overview).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.facts import Arm, ResourceId, rows, word
from checks.azure.networks import NodePlace, PrivateWay
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.Network/privateDnsZones/A/read",
    "Microsoft.Network/privateDnsZones/read",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",
    "Microsoft.Resources/subscriptions/read",
)

_MOST_SUBSCRIPTIONS = 40
_ZONES = "/providers/Microsoft.Network/privateDnsZones"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Those that we may read something in. ``unread`` says why they are not, or not all, known."""

    ids: tuple[str, ...]
    unread: str = ""


@fact()
async def subscriptions(_: PrivateWay, arm: Arm) -> Subscriptions:
    try:
        listed = await arm.get("/subscriptions")
    except (NotFound, Unavailable) as why:
        return Subscriptions((), str(why))
    found = sorted(ResourceId(word(one, "id")).subscription for one in rows(listed, "value"))
    more = f"only {_MOST_SUBSCRIPTIONS} of {len(found)} subscriptions were looked through for private zones"
    return Subscriptions(tuple(found[:_MOST_SUBSCRIPTIONS]), more if len(found) > _MOST_SUBSCRIPTIONS else "")


@dataclass(frozen=True, slots=True)
class ZoneLink:
    """``redirects``: a name that the zone does not know is asked outside, too (NxDomainRedirect)."""

    id: ResourceId
    network: ResourceId
    state: str
    redirects: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """``records`` are the A records by their whole private names. ``unread``: why they are not known."""

    id: ResourceId
    name: str
    links: tuple[ZoneLink, ...]
    records: tuple[tuple[str, tuple[str, ...]], ...]
    unread: str = ""

    def link_to(self, network: ResourceId) -> ZoneLink | None:
        return next((one for one in self.links if one.network == network), None)

    def addresses(self, name: str) -> tuple[str, ...]:
        return dict(self.records).get(name, ())


def private_name(host: str) -> str:
    """What the public name of something with private endpoints leads to, and private zones answer for."""
    before, _, suffix = host.rpartition(".azurecr.")
    return f"{before}.privatelink.azurecr.{suffix}"


@dataclass(frozen=True, slots=True)
class Zones:
    """``unread`` says what of them could not be read. ``elsewhere``: why not all places were looked at."""

    all: tuple[Zone, ...]
    unread: str
    elsewhere: str

    def that_know(self, host: str) -> tuple[Zone, ...]:
        return tuple(one for one in self.all if one.addresses(private_name(host)))


@fact()
async def zones(
    registry: Registry, place: NodePlace, readable: Subscriptions, _: PrivateWay, arm: Arm
) -> Zones:
    near = {place.network.subscription, registry.id.subscription, *readable.ids}
    own = sorted({id.lower() for id in near} - {""})
    # Of endpoints that are not shown to us many are other teams', with zones for networks of theirs.
    others = sorted({one.endpoint.subscription.lower() for one in registry.private} - {*own, ""})
    listed = await asyncio.gather(*(_listed(one, arm) for one in (*own, *others)))
    unread, elsewhere = [why for _, why in listed[: len(own)]], [why for _, why in listed[len(own) :]]
    wanted = (registry.host, private_name(registry.host))
    answering = [
        one
        for found, _ in listed
        for one in found
        if any(f".{host}".endswith(f".{ResourceId(word(one, 'id')).name.lower()}") for host in wanted)
    ]
    read = await asyncio.gather(*(_zone(one, arm) for one in answering))
    unread += [why for _, why in read]
    known = tuple(zone for zone, _ in read)
    return Zones(known, next(filter(None, unread), ""), next(filter(None, (readable.unread, *elsewhere)), ""))


async def _listed(subscription: str, arm: Arm) -> tuple[tuple[Mapping[str, Any], ...], str]:
    try:
        return rows(await arm.get(f"/subscriptions/{subscription}{_ZONES}"), "value"), ""
    except (NotFound, Unavailable) as why:
        return (), str(why)


async def _zone(tree: Mapping[str, Any], arm: Arm) -> tuple[Zone, str]:
    """The zone, and why its links are not known."""
    id = ResourceId(word(tree, "id"))
    name = id.name.lower()
    links, records = await asyncio.gather(
        _rows(f"{id}/virtualNetworkLinks", arm),
        _rows(f"{id}/A", arm),
    )
    zone = Zone(
        id=id,
        name=name,
        links=tuple(map(_link, links[0])),
        records=tuple(sorted(_record(one, name) for one in records[0])),
        unread=records[1],
    )
    return zone, links[1]


async def _rows(path: str, arm: Arm) -> tuple[tuple[Mapping[str, Any], ...], str]:
    try:
        return rows(await arm.get(path), "value"), ""
    except NotFound as why:
        return (), f"{path} went away: {why}"
    except Unavailable as why:
        return (), str(why)


def _link(tree: Mapping[str, Any]) -> ZoneLink:
    return ZoneLink(
        id=ResourceId(word(tree, "id")),
        network=ResourceId(word(tree, "properties", "virtualNetwork", "id")),
        state=word(tree, "properties", "virtualNetworkLinkState"),
        redirects=word(tree, "properties", "resolutionPolicy").lower() == "nxdomainredirect",
    )


def _record(tree: Mapping[str, Any], zone: str) -> tuple[str, tuple[str, ...]]:
    name = (word(tree, "name") or ResourceId(word(tree, "id")).name).lower()
    found = (word(one, "ipv4Address") for one in rows(tree, "properties", "aRecords"))
    return zone if name == "@" else f"{name}.{zone}", tuple(sorted(one for one in found if one))
