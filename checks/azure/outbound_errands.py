"""Where a pull from an Azure registry goes, and what the message tells of the errand that failed.

The manifest comes from the login server, which also trades the identity for a token of its own; the layers
from the registry's data endpoint, or from the storage accounts behind it. A managed identity is asked for on
the node itself, a service principal at Entra ID
(learn.microsoft.com/azure/container-registry/container-registry-firewall-access-rules).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from checks.azure.cluster import AksCluster
from checks.azure.outbound_addresses import is_private
from checks.azure.paths import Kind, RegistryPath
from checks.azure.private_endpoints import PrivateEndpoints
from checks.azure.registry import Registry
from checks.graph import fact
from checks.image.facts import Asked
from checks.model import NotApplicable, Symptom, Unavailable

# What a connection that loses its packets leads to: Azure's networks drop, and never refuse.
LOST = frozenset({Symptom.CONNECT_TIMEOUT, Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING})
# Without a token kubelet pulls anonymously, and it is the registry that refuses: it was reached.
_ANONYMOUS = frozenset({Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING})

# By the suffix of the registry: Azure's cloud, and its names for blobs and for Entra ID.
_BLOBS = {"azurecr.cn": "blob.core.chinacloudapi.cn", "azurecr.us": "blob.core.usgovcloudapi.net"}
_LOGIN = {"azurecr.cn": "login.partner.microsoftonline.cn", "azurecr.us": "login.microsoftonline.us"}


class Errand(Enum):
    """The value says it in words."""

    REGISTRY = "the registry"
    LAYERS = "the layers"
    TOKEN = "Entra ID"  # noqa: S105  what is asked for, and none


@dataclass(frozen=True, slots=True)
class Destination:
    """One place that a pull needs. ``host`` begins with ``*.`` where only the domain is known.

    ``tag`` is the service tag of its public addresses, and ``region`` where they surely are; ``address`` the
    one that is dialled, as far as it is known.
    """

    errand: Errand
    host: str
    private: bool = False
    tag: str = ""
    region: str = ""
    address: str = ""

    def __str__(self) -> str:
        at = f" at {self.address}" if self.address else ""
        return f"{self.host}{at}"


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything that a pull needs, in its order; and what the message says: the errand that failed
    (``None``: it names no host), whether it was a ``stranger``'s, and the address that was dialled.
    """

    all: tuple[Destination, ...]
    symptom: Symptom
    asked: Errand | None
    stranger: bool
    dialled: str

    @property
    def private(self) -> bool:
        return any(one.private for one in self.all)

    def explain(self, dead: Iterable[Destination]) -> bool | None:
        """Whether places that cannot be reached account for the message; ``None``: it may well be."""
        dead = tuple(dead)
        errands = {one.errand for one in dead}
        if self.symptom in _ANONYMOUS:
            return None if Errand.TOKEN in errands and Errand.REGISTRY not in errands else False
        if self.stranger or (self.asked is not None and self.asked not in errands):
            return False
        ways = {one.private for one in dead if self.asked in (None, one.errand)}
        return False if self.dialled and is_private(self.dialled) not in ways else None


@fact()
def destinations(
    registry: Registry,
    path: RegistryPath,
    cluster: AksCluster,
    endpoints: PrivateEndpoints | None,
    asked: Asked,
) -> Destinations:
    """:raises Unavailable: whether the node dials a private endpoint is not known"""
    if proxied(cluster, registry.host):
        raise NotApplicable(f"the nodes ask a proxy for {registry.host}")
    if path.kind is Kind.NOWHERE:
        raise NotApplicable(f"{registry.host} leads to no address")
    if path.kind is Kind.UNKNOWN:
        raise Unavailable(f"whether the nodes dial {registry.host} in private is not known: {path.why}")
    errand = _errand(asked.host, registry)
    if path.kind is Kind.PUBLIC and not registry.public and not _lost_on_the_way(registry, path, asked):
        raise NotApplicable(f"{registry.host} is closed to the Internet, whatever the way there")
    if path.kind is Kind.PRIVATE:
        found = _private(registry, path, endpoints, _region(registry, cluster))
    else:
        found = _public(registry, cluster)
    return Destinations(
        all=tuple(_dialled(one, errand, asked) for one in found),
        symptom=asked.symptom,
        asked=errand,
        stranger=bool(asked.host) and errand is None,
        dialled=asked.address,
    )


