"""Who may come to a registry over the Internet is decided by people: whether anybody may at all, and who may
whom Azure does not name.
"""

from __future__ import annotations

import shlex

from checks.azure.outbound_addresses import is_private
from checks.azure.outbound_way import WayOut
from checks.azure.registry import Registry
from checks.azure.registry_firewall_admits_cluster import missing_of, registry_firewall_admits_cluster
from checks.model import NotApplicable
from handlers.remedies.azure.registry_firewall_steps import network_rule
from handlers.remedy import ByHand, by_hand


@by_hand("Open the registry to the cluster", cures=registry_firewall_admits_cluster)
def open_registry_to_cluster(now: WayOut) -> ByHand:
    registry, admission = now.registry, now.guards.admission
    admit = network_rule("add", str(registry.id), "ADDRESS")
    if not registry.public:
        return ByHand(
            f"Who answers for {registry.host} gives it a private endpoint in the nodes' network; or opens it "
            "to selected addresses, of which the cluster's is one",
            (_public(registry), admit),
            "opening it shows the registry to the Internet",
        )
    if admission is None:
        raise NotApplicable("nothing is known of who comes")
    outbound, told = admission.outbound, admission.told
    subnet = now.terrain.subnet
    if told and is_private(told) and subnet is not None:
        return ByHand(
            f"Who answers for {registry.host} admits the subnet {subnet.id.name}, from which the nodes come "
            "by a service endpoint; or that is taken off the subnet, and the public address is admitted",
            (network_rule("add", str(registry.id), subnet=str(subnet.id)),),
            "everything in the subnet is let in",
        )
    names = tuple(one.address for one in outbound.exits) if outbound else ()
    if outbound and all(one.stays for one in outbound.exits) and not (told and missing_of([told], names)):
        raise NotApplicable("a remedy does it")
    said = f" (the message says {told})" if told else ""
    return ByHand(
        f"Who answers for what the nodes leave through tells its public address{said}, and whether it stays; "
        f"{registry.host} then admits it",
        (admit,),
        "anybody else who leaves with that address is let in, too",
    )


def _public(registry: Registry) -> str:
    words = ["az", "acr", "update", "--name", registry.id.name, "--subscription", registry.id.subscription]
    return shlex.join([*words, "--public-network-enabled", "true", "--default-action", "Deny"])
