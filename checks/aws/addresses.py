"""Sets of IPv4 addresses: what a rule covers of where a packet may go."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv4Network

Space = tuple[IPv4Network, ...]


class Lets(Enum):
    """Whether a filter lets packets through. SOME: it depends on which address it is."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


EVERYWHERE = IPv4Network("0.0.0.0/0")
_NEVER_PUBLIC = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/3",
    )
)  # fmt: skip


def network(block: str) -> IPv4Network:
    """A block as AWS means it: what stands behind its prefix does not count."""
    return IPv4Network(block, strict=False)


def without(space: Space, taken: IPv4Network) -> Space:
    """``space`` less the addresses of ``taken``."""
    left: list[IPv4Network] = []
    for one in space:
        if not one.overlaps(taken):
            left.append(one)
        elif not one.subnet_of(taken):
            left.extend(one.address_exclude(taken))
    return tuple(left)


def without_all(space: Space, taken: Iterable[IPv4Network]) -> Space:
    for one in taken:
        space = without(space, one)
    return space


def common(space: Space, other: IPv4Network) -> Space:
    """The addresses of ``space`` that are in ``other`` as well."""
    return tuple(one if one.subnet_of(other) else other for one in space if one.overlaps(other))


# Where ECR and S3 are, as far as anybody can tell: their addresses are no fixed list.
PUBLIC = without_all((EVERYWHERE,), _NEVER_PUBLIC)


def is_private(address: str) -> bool:
    """Whether an address (of either version) that was dialled lies within a private network."""
    if ":" in address:
        return address.lower().startswith(("fc", "fd", "fe80"))
    return any(IPv4Network(address).subnet_of(one) for one in _NEVER_PUBLIC)
