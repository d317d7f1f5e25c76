"""What the registry's own firewall is asked for: nothing, or for the addresses that the nodes come from."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.outbound import Asks, Outbound
from checks.azure.paths import Kind, RegistryPath, TurnedAway
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotApplicable, Unavailable


@dataclass(frozen=True, slots=True)
class Admission:
    """``told`` is the address that the registry itself says it turned away; ``outbound`` is ``None`` where it
    does not matter, or where the message has to do.
    """

    told: str
    outbound: Outbound | None


# The facts are tried in the order of their names: the registry's own word beats what Azure's tables tell.
@fact()
def admission_as_told(_: Asks, refused: TurnedAway, outbound: Outbound | None) -> Admission:
    if not refused.address:
        raise NotApplicable("the message names no address")
    return Admission(refused.address, outbound)


@fact()
def admission_by_outbound(_: Asks, outbound: Outbound) -> Admission:
    return Admission("", outbound)


@fact()
def admission_not_asked(registry: Registry, path: RegistryPath) -> Admission:
    if path.kind is Kind.UNKNOWN and registry.public and not registry.admits_all:
        raise Unavailable(
            f"whether the nodes come to {registry.host} over the Internet is not known: {path.why}"
        )
    return Admission("", None)
