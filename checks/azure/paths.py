"""Which address of the registry a node dials: the public one, or a private endpoint's.

A name that has private endpoints is the same outside and inside: the private zone that the network's resolver
knows decides. What the message tells of the address that was dialled, or of the address that the registry
saw, beats what the configuration lets expect
(learn.microsoft.com/azure/container-registry/container-registry-private-endpoints).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from checks.azure.registry import Registry
from checks.graph import fact
from checks.image.facts import Asked
from checks.model import FailedPull, NotApplicable

_CLIENT = re.compile(r"client with IP '?(?P<address>[0-9a-fA-F.:]{3,45}?)'? is not allowed", re.IGNORECASE)


class Kind(Enum):
    """NOWHERE: the name leads to nothing."""

    PUBLIC = "public"
    PRIVATE = "private"
    NOWHERE = "nowhere"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RegistryPath:
    """``addresses`` are the private ones that are dialled; ``why`` tells how it is known, or why it is not.

    ``proven``: the message itself tells so.
    """

    kind: Kind
    why: str
    addresses: tuple[str, ...] = ()
    proven: bool = False


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The address that the registry's firewall saw and refused; "": the message names none."""

    address: str


@fact()
def turned_away(pull: FailedPull) -> TurnedAway:
    found = _CLIENT.search(pull.message)
    return TurnedAway(found["address"] if found and _is_address(found["address"]) else "")


# The facts that give a path are tried in the order of their names: the message's word first.
@fact()
def path_as_told(registry: Registry, asked: Asked, refused: TurnedAway) -> RegistryPath:
    if refused.address and not is_private(refused.address):
        return RegistryPath(
            Kind.PUBLIC, f"the registry saw the public address {refused.address}", proven=True
        )
    if not asked.address or not _is_of(registry, asked.host):
        raise NotApplicable("the message tells no address of the registry")
    if not is_private(asked.address):
        return RegistryPath(Kind.PUBLIC, f"{asked.address} was dialled, which is public", proven=True)
    if not registry.private:
        return RegistryPath(
            Kind.UNKNOWN, f"{asked.address} was dialled, and {registry.host} has no private endpoint"
        )
    return RegistryPath(Kind.PRIVATE, f"{asked.address} was dialled", (asked.address,), proven=True)


@fact()
def path_without_endpoints(registry: Registry) -> RegistryPath:
    if registry.private:
        raise NotApplicable("the registry has private endpoints")
    return RegistryPath(Kind.PUBLIC, f"{registry.host} has no private endpoint")


def is_private(address: str) -> bool:
    """Whether an address that was dialled, or seen by the registry, lies within a private network."""
    return _is_address(address) and ip_address(address).is_private


def _is_of(registry: Registry, host: str) -> bool:
    """Whether the host is the registry's, or its name in a region; layers are asked of another."""
    first = host.partition(".")[0]
    return not host or (first == registry.host.partition(".")[0] and ".data." not in host)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
