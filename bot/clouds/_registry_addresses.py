"""Which addresses a registry, a token service or a redirect may have.

Whoever runs a registry decides where its names point and whom it refers us to. Many registries are in private
networks, so those are asked; this machine itself, its link-local neighbours and the places where clouds hand
out credentials are not. The addresses that were judged are the ones that are dialled: a name is never
looked up again in between.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable

Resolve = Callable[[str], Awaitable[tuple[str, ...]]]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata and platform services outside the link-local range.
_OF_CLOUDS = {
    ipaddress.ip_address("168.63.129.16"),  # Azure's platform
    ipaddress.ip_address("100.100.100.200"),  # Alibaba Cloud
    ipaddress.ip_address("192.0.0.192"),  # Oracle Cloud's older one
    ipaddress.ip_address("fd00:ec2::254"),  # EC2
    ipaddress.ip_address("fd20:ce::254"),  # Google Cloud
}
# NAT64, and what was once IPv4 in IPv6.
_CARRY_IPV4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))


class Barred(Exception):
    """The address is none that pullbot asks. The message says which, and what to do."""


def is_barred(address: str) -> bool:
    """Whether ``address`` is of this machine, link-local, a metadata service, or no unicast address."""
    found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    return (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or found in _OF_CLOUDS
        or (found.version == 4 and (found.packed[0] == 0 or found.packed[0] >= 240))
    )


def permitted(host: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that may be dialled.

    :raises Barred: any may not: who points a name at both is not trusted with either
    """
    found = tuple(addresses)
    barred = next((one for one in found if is_barred(one)), "")
    if barred:
        raise Barred(
            f"{host} is {barred} from here, an address that pullbot does not ask; if that is your registry, "
            "add it to registry.allow_local_hosts"
        )
    return found


def literal(host: str) -> str:
    """``host`` if it is an address and no name, or ""."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _unwrapped(address: _Address) -> _Address:
    """The IPv4 address inside of one that only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in one for one in _CARRY_IPV4) and int(address) > 1:
        inner = ipaddress.IPv4Address(address.packed[-4:])
    return inner or address
