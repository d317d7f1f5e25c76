"""What the words of Azure's rules cover: prefixes, ranges, service tags, ports.

Where a registry's public addresses are is known by service tag and region only; so a prefix may or may not
cover them, and nobody is accused by a "may"
(learn.microsoft.com/azure/virtual-network/service-tags-overview).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError, summarize_address_range

Blocks = tuple[IPv4Network, ...]

_EVERYTHING = frozenset({"*", "any", "0.0.0.0/0", "<nw>"})
_NEVER_PUBLIC = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/3",
    )
)  # fmt: skip
# Regions that service tags spell otherwise than ARM's locations.
_REGION_OF_TAG = {
    "brazilse": "brazilsoutheast",
    "centralfrance": "francecentral",
    "germanyn": "germanynorth",
    "germanywc": "germanywestcentral",
    "norwaye": "norwayeast",
    "norwayw": "norwaywest",
    "southfrance": "francesouth",
    "switzerlandn": "switzerlandnorth",
    "switzerlandw": "switzerlandwest",
}


class Match(IntEnum):
    """In this order: the most certain of several that are joined by "or" is the greatest."""

    NO = 0
    MAYBE = 1
    YES = 2


def blocks(text: str) -> Blocks | None:
    """An address, a CIDR block or a range ``first-last``; ``None`` for anything else (a tag, IPv6)."""
    first, joint, last = text.strip().partition("-")
    try:
        if joint:
            return tuple(summarize_address_range(IPv4Address(first.strip()), IPv4Address(last.strip())))
        return (IPv4Network(first, strict=False),)
    except (AddressValueError, NetmaskValueError, ValueError, TypeError):
        return None


def is_private(address: str) -> bool:
    """Whether an address (of either version) lies within a private network."""
    if ":" in address:
        return address.lower().startswith(("fc", "fd", "fe80"))
    found = blocks(address)
    return found is not None and all(any(one.subnet_of(other) for other in _NEVER_PUBLIC) for one in found)


def is_everything(text: str) -> bool:
    return text.strip().lower() in _EVERYTHING


def holds_address(text: str, address: str) -> Match:
    """Whether a prefix or range covers one IPv4 address."""
    found, wanted = blocks(text), blocks(address)
    if is_everything(text):
        return Match.YES
    if found is None or wanted is None:
        return Match.NO
    return Match.YES if any(wanted[0].subnet_of(one) for one in found) else Match.NO


def may_hold_public(text: str) -> Match:
    """Whether it covers a public address that we do not know."""
    found = blocks(text)
    if is_everything(text):
        return Match.YES
    return Match.NO if found is None or all(is_private(str(one)) for one in found) else Match.MAYBE


def holds_tag(text: str, tag: str, region: str) -> Match:
    """Whether a service tag covers what is in ``tag``; ``region`` "" where that is not certain."""
    name, _, place = text.strip().lower().partition(".")
    if name == "internet":  # Azure's own public addresses are in it
        return Match.YES
    if name not in ("azurecloud", tag.lower()):
        return Match.NO
    if not place:
        return Match.YES
    if not region:
        return Match.MAYBE
    return Match.YES if _REGION_OF_TAG.get(place, place) == region.lower() else Match.NO


def comes_from(text: str, sources: Blocks) -> Match:
    """Whether a rule's source covers the nodes, which are somewhere in these prefixes."""
    if is_everything(text) or text.strip().lower() == "virtualnetwork":
        return Match.YES
    found = blocks(text)
    if found is None:
        return Match.NO
    if not sources:
        return Match.MAYBE
    if all(any(one.subnet_of(other) for other in found) for one in sources):
        return Match.YES
    return Match.MAYBE if any(one.overlaps(other) for one in sources for other in found) else Match.NO


def has_port(ranges: Iterable[str], port: int) -> bool:
    for one in ranges:
        first, joint, last = one.strip().partition("-")
        if first in ("*", "any", "Any"):
            return True
        if first.isdigit() and int(first) <= port <= int(last if joint and last.isdigit() else first):
            return True
    return False


def best(matches: Iterable[Match]) -> Match:
    """Of several that are joined by "or"; of none, no."""
    return max(matches, default=Match.NO)


def worst(*matches: Match) -> Match:
    """Of several that are joined by "and"."""
    return min(matches)
