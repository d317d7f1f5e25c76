"""Does the Azure Firewall on the way let the pull through?

To a private endpoint a network rule has to allow it, by address; over the Internet an application rule may,
by name, and has to for all of them: the registry, its layers, and Entra ID for a service principal.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.firewall_rules import Ruled, Ruling
from checks.azure.firewalls import Firewall, FirewallRules, Firewalls
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_addresses import Blocks, blocks
from checks.azure.outbound_errands import LOST, Destination, Destinations
from checks.azure.route_tables import Hop, Way, Ways
from checks.azure.security_rules import Lets
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Symptom, Verdict, failed, passed, unknown


@dataclass(frozen=True, slots=True)
class Denied:
    """What one firewall decides about one place."""

    firewall: Firewall
    to: Destination
    ruled: Ruled


@check(
    "The firewall on the way lets the pull through",
    leg=Leg.CONNECTION,
    place=Place.FIREWALL,
    # A name that no application rule allows is cut off once it was said, within TLS.
    explains=LOST | {Symptom.CONNECT_FAILED, Symptom.TLS_PROTOCOL},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-firewall-access-rules",
)
def firewall_lets_through(
    ways: Ways, firewalls: Firewalls, rules: FirewallRules, subnet: NodeSubnet, wanted: Destinations
) -> Verdict:
    denied = denied_by(ways, firewalls, rules, subnet)
    if denied:
        first = denied[0]
        holder = first.firewall.policy or first.firewall.id
        return failed(
            _said(first, rules.of(first.firewall), _sources(subnet)),
            ("Firewall", str(first.firewall.id)),
            *([("Policy", str(holder))] if first.firewall.policy else []),
            *(("Denied", str(one.to)) for one in denied),
            about=str(holder),
            explains=wanted.explain(one.to for one in denied),
        )
    strange = [
        one.route.address for one in _through(ways) if one.route and not firewalls.at(one.route.address)
    ]
    if strange:
        return unknown(
            f"the appliance {strange[0]} is no Azure Firewall that is shown to us: ask who runs it"
        )
    ruled = _ruled(ways, firewalls, rules, subnet)
    doubtful = [one for one in ruled if one.ruled.lets is Lets.MAYBE]
    if doubtful:
        first = doubtful[0]
        return unknown(
            f"whether the rule {first.ruled.rule} of {first.firewall.id.name} is for {first.to} is not "
            f"known: {_why(first.ruled)}",
            ("Firewall", str(first.firewall.id)),
        )
    if not ruled:
        raise NotApplicable("no firewall is on the way")
    return passed(f"{', '.join(dict.fromkeys(one.firewall.id.name for one in ruled))} lets the pull through")


def denied_by(ways: Ways, firewalls: Firewalls, rules: FirewallRules, subnet: NodeSubnet) -> list[Denied]:
    """What is surely denied."""
    return [one for one in _ruled(ways, firewalls, rules, subnet) if one.ruled.lets is Lets.NO]


def _ruled(ways: Ways, firewalls: Firewalls, rules: FirewallRules, subnet: NodeSubnet) -> list[Denied]:
    found = []
    for way in _through(ways):
        firewall = firewalls.at(way.route.address) if way.route else None
        if firewall is not None:
            found.append(Denied(firewall, way.to, rules.of(firewall).decide(way.to, _sources(subnet))))
    return found


def _through(ways: Ways) -> tuple[Way, ...]:
    return ways.by(Hop.APPLIANCE)


def _sources(subnet: NodeSubnet) -> Blocks:
    return tuple(one for text in subnet.prefixes for one in blocks(text) or ())


def _why(ruled: Ruled) -> str:
    unread = ruled.rule.unread if ruled.rule else ""
    return unread or "it names addresses that may be its, or not"


def _said(denied: Denied, ruling: Ruling, sources: Blocks) -> str:
    name, to, rule = denied.firewall.id.name, denied.to, denied.ruled.rule
    if rule is not None:
        return f"the rule {rule} of {name} denies {to}"
    by_name = ruling.by_name_only(to, sources) if to.private else None
    if by_name is not None:
        return (
            f"{name} has no network rule for {to}; {by_name} allows its name only, which is not enough for a "
            "private endpoint"
        )
    return f"no rule of {name} allows HTTPS to {to}"
