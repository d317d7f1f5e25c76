"""Does the Azure Firewall on the way let the pull through?

To a private endpoint a network rule has to allow it, by address; over the Internet an application rule may,
by name, and has to for all of them: the registry, its layers, and Entra ID for a service principal.
"""

from __future__ import annotations

from checks.azure.firewall_rules import Ruled, Ruling
from checks.azure.firewalls import Firewall, FirewallRules, Firewalls
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_addresses import Blocks, blocks
from checks.azure.outbound_errands import LOST, Destination, Destinations
from checks.azure.route_tables import Hop, Ways
from checks.azure.security_rules import Lets
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The firewall on the way lets the pull through",
    leg=Leg.CONNECTION,
    # A name that no application rule allows is cut off once it was said, within TLS.
    explains=LOST | {Symptom.CONNECT_FAILED, Symptom.TLS_PROTOCOL},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-firewall-access-rules",
)
def firewall_lets_through(
    ways: Ways, firewalls: Firewalls, rules: FirewallRules, subnet: NodeSubnet, wanted: Destinations
) -> Verdict:
    sources = tuple(one for text in subnet.prefixes for one in blocks(text) or ())
    denied, doubtful, strange, passed_by = [], [], [], dict[str, None]()
    for way in ways.by(Hop.APPLIANCE):
        address = way.route.address if way.route else ""
        firewall = firewalls.at(address)
        if firewall is None:
            strange.append(address)
            continue
        passed_by[firewall.id.name] = None
        ruled = rules.of(firewall).decide(way.to, sources)
        if ruled.lets is Lets.NO:
            denied.append((firewall, way.to, ruled))
        elif ruled.lets is Lets.MAYBE:
            doubtful.append((firewall, way.to, ruled))
    if denied:
        firewall, to, ruled = denied[0]
        holder = firewall.policy or firewall.id
        return failed(
            _said(firewall, to, ruled, rules.of(firewall), sources),
            ("Firewall", str(firewall.id)),
            *([("Policy", str(firewall.policy))] if firewall.policy else []),
            *(("Denied", str(to)) for _, to, _ in denied),
            about=str(holder),
            explains=wanted.explain(to for _, to, _ in denied),
        )
    if strange:
        return unknown(
            f"the appliance {strange[0]} is no Azure Firewall that is shown to us: ask who runs it"
        )
    if doubtful:
        firewall, to, ruled = doubtful[0]
        return unknown(
            f"whether the rule {ruled.rule} of {firewall.id.name} is for {to} is not known: it names what is "
            "not looked into",
            ("Firewall", str(firewall.id)),
        )
    if not passed_by:
        raise NotApplicable("no firewall is on the way")
    return passed(f"{', '.join(passed_by)} lets the pull through")


def _said(firewall: Firewall, to: Destination, ruled: Ruled, ruling: Ruling, sources: Blocks) -> str:
    if ruled.rule is not None:
        return f"the rule {ruled.rule} of {firewall.id.name} denies {to}"
    by_name = ruling.by_name_only(to, sources) if to.private else None
    if by_name is not None:
        return (
            f"{firewall.id.name} has no network rule for {to}; {by_name} allows its name only, which is not "
            "enough for a private endpoint"
        )
    return f"no rule of {firewall.id.name} allows HTTPS to {to}"
