"""Add the addresses that the cluster's nodes leave with to those that the registry's firewall admits.

Only addresses that Azure itself names as the cluster's: what a message tells might be anybody's.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.outbound import Outbound
from checks.azure.outbound_way import WayOut
from checks.azure.registry import Registry
from checks.azure.registry_firewall_admits_cluster import missing_of, registry_firewall_admits_cluster
from checks.model import NotApplicable
from handlers.outlook import joined, must_pass
from handlers.remedies.azure.network_outlook import must_fail, what_stays
from handlers.remedies.azure.registry_firewall_steps import AdmitAddresses
from handlers.remedy import Plan, Refused, Risk, remedy

_SETTLES_IN = timedelta(minutes=10)  # Azure says that rules take "a few minutes"
# learn.microsoft.com/azure/container-registry/container-registry-access-selected-networks
MOST_RULES = 200


@remedy(
    "Admit the cluster's addresses to the registry", cures=registry_firewall_admits_cluster, risk=Risk.LOW
)
def admit_cluster_address(now: WayOut) -> Plan:
    must_fail(registry_firewall_admits_cluster, now)
    registry, admission = now.registry, now.guards.admission
    if not registry.public or admission is None:
        raise NotApplicable("its rules do not matter")
    outbound = admission.outbound
    if outbound is None:
        raise Refused(
            f"that the nodes leave with {admission.told} only the message says; Azure does not tell it, and "
            "nobody is admitted on a message's word"
        )
    addresses = tuple(one.address for one in outbound.exits)
    if admission.told and missing_of([admission.told], addresses):
        raise Refused(
            f"the registry turned away {admission.told}, which is none of the addresses that Azure names for "
            f"{outbound.through}: {', '.join(addresses)}"
        )
    missing = missing_of(addresses, registry.admitted)
    _must_be_possible(registry, outbound, missing)
    then = now.with_admitted(*missing)
    must_pass(registry_firewall_admits_cluster, then)
    step = AdmitAddresses(str(registry.id), registry.admitted, missing)
    shared = f"whatever else leaves through {outbound.through} is let in, too" if outbound.shared else ""
    return Plan(
        (step,),
        caution=joined(shared, what_stays(then)),
        settles_in=_SETTLES_IN,
        risk=Risk.MEDIUM if shared else Risk.LOW,
    )


def _must_be_possible(registry: Registry, outbound: Outbound, missing: tuple[str, ...]) -> None:
    """:raises Refused: it is not, or would not last"""
    if not all(one.stays for one in outbound.exits):
        raise Refused(
            f"{', '.join(missing)} will not stay: {outbound.through} leaves with an address that comes and "
            "goes; that of a NAT gateway, or of a prefix of one's own, would stay"
        )
    if registry.sku.lower() not in ("premium", ""):
        raise Refused(f"a registry of the tier {registry.sku} takes no rules; only Premium does")
    if len(registry.admitted) + len(missing) > MOST_RULES:
        raise Refused(
            f"{registry.host} has {len(registry.admitted)} rules, and Azure allows {MOST_RULES}: some have "
            "to be joined first"
        )
