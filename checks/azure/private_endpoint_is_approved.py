"""Has the registry's owner let the private endpoint in?

An endpoint that is pending, rejected or disconnected has its address, and carries nothing to the registry.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.networks import NodePlace, Peerings
from checks.azure.paths import Kind, RegistryPath
from checks.azure.private_endpoints import PrivateEndpoint, PrivateEndpoints
from checks.azure.registry import Registry
from checks.graph import check, fact
from checks.image.facts import Asked
from checks.model import Leg, NotApplicable, Place, Symptom, Unavailable, Verdict, failed, passed, unknown

_NOT_LET_IN = frozenset({"pending", "rejected", "disconnected"})


@dataclass(frozen=True, slots=True)
class MeantEndpoints:
    """The endpoints that the node dials; else those of its own network; else all there are.

    Who may come over the Internet needs none: then those alone count that are in a network beside the node's.
    """

    all: tuple[PrivateEndpoint, ...]


@fact()
def meant_endpoints(
    registry: Registry,
    endpoints: PrivateEndpoints,
    path: RegistryPath | None,
    place: NodePlace | None,
    peerings: Peerings | None,
) -> MeantEndpoints:
    if registry.public and registry.admits_all and (path is None or path.kind is not Kind.PRIVATE):
        raise NotApplicable(f"{registry.host} is open to all addresses")
    dialled = endpoints.with_any(path.addresses) if path is not None else ()
    beside = tuple(one for one in endpoints.all if place is not None and one.network == place.network)
    if dialled or beside or not registry.public:
        return MeantEndpoints(dialled or beside or endpoints.all)
    joined = {one.remote for one in (peerings.all if peerings is not None else ())}
    if found := tuple(one for one in endpoints.all if one.network in joined):
        return MeantEndpoints(found)
    raise _of_others(endpoints, peerings)


def _of_others(endpoints: PrivateEndpoints, peerings: Peerings | None) -> Exception:
    """Of other networks they are other teams' more likely than not."""
    why = next((one.unread for one in endpoints.all if one.network is None), "")
    if peerings is None:
        why = (
            "with which networks theirs is peered could not be read "
            "(Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read)"
        )
    if why:
        return Unavailable(f"whether a private endpoint is meant for the nodes is not known: {why}")
    return NotApplicable("the private endpoints are for other networks")


@check(
    "The private endpoint is approved",
    leg=Leg.CONNECTION,
    place=Place.DOOR,
    explains={Symptom.CONNECT_TIMEOUT, Symptom.CONNECT_FAILED, Symptom.FORBIDDEN},
    page="https://learn.microsoft.com/en-us/azure/private-link/manage-private-endpoint",
)
def private_endpoint_is_approved(
    registry: Registry, endpoints: MeantEndpoints, path: RegistryPath | None, asked: Asked
) -> Verdict:
    meant = endpoints.all
    evidence = tuple(("Private endpoint", f"{one.id} ({one.connection.status})") for one in meant)
    if any(one.approved for one in meant):
        return passed(f"{registry.host} has let the private endpoint in", *evidence)
    shut = [one for one in meant if one.connection.status.lower() in _NOT_LET_IN]
    if len(shut) < len(meant):
        return unknown("Azure does not say in which state the private endpoint is", *evidence)
    names = ", ".join(one.id.name or one.connection.id.name for one in shut)
    states = " and ".join(sorted({one.connection.status for one in shut}))
    return failed(
        f"the private endpoint {names} is {states}, not Approved: nothing gets through it to {registry.host}",
        *evidence,
        *(("Said", one.connection.description) for one in shut if one.connection.description),
        about=str(shut[0].connection.id),
        explains=None if _explains(path, asked.symptom) else False,
    )


def _explains(path: RegistryPath | None, symptom: Symptom) -> bool:
    """Whoever is known to take the public way is refused; whoever dials the endpoint is left waiting."""
    if path is not None and path.proven:
        return symptom is (Symptom.FORBIDDEN if path.kind is Kind.PUBLIC else Symptom.CONNECT_TIMEOUT)
    return True
