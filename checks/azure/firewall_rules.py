"""Which rule of an Azure Firewall decides about a connection.

Network rules are asked before application rules, a parent policy's before its child's, then by priority; what
no rule names is denied (learn.microsoft.com/azure/firewall/rule-processing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checks.azure.facts import block, rows, word, words
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
from checks.azure.outbound_errands import Destination, Errand
from checks.azure.security_rules import HTTPS, Lets
from checks.model import Unavailable

# The addresses of groups, by id in small letters; or why one could not be read.
Groups = Mapping[str, tuple[str, ...] | str]

_LAST = 65_000
_UNREAD = "URLs and categories of a firewall are not looked into"
# Tags of names that Azure keeps: what of a pull is in them
# (learn.microsoft.com/azure/aks/outbound-rules-control-egress).
_TAGGED = {"azurekubernetesservice": frozenset({Errand.TOKEN})}


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """A network rule, or an application rule, which goes by names.

    ``from_groups``, ``to_groups``: ids of groups of addresses that are still to be read. ``from_unread``,
    ``to_unread`` say why it is not known all that it names; "" where it is.
    """

    name: str
    collection: str
    allows: bool
    by_name: bool
    sources: tuple[str, ...]
    from_unread: str
    destinations: tuple[str, ...]
    ports: tuple[str, ...]
    protocols: tuple[str, ...]
    names: tuple[str, ...]
    tags: tuple[str, ...]
    to_unread: str
    from_groups: tuple[str, ...] = ()
    to_groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} in {self.collection}"

    @property
    def unread(self) -> str:
        return self.from_unread or self.to_unread

    def with_groups(self, known: Groups) -> FirewallRule:
        sources, from_unread = _joined(self.from_groups, known)
        targets, to_unread = _joined(self.to_groups, known)
        return replace(
            self,
            sources=(*self.sources, *sources),
            destinations=(*self.destinations, *targets),
            from_unread=self.from_unread or from_unread,
            to_unread=self.to_unread or to_unread,
            from_groups=(),
            to_groups=(),
        )

    def fits(self, to: Destination, sources: Blocks) -> Match:
        if not self._speaks():
            return Match.NO
        source = best(comes_from(one, sources) for one in self.sources)
        if self.from_unread:
            source = max(source, Match.MAYBE)
        target = self._named(to) if self.by_name else self._addressed(to)
        if self.to_unread:
            target = max(target, Match.MAYBE)
        return worst(source, target)

    def _speaks(self) -> bool:
        if self.by_name:
            return any(one.lower() in (f"https:{HTTPS}", "https:") for one in self.protocols)
        return has_port(self.ports, HTTPS) and any(one.lower() in ("tcp", "any") for one in self.protocols)

    def _named(self, to: Destination) -> Match:
        if any(to.errand in _TAGGED.get(tag.lower(), ()) for tag in self.tags):
            return Match.YES
        return best(_fits_name(one, to.host) for one in self.names)

    def _addressed(self, to: Destination) -> Match:
        by_name = best(_fits_name(one, to.host) for one in self.names)
        return best((by_name, *(_covers(one, to) for one in self.destinations)))


def _covers(text: str, to: Destination) -> Match:
    if is_everything(text):
        return Match.YES
    if to.private:
        return holds_address(text, to.address)
    by_tag = holds_tag(text, to.tag, to.region)
    return max(by_tag, holds_address(text, to.address) if to.address else may_hold_public(text))


def _fits_name(pattern: str, host: str) -> Match:
    """``host`` may be a domain only, ``*.blob.core.windows.net``: then a name within it is a "may"."""
    pattern, host = pattern.strip().lower(), host.lower()
    if pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:])):
        return Match.YES
    return Match.MAYBE if host.startswith("*.") and pattern.endswith(host[1:]) else Match.NO


@dataclass(frozen=True, slots=True)
class Ruled:
    """``rule`` is the one that decides, or the first that may; ``None``: none names it."""

    lets: Lets
    rule: FirewallRule | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """All rules in the order in which they are asked."""

    network: tuple[FirewallRule, ...]
    application: tuple[FirewallRule, ...]

    @property
    def groups(self) -> frozenset[str]:
        """The ids, in small letters, of the groups of addresses that it names."""
        every = (*self.network, *self.application)
        return frozenset(id.lower() for one in every for id in (*one.from_groups, *one.to_groups))

    def with_groups(self, known: Groups) -> Ruling:
        return Ruling(
            tuple(one.with_groups(known) for one in self.network),
            tuple(one.with_groups(known) for one in self.application),
        )

    def decide(self, to: Destination, sources: Blocks) -> Ruled:
        """Traffic to a private endpoint has to be allowed by a network rule
        (learn.microsoft.com/troubleshoot/azure/azure-kubernetes/extensions/cannot-pull-image-from-acr-to-aks-cluster).
        """
        rules = self.network if to.private else (*self.network, *self.application)
        doubtful: FirewallRule | None = None
        for rule in rules:
            fits = rule.fits(to, sources)
            if fits is Match.NO:
                continue
            if doubtful and doubtful.allows is not rule.allows:
                return Ruled(Lets.MAYBE, doubtful)
            if fits is Match.YES:
                return Ruled(Lets.YES if rule.allows else Lets.NO, rule)
            doubtful = doubtful or rule
        return Ruled(Lets.MAYBE if doubtful and doubtful.allows else Lets.NO, doubtful)

    def by_name_only(self, to: Destination, sources: Blocks) -> FirewallRule | None:
        """The application rule that would allow it, if those counted."""
        found = (one for one in self.application if one.fits(to, sources) is Match.YES)
        first = next(found, None)
        return first if first is not None and first.allows else None


def of_policy(policies: Iterable[Iterable[Mapping[str, Any]]]) -> Ruling:
    """:param policies: the rule collection groups of each policy, those that are inherited first"""
    rules: list[FirewallRule] = []
    for groups in policies:
        for group in _by_priority(groups):
            for collection in _by_priority(rows(group, "properties", "ruleCollections")):
                if "nat" not in word(collection, "ruleCollectionType").lower():
                    rules += _of_collection(collection, rows(collection, "rules"))
    return _sorted(rules)


def classic(tree: Mapping[str, Any]) -> Ruling:
    """The rules that a firewall without a policy holds itself."""
    rules: list[FirewallRule] = []
    for kind in ("networkRuleCollections", "applicationRuleCollections"):
        for one in _by_priority(rows(tree, kind)):
            has = {**block(one, "properties"), "name": word(one, "name")}
            rules += _of_collection(has, rows(has, "rules"), by_name=kind.startswith("application"))
    return _sorted(rules)


def _sorted(rules: Sequence[FirewallRule]) -> Ruling:
    return Ruling(tuple(one for one in rules if not one.by_name), tuple(one for one in rules if one.by_name))


def _by_priority(several: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    def priority(tree: Mapping[str, Any]) -> int:
        text = word(tree, "priority") or word(tree, "properties", "priority")
        return int(text) if text.isdigit() else _LAST

    return sorted(several, key=priority)


def _of_collection(
    collection: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], *, by_name: bool | None = None
) -> list[FirewallRule]:
    """:raises Unavailable: it is not told what they do, or they are of a kind that we do not know"""
    action = word(collection, "action", "type").lower()
    kinds = [word(one, "ruleType").lower() for one in rules] if by_name is None else []
    if action not in ("allow", "deny") or not {"applicationrule", "networkrule"}.issuperset(kinds):
        raise Unavailable(f"Azure does not say what the rules {word(collection, 'name')} of a firewall do")
    return [
        FirewallRule(
            name=word(one, "name"),
            collection=word(collection, "name"),
            allows=action == "allow",
            by_name="application" in word(one, "ruleType").lower() if by_name is None else by_name,
            sources=words(one, "sourceAddresses") or (() if words(one, "sourceIpGroups") else ("*",)),
            from_unread="",
            destinations=words(one, "destinationAddresses"),
            ports=words(one, "destinationPorts"),
            protocols=words(one, "ipProtocols") or words(one, "protocols") or _protocols(one),
            names=words(one, "targetFqdns") or words(one, "destinationFqdns"),
            tags=words(one, "fqdnTags"),
            to_unread=_UNREAD if words(one, "targetUrls") or words(one, "webCategories") else "",
            from_groups=words(one, "sourceIpGroups"),
            to_groups=words(one, "destinationIpGroups"),
        )
        for one in rules
    ]


def _joined(ids: Iterable[str], known: Groups) -> tuple[tuple[str, ...], str]:
    """The addresses of these groups, and why that is not all; "" where it is."""
    found = [known[id.lower()] for id in ids]
    addresses = tuple(one for each in found if not isinstance(each, str) for one in each)
    return addresses, next((each for each in found if isinstance(each, str)), "")


def _protocols(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Of an application rule: ``https:443``."""
    return tuple(
        f"{word(one, 'protocolType')}:{word(one, 'port')}".lower() for one in rows(rule, "protocols")
    )