def _lost_on_the_way(registry: Registry, path: RegistryPath, asked: Asked) -> bool:
    """A closed registry refuses, and leaves nobody waiting. With private endpoints it is the wrong way."""
    return path.proven and asked.symptom is Symptom.CONNECT_TIMEOUT and not registry.private


def proxied(cluster: AksCluster, host: str) -> bool:
    """Whether the nodes go to a host through the cluster's proxy, as Go reads ``NO_PROXY``."""
    if not cluster.proxy.https:
        return False
    for one in cluster.proxy.exempt:
        name = one.strip().lower().removeprefix("*").lstrip(".").partition(":")[0]
        if one.strip() == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return False
    return True


def _private(
    registry: Registry, path: RegistryPath, endpoints: PrivateEndpoints | None, region: str
) -> list[Destination]:
    """The address that is dialled, and that of the layers at the same endpoint."""
    found = [Destination(Errand.REGISTRY, registry.host, private=True, address=one) for one in path.addresses]
    near = endpoints.with_any(path.addresses) if endpoints else ()
    layers = [one for each in near for one in each.addresses if ".data." in one.host]
    if region:
        layers = [one for one in layers if f".{region}.data." in one.host]
    if len({one.host for one in layers}) == 1:  # or the nearest of several regions answers
        found += [
            Destination(Errand.LAYERS, one.host, private=True, address=one.address)
            for one in layers
            if one.address not in path.addresses
        ]
    return found


def _region(registry: Registry, cluster: AksCluster) -> str:
    """Where the registry surely answers; a registry of the Premium tier may be replicated, and the nearest
    does: that is where it is at home only if the cluster is there, too.
    """
    certain = registry.sku.lower() != "premium" or registry.location.lower() == cluster.location.lower()
    return registry.location.lower() if certain else ""


def _public(registry: Registry, cluster: AksCluster) -> list[Destination]:
    suffix = registry.host.partition(".")[2]
    region, tag = _region(registry, cluster), "AzureContainerRegistry"
    found = [Destination(Errand.REGISTRY, registry.host, tag=tag, region=region)]
    if registry.data_hosts:
        near = [one for one in registry.data_hosts if not region or f".{region}." in one]
        if len(near) == 1:  # or the nearest of several regions answers
            found.append(Destination(Errand.LAYERS, near[0], tag=tag, region=region))
    else:
        blobs = _BLOBS.get(suffix, "blob.core.windows.net")
        found.append(Destination(Errand.LAYERS, f"*.{blobs}", tag="Storage", region=region))
    if cluster.service_principal:
        login = _LOGIN.get(suffix, "login.microsoftonline.com")
        found.append(Destination(Errand.TOKEN, login, tag="AzureActiveDirectory"))
    return found


def _errand(host: str, registry: Registry) -> Errand | None:
    if ".data.azurecr." in host or ".blob." in host or ".blob.core." in host:
        return Errand.LAYERS
    if host.startswith("login."):
        return Errand.TOKEN
    return Errand.REGISTRY if host.partition(".")[0] == registry.host.partition(".")[0] else None


def _dialled(one: Destination, errand: Errand | None, asked: Asked) -> Destination:
    """With what the message tells of it: the very address, and the very host of the storage."""
    if one.errand is not errand or one.private:
        return one
    host = asked.host if one.host.startswith("*.") and asked.host.endswith(one.host[1:]) else one.host
    known = asked.address if asked.address and not is_private(asked.address) else ""
    return replace(one, host=host, address=known)
