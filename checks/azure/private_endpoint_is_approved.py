"""Has the registry's owner let the private endpoint in?

An endpoint that is pending, rejected or disconnected has its address, and carries nothing to the registry.
"""

from __future__ import annotations

from checks.azure.networks import NodePlace
from checks.azure.paths import Kind, RegistryPath
from checks.azure.private_endpoints import PrivateEndpoint, PrivateEndpoints
from checks.azure.registry import Registry
from checks.graph import check
from checks.image.facts import Asked
from checks.model import Leg, NotApplicable, Place, Symptom, Verdict, failed, passed, unknown

_NOT_LET_IN = frozenset({"pending", "rejected", "disconnected"})


@check(
    "The private endpoint is approved",
    leg=Leg.CONNECTION,
    place=Place.DOOR,
    explains={Symptom.CONNECT_TIMEOUT, Symptom.CONNECT_FAILED, Symptom.FORBIDDEN},
    page="https://learn.microsoft.com/en-us/azure/private-link/manage-private-endpoint",
)
def private_endpoint_is_approved(
    registry: Registry,
    endpoints: PrivateEndpoints,
    path: RegistryPath | None,
    place: NodePlace | None,
    asked: Asked,
) -> Verdict:
    meant = meant_for_node(endpoints, path, place)
    if registry.public and registry.admits_all and (path is None or path.kind is not Kind.PRIVATE):
        raise NotApplicable(f"{registry.host} is open to all addresses")
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


def meant_for_node(
    endpoints: PrivateEndpoints, path: RegistryPath | None, place: NodePlace | None
) -> tuple[PrivateEndpoint, ...]:
    """The endpoints that the node dials; else those of its own network; else all there are."""
    dialled = endpoints.with_any(path.addresses) if path is not None else ()
    beside = tuple(one for one in endpoints.all if place is not None and one.network == place.network)
    return dialled or beside or endpoints.all


def _explains(path: RegistryPath | None, symptom: Symptom) -> bool:
    """Whoever is known to take the public way is refused; whoever dials the endpoint is left waiting."""
    if path is not None and path.proven:
        return symptom is (Symptom.FORBIDDEN if path.kind is Kind.PUBLIC else Symptom.CONNECT_TIMEOUT)
    return True
