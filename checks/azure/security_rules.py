"""Network security groups: which rule decides about a packet, as Azure evaluates them.

By priority, the first that fits; then Azure's own rules, which let out into the network and to the Internet
(learn.microsoft.com/azure/virtual-network/network-security-groups-overview).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from checks.azure.facts import ResourceId, block, rows, word, words
from checks.azure.outbound_addresses import (
    Blocks,
    Match,
    best,
    comes_from,
    has_port,
    holds_address,
    holds_tag,
    is_everything,
    may_hold_public,
    worst,
)
from checks.azure.outbound_errands import Destination
from checks.model import Unavailable

HTTPS = 443
_ANY = ("*",)
_EPHEMERAL = 40000  # somewhere among the ports that Linux and Windows connect from
HIGHEST = 4096  # the last priority that is not Azure's own


class Lets(Enum):
    """MAYBE: it depends on an address, or on a group of machines, that we do not know."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Flow:
    """HTTPS from the nodes, which are in ``sources``, to one place.

    ``wide``: a route for everything makes everything part of what the tag VirtualNetwork covers.
    """

    to: Destination
    sources: Blocks
    inbound: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """``from_groups``, ``to_groups``: it names application security groups, whose members we do not know."""

    name: str
    priority: int
    inbound: bool
    allows: bool
    protocol: str
    sources: tuple[str, ...]
    source_ports: tuple[str, ...]
    destinations: tuple[str, ...]
    ports: tuple[str, ...]
    from_groups: bool = False
    to_groups: bool = False

    def __str__(self) -> str:
        return f"{self.name} (priority {self.priority})"

    def fits(self, flow: Flow) -> Match:
        if self.inbound is not flow.inbound or self.protocol.lower() not in ("tcp", "*"):
            return Match.NO
        if not has_port(self.ports, HTTPS):
            return Match.NO
        any_port = not self.source_ports or has_port(self.source_ports, _EPHEMERAL)
        groups = Match.MAYBE if flow.to.private else Match.NO  # of interfaces, in private networks
        return worst(
            Match.MAYBE if self.from_groups else best(comes_from(one, flow.sources) for one in self.sources),
            groups if self.to_groups else best(_covers(one, flow) for one in self.destinations),
            Match.YES if any_port else Match.NO,
        )


def _covers(text: str, flow: Flow) -> Match:
    to = flow.to
    if is_everything(text):
        return Match.YES
    if text.strip().lower() == "virtualnetwork":
        return Match.YES if to.private else Match.MAYBE if flow.wide else Match.NO
    if to.address and (to.private or holds_address(text, to.address) is Match.YES):
        return holds_address(text, to.address)
    if to.private:
        return Match.NO
    by_prefix = Match.NO if to.address else may_hold_public(text)
    return best((holds_tag(text, to.tag, to.region), by_prefix))


@dataclass(frozen=True, slots=True)
class Decision:
    """``rule`` is the one that decides, or the first that may."""

    lets: Lets
    rule: SecurityRule | None = None


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: ResourceId
    rules: tuple[SecurityRule, ...]

    def decide(self, flow: Flow) -> Decision:
        doubtful: SecurityRule | None = None
        for rule in sorted(self.rules, key=lambda one: one.priority):
            fits = rule.fits(flow)
            if fits is Match.MAYBE and doubtful is None:
                doubtful = rule
            elif fits is Match.MAYBE and doubtful and doubtful.allows is not rule.allows:
                return Decision(Lets.MAYBE, doubtful)
            elif fits is Match.YES:
                if doubtful and doubtful.allows is not rule.allows:
                    return Decision(Lets.MAYBE, doubtful)
                return Decision(Lets.YES if rule.allows else Lets.NO, rule)
        return Decision(Lets.MAYBE if doubtful and doubtful.allows else Lets.NO, doubtful)

    def taken(self, *, inbound: bool) -> frozenset[int]:
        """The priorities in use: each is there once per direction."""
        return frozenset(one.priority for one in self.rules if one.inbound is inbound)


def security_group(tree: Mapping[str, Any], id: ResourceId) -> SecurityGroup:
    """:raises Unavailable: a rule does not say what it does: then nobody knows which one decides"""
    has = block(tree, "properties")
    for one in (*rows(has, "securityRules"), *rows(has, "defaultSecurityRules")):
        if not _is_whole(block(one, "properties")):
            raise Unavailable(f"Azure does not say what the rule {word(one, 'name')} of {id.name} does")
    own = [security_rule(one) for one in rows(has, "securityRules")]
    last = [security_rule(one) for one in rows(has, "defaultSecurityRules")] or _ALWAYS_THERE
    return SecurityGroup(id, (*own, *last))


def _is_whole(rule: Mapping[str, Any]) -> bool:
    return (
        word(rule, "access").lower() in ("allow", "deny")
        and word(rule, "direction").lower() in ("inbound", "outbound")
        and word(rule, "priority").isdigit()
    )


def security_rule(tree: Mapping[str, Any]) -> SecurityRule:
    has = block(tree, "properties")
    priority = word(has, "priority")
    return SecurityRule(
        name=word(tree, "name"),
        priority=int(priority) if priority.isdigit() else HIGHEST,
        inbound=word(has, "direction").lower() == "inbound",
        allows=word(has, "access").lower() == "allow",
        protocol=word(has, "protocol") or "*",
        sources=_either(has, "sourceAddressPrefix", "sourceAddressPrefixes") or _ANY,
        source_ports=_either(has, "sourcePortRange", "sourcePortRanges"),
        destinations=_either(has, "destinationAddressPrefix", "destinationAddressPrefixes") or _ANY,
        ports=_either(has, "destinationPortRange", "destinationPortRanges") or _ANY,
        from_groups=bool(rows(has, "sourceApplicationSecurityGroups")),
        to_groups=bool(rows(has, "destinationApplicationSecurityGroups")),
    )


def _either(tree: Mapping[str, Any], one: str, several: str) -> tuple[str, ...]:
    single = word(tree, one)
    return tuple(dict.fromkeys((*((single,) if single else ()), *words(tree, several))))


def _always(
    name: str, priority: int, source: str, target: str, *, inbound: bool, allows: bool
) -> SecurityRule:
    return SecurityRule(name, priority, inbound, allows, "*", (source,), ("*",), (target,), ("*",))


_NETWORK, _ALL = "VirtualNetwork", "*"
_ALWAYS_THERE: Iterable[SecurityRule] = (
    _always("AllowVnetInBound", 65000, _NETWORK, _NETWORK, inbound=True, allows=True),
    _always("DenyAllInBound", 65500, _ALL, _ALL, inbound=True, allows=False),
    _always("AllowVnetOutBound", 65000, _NETWORK, _NETWORK, inbound=False, allows=True),
    _always("AllowInternetOutBound", 65001, _ALL, "Internet", inbound=False, allows=True),
    _always("DenyAllOutBound", 65500, _ALL, _ALL, inbound=False, allows=False),
)
