"""A firewall is its owners' word on what may leave: they are told the very rule that a pull needs."""

from __future__ import annotations

import shlex

from checks.azure.facts import ResourceId
from checks.azure.firewall_lets_through import denied_by, firewall_lets_through
from checks.azure.firewalls import Firewall, FirewallRules, Firewalls
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_errands import Destination
from checks.azure.route_tables import Ways
from checks.model import NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Allow the pull in the firewall", cures=firewall_lets_through)
def allow_in_firewall(ways: Ways, firewalls: Firewalls, rules: FirewallRules, subnet: NodeSubnet) -> ByHand:
    denied = denied_by(ways, firewalls, rules, subnet)
    if not denied:
        raise NotApplicable("it lets the pull through")
    firewall = denied[0].firewall
    places = tuple(dict.fromkeys(one.to for one in denied if one.firewall.id == firewall.id))
    kind = "network rule, by address" if places[0].private else "rule, by name"
    stops = [str(one.ruled.rule) for one in denied if one.ruled.rule is not None]
    return ByHand(
        f"Who answers for {(firewall.policy or firewall.id).name} allows HTTPS from "
        f"{', '.join(subnet.prefixes)} to {', '.join(map(_shown, places))} with a {kind}",
        (_command(firewall, places, subnet),),
        f"it has to go before what may be an intentional denial: {', '.join(dict.fromkeys(stops))}"
        if stops
        else "",
    )


def _command(firewall: Firewall, places: tuple[Destination, ...], subnet: NodeSubnet) -> str:
    private = places[0].private
    sources = ["--source-addresses", *subnet.prefixes]
    if private:
        target = ["--destination-addresses", *(one.address for one in places), "--destination-ports", "443"]
    else:
        target = ["--target-fqdns", *map(_name, places), "--protocols", "Https=443"]
    if firewall.policy is None:
        kind = "network-rule" if private else "application-rule"
        words = ["az", "network", "firewall", kind, "create", "--firewall-name", firewall.id.name]
        words += [*_where(firewall.id), "--collection-name", "COLLECTION", "--name", "acr", *sources, *target]
        return shlex.join([*words, "--protocols", "TCP"] if private else words)
    words = ["az", "network", "firewall", "policy", "rule-collection-group", "collection", "rule", "add"]
    words += ["--policy-name", firewall.policy.name, *_where(firewall.policy)]
    words += ["--rule-collection-group-name", "GROUP", "--collection-name", "COLLECTION", "--name", "acr"]
    words += ["--rule-type", "NetworkRule" if private else "ApplicationRule", *sources, *target]
    return shlex.join([*words, "--ip-protocols", "TCP"] if private else words)


def _name(to: Destination) -> str:
    """Of the storage behind a registry any account may be next, whichever the message tells of."""
    return f"*.{to.host.partition('.')[2]}" if to.tag == "Storage" else to.host


def _shown(to: Destination) -> str:
    return str(to) if to.private else _name(to)


def _where(id: ResourceId) -> tuple[str, ...]:
    return ("--resource-group", id.group, "--subscription", id.subscription)
