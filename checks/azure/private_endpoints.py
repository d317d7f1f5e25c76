"""The registry's private endpoints: in which network each is, and which addresses it has for which names.

One endpoint has an address for the registry and one for the layers of every region that the registry is in
(learn.microsoft.com/azure/container-registry/container-registry-private-endpoints).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.facts import Arm, ResourceId, rows, word, words
from checks.azure.networks import PrivateWay
from checks.azure.registry import PrivateConnection, Registry
from checks.graph import fact
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.Network/networkInterfaces/read",
    "Microsoft.Network/privateEndpoints/read",
)

APPROVED = "approved"
_REGISTRY = "registry"  # the member of a registry that its own name stands for
_LAYERS = "registry_data_"  # followed by a region


@dataclass(frozen=True, slots=True)
class PrivateAddress:
    host: str
    address: str


@dataclass(frozen=True, slots=True)
class PrivateEndpoint:
    """``unread`` says why its subnet, or its addresses, are not known."""

    connection: PrivateConnection
    subnet: ResourceId | None
    addresses: tuple[PrivateAddress, ...]
    unread: str = ""

    @property
    def id(self) -> ResourceId:
        return self.connection.endpoint

    @property
    def network(self) -> ResourceId | None:
        return self.subnet.parent if self.subnet is not None else None

    @property
    def approved(self) -> bool:
        return self.connection.status.lower() == APPROVED

    def has(self, address: str) -> bool:
        return any(one.address == address for one in self.addresses)


@dataclass(frozen=True, slots=True)
class PrivateEndpoints:
    all: tuple[PrivateEndpoint, ...]

    @property
    def approved(self) -> tuple[PrivateEndpoint, ...]:
        return tuple(one for one in self.all if one.approved)

    @property
    def unread(self) -> str:
        return next((one.unread for one in self.all if one.unread), "")

    def of(self, host: str) -> frozenset[str]:
        """The addresses that any of them has for a name."""
        return frozenset(one.address for each in self.all for one in each.addresses if one.host == host)

    def with_any(self, addresses: tuple[str, ...]) -> tuple[PrivateEndpoint, ...]:
        return tuple(one for one in self.all if any(one.has(address) for address in addresses))


@fact()
async def private_endpoints(registry: Registry, _: PrivateWay, arm: Arm) -> PrivateEndpoints:
    found = await asyncio.gather(*(_endpoint(registry, one, arm) for one in registry.private))
    return PrivateEndpoints(tuple(found))


async def _endpoint(registry: Registry, connection: PrivateConnection, arm: Arm) -> PrivateEndpoint:
    """What cannot be read of one endpoint may be another team's, and says nothing of the others."""
    if not str(connection.endpoint):
        return PrivateEndpoint(connection, None, (), f"Azure does not say what {connection.id.name} leads to")
    try:
        tree = await arm.get(str(connection.endpoint))
    except NotFound:
        return PrivateEndpoint(connection, None, (), f"Azure does not show {connection.endpoint}")
    except Unavailable as why:
        return PrivateEndpoint(connection, None, (), str(why))
    subnet = word(tree, "properties", "subnet", "id")
    addresses, unread = await _addresses(registry, tree, arm)
    return PrivateEndpoint(connection, ResourceId(subnet) if subnet else None, addresses, unread)


async def _addresses(
    registry: Registry, endpoint: Mapping[str, Any], arm: Arm
) -> tuple[tuple[PrivateAddress, ...], str]:
    """By its interface; what the endpoint itself tells is empty where a zone group looks after the names."""
    try:
        interfaces = await asyncio.gather(
            *(
                arm.get(word(one, "id"))
                for one in rows(endpoint, "properties", "networkInterfaces")
                if word(one, "id")
            )
        )
    except NotFound as why:
        interfaces, unread = [], f"Azure does not show the interface of {word(endpoint, 'name')}: {why}"
    except Unavailable as why:
        interfaces, unread = [], str(why)
    else:
        unread = f"Azure names no address of {word(endpoint, 'name')}"
    found = {
        *(address for one in interfaces for address in _of_interface(registry, one)),
        *_of_endpoint(endpoint),
    }
    return tuple(sorted(found, key=lambda one: (one.host, one.address))), "" if found else unread


def _of_interface(registry: Registry, tree: Mapping[str, Any]) -> Iterator[PrivateAddress]:
    for one in rows(tree, "properties", "ipConfigurations"):
        address = word(one, "properties", "privateIPAddress")
        link = "privateLinkConnectionProperties"
        member = word(one, "properties", link, "requiredMemberName")
        hosts = words(one, "properties", link, "fqdns") or _hosts(registry, member)
        if address:
            yield from (PrivateAddress(host.lower(), address) for host in hosts)


def _hosts(registry: Registry, member: str) -> tuple[str, ...]:
    name, _, suffix = registry.host.partition(".")
    if member == _REGISTRY:
        return (registry.host,)
    if member.startswith(_LAYERS):
        return (f"{name}.{member.removeprefix(_LAYERS)}.data.{suffix}",)
    return ()


def _of_endpoint(tree: Mapping[str, Any]) -> Iterator[PrivateAddress]:
    for one in rows(tree, "properties", "customDnsConfigs"):
        yield from (
            PrivateAddress(word(one, "fqdn").lower(), address)
            for address in words(one, "ipAddresses")
            if word(one, "fqdn")
        )
