"""Let HTTPS through the security groups on the way: a rule for each place, just before the one that denies.

No rule is taken away: a denial may be intended, and it is named. A group that AKS keeps in the nodes'
resource group is not for others to change (learn.microsoft.com/azure/aks/support-policies).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from checks.azure.cluster import AksCluster
from checks.azure.facts import ResourceId
from checks.azure.nsg_lets_out import Denied, denials, nsg_lets_out
from checks.azure.outbound_errands import Destination
from checks.azure.outbound_way import WayOut
from checks.azure.security_rules import SecurityGroup
from checks.model import NotApplicable
from handlers.outlook import joined, must_pass
from handlers.remedies.azure.network_outlook import must_fail, what_stays
from handlers.remedies.azure.security_rule_steps import AddSecurityRule
from handlers.remedy import Plan, Refused, Risk, remedy

_FIRST = 100  # the lowest priority that Azure takes


@remedy("Let the pull through the security group", cures=nsg_lets_out, risk=Risk.MEDIUM)
def open_nsg(now: WayOut) -> Plan:
    must_fail(nsg_lets_out, now)
    found = denied(now)
    theirs = [one for one in found if is_of_aks(one.group.id, now.cluster)]
    if len(theirs) == len(found):
        raise NotApplicable("only groups of AKS's own deny it")
    if theirs:
        raise Refused(
            f"{theirs[0].group.id.name} denies it, too, and is AKS's own: that has to be mended first"
        )
    steps, then = _steps(found, now)
    must_pass(nsg_lets_out, then)
    return Plan(steps, caution=joined(_shared(found), _intended(found), what_stays(then)))


def denied(now: WayOut) -> list[Denied]:
    guards, ground = now.guards, now.terrain
    if guards.groups is None or ground.wanted is None or ground.subnet is None or ground.sides is None:
        raise NotApplicable("the check said nothing without them")
    return denials(guards.groups, ground.wanted, ground.subnet, ground.sides, ground.table)


def is_of_aks(group: ResourceId, cluster: AksCluster) -> bool:
    same = group.subscription.lower() == cluster.id.subscription.lower()
    return same and group.group.lower() == cluster.node_group.lower()


@dataclass(frozen=True, slots=True)
class _Opening:
    """``places`` go into one rule: of service tags Azure takes one, of addresses many."""

    group: SecurityGroup
    inbound: bool
    sources: tuple[str, ...]
    places: tuple[str, ...]
    before: int


def _steps(found: list[Denied], now: WayOut) -> tuple[tuple[AddSecurityRule, ...], WayOut]:
    steps: list[AddSecurityRule] = []
    then = now
    for opening in _openings(found, now):
        group = _as_it_is(then, opening.group)
        step = AddSecurityRule(
            group=str(group.id),
            name=_name(opening, group),
            priority=_priority(opening, group),
            inbound=opening.inbound,
            sources=opening.sources,
            destinations=opening.places,
        )
        steps.append(step)
        then = then.with_group(replace(group, rules=(step.rule, *group.rules)))
    return tuple(steps), then


def _as_it_is(then: WayOut, group: SecurityGroup) -> SecurityGroup:
    """With the rules that this plan has added already."""
    groups = then.guards.groups.all if then.guards.groups else ()
    sides = then.terrain.sides.all if then.terrain.sides else ()
    every = (*groups, *(one.group for one in sides if one.group))
    return next(one for one in every if one.id == group.id)


def _openings(found: list[Denied], now: WayOut) -> list[_Opening]:
    subnet = now.terrain.subnet
    nodes = subnet.prefixes if subnet else ()
    by_place: dict[tuple[ResourceId, bool, str], list[Denied]] = {}
    for one in found:
        by_place.setdefault((one.group.id, one.inbound, one.to.tag), []).append(one)
    return [
        _Opening(
            group=several[0].group,
            inbound=inbound,
            sources=nodes if inbound else ("VirtualNetwork",),
            places=tuple(dict.fromkeys(_place(one.to) for one in several)),
            before=min(one.decision.rule.priority for one in several if one.decision.rule),
        )
        for (_, inbound, _), several in by_place.items()
    ]


def _place(to: Destination) -> str:
    return to.address if to.private else to.tag


def _name(opening: _Opening, group: SecurityGroup) -> str:
    to = opening.places[0] if not opening.places[0][:1].isdigit() else "registry-endpoint"
    name = f"pullbot-allow-{to}-{'in' if opening.inbound else 'out'}"
    taken = {one.name.lower() for one in group.rules}
    return next(one for one in (name, *(f"{name}-{n}" for n in range(2, 99))) if one.lower() not in taken)


def _priority(opening: _Opening, group: SecurityGroup) -> int:
    """:raises Refused: none before the rule that denies it is free"""
    taken = group.taken(inbound=opening.inbound)
    free = (one for one in range(opening.before - 1, _FIRST - 1, -1) if one not in taken and one <= 4096)
    try:
        return next(free)
    except StopIteration:
        raise Refused(
            f"no priority is free before the rule of {group.id.name} that denies it: move that rule first"
        ) from None


def _shared(found: Iterable[Denied]) -> str:
    names = ", ".join(dict.fromkeys(one.group.id.name for one in found))
    tags = sorted({one.to.tag for one in found} & {"Storage"})
    wide = "; the tag Storage is all of Azure's storage" if tags else ""
    return f"it holds for everything that {names} guards{wide}"


def _intended(found: Iterable[Denied]) -> str:
    rules = dict.fromkeys(f"{one.decision.rule} of {one.group.id.name}" for one in found)
    return f"it goes before what may be an intentional denial: {', '.join(rules)}"
