"""The Azure Firewalls that routes lead to, found by their private addresses, with all rules that they hold.

Asked for only where a route leads to an appliance. What is no Azure Firewall cannot be looked into.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from checks.azure.facts import Arm, ResourceId, block, rows, word, words
from checks.azure.firewall_rules import Ruling, classic, of_policy
from checks.azure.networks import NodePlace, Peerings, peerings_of
from checks.azure.route_tables import Hop, Ways
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

READS = (
    "Microsoft.Network/azureFirewalls/read",
    "Microsoft.Network/firewallPolicies/read",
    "Microsoft.Network/firewallPolicies/ruleCollectionGroups/read",
    "Microsoft.Network/ipGroups/read",
)

_MOST_PARENTS = 4  # Azure allows one level


@dataclass(frozen=True, slots=True)
class Appliances:
    """The next hops of the ways to the registry, each once."""

    addresses: tuple[str, ...]


@fact()
def appliances(ways: Ways) -> Appliances:
    found = dict.fromkeys(one.route.address for one in ways.by(Hop.APPLIANCE) if one.route is not None)
    if not found:
        raise NotApplicable("no route leads to an appliance")
    return Appliances(tuple(found))


@dataclass(frozen=True, slots=True)
class Firewall:
    """``policy`` is ``None`` for one of classic rules, which are then in ``classic``.

    ``network`` is the one that it stands in; ``None`` for that of a virtual hub.
    """

    id: ResourceId
    network: ResourceId | None
    addresses: tuple[str, ...]
    public_ips: tuple[ResourceId, ...]
    policy: ResourceId | None
    classic: Ruling


@dataclass(frozen=True, slots=True)
class Firewalls:
    """Those that the ways to the registry lead through, as far as they are Azure's."""

    all: tuple[Firewall, ...]

    def at(self, address: str) -> Firewall | None:
        """The only one that it can be."""
        found = [one for one in self.all if address in one.addresses]
        return found[0] if len(found) == 1 else None


@fact()
async def firewalls(wanted: Appliances, place: NodePlace, peerings: Peerings | None, arm: Arm) -> Firewalls:
    """Looked for in the nodes' own subscription, then in those of the networks that theirs is peered with.

    Hubs are made alike, with the same addresses: one counts that stands in such a network.
    """
    own, joined = await asyncio.gather(_listed(place.subnet.subscription, arm), _joined(place, peerings, arm))
    near = {place.network, *joined}
    found = _among(own, wanted, near)
    if {address for one in found for address in one.addresses}.issuperset(wanted.addresses):
        return Firewalls(found)
    others = {one.subscription.lower() for one in joined} - {place.subnet.subscription.lower()}
    listed = await asyncio.gather(*(_listed(one, arm) for one in sorted(others)))
    return Firewalls((*found, *(one for several in listed for one in _among(several, wanted, near))))


def _among(
    listed: Iterable[Mapping[str, Any]], wanted: Appliances, near: Set[ResourceId]
) -> tuple[Firewall, ...]:
    return tuple(
        one
        for one in map(_firewall, listed)
        if set(one.addresses) & set(wanted.addresses) and (one.network is None or one.network in near)
    )


async def _joined(place: NodePlace, peerings: Peerings | None, arm: Arm) -> tuple[ResourceId, ...]:
    try:
        known = peerings or await peerings_of(place.network, arm)
    except NotFound:
        raise Unavailable(f"Azure has no network {place.network} (deleted, or not shown to us)") from None
    return tuple(one.remote for one in known.all)


async def _listed(subscription: str, arm: Arm) -> tuple[Mapping[str, Any], ...]:
    try:
        tree = await arm.get(f"/subscriptions/{subscription}/providers/Microsoft.Network/azureFirewalls")
    except NotFound as why:
        raise Unavailable(f"Azure lists no firewalls of the subscription {subscription}: {why}") from None
    return rows(tree, "value")


def _firewall(tree: Mapping[str, Any]) -> Firewall:
    has = block(tree, "properties")
    interfaces = [block(one, "properties") for one in rows(has, "ipConfigurations")]
    policy = word(has, "firewallPolicy", "id")
    subnets = [word(one, "subnet", "id") for one in interfaces if word(one, "subnet", "id")]
    addresses = [word(one, "privateIPAddress") for one in interfaces]
    addresses.append(word(has, "hubIPAddresses", "privateIPAddress"))
    return Firewall(
        id=ResourceId(word(tree, "id")),
        network=ResourceId(subnets[0]).parent if subnets else None,
        addresses=tuple(one for one in addresses if one),
        public_ips=tuple(
            ResourceId(word(one, "publicIPAddress", "id"))
            for one in interfaces
            if word(one, "publicIPAddress", "id")
        ),
        policy=ResourceId(policy) if policy else None,
        classic=classic(has),
    )


@dataclass(frozen=True, slots=True)
class FirewallRules:
    """The rules of each firewall on the way, by its id, in the order in which they are asked."""

    by_firewall: tuple[tuple[ResourceId, Ruling], ...]

    def of(self, firewall: Firewall) -> Ruling:
        return dict(self.by_firewall)[firewall.id]


@fact()
async def firewall_rules(found: Firewalls, arm: Arm) -> FirewallRules:
    rulings = await asyncio.gather(*(_ruling(one, arm) for one in found.all))
    return FirewallRules(tuple((one.id, ruling) for one, ruling in zip(found.all, rulings, strict=True)))


async def _ruling(firewall: Firewall, arm: Arm) -> Ruling:
    ruling = firewall.classic
    if firewall.policy is not None:
        try:
            ruling = of_policy([one async for one in _policies(firewall.policy, arm)])
        except NotFound:
            raise Unavailable(
                f"the policy {firewall.policy.name} of {firewall.id.name} is not there (deleted?)"
            ) from None
    wanted = sorted(ruling.groups)
    found = await asyncio.gather(*(_addresses(one, arm) for one in wanted))
    return ruling.with_groups(dict(zip(wanted, found, strict=True)))


async def _addresses(group: str, arm: Arm) -> tuple[str, ...] | str:
    """Of a group of addresses; or why they are not known, which leaves open only what names it."""
    try:
        return words(await arm.get(group), "properties", "ipAddresses")
    except NotFound:
        return f"Azure has no group of addresses {group} (deleted meanwhile, or not shown to us)"
    except Unavailable as why:
        return str(why)


async def _policies(id: ResourceId, arm: Arm) -> Any:
    """The rule collection groups of a policy, after those of the policies that it inherits from."""
    chain: list[Iterable[Mapping[str, Any]]] = []
    wanted: ResourceId | None = id
    for _ in range(_MOST_PARENTS):
        if wanted is None:
            break
        tree, groups = await asyncio.gather(arm.get(str(wanted)), arm.get(f"{wanted}/ruleCollectionGroups"))
        chain.append(rows(groups, "value"))
        above = word(tree, "properties", "basePolicy", "id")
        wanted = ResourceId(above) if above else None
    for groups in reversed(chain):
        yield groups
