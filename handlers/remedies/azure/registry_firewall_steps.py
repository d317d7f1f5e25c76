"""The addresses that a registry's own firewall admits.

Azure takes the list as a whole and no condition with it, so it is read, compared and put in one go.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from checks.azure.facts import ResourceId, block, rows, word
from checks.azure.outbound_addresses import blocks
from checks.model import NotFound
from handlers.remedies.azure.steps import ArmWriter, find
from handlers.remedy import Conflict, Diff, Standing, Step


@dataclass(frozen=True, slots=True)
class AdmitAddresses(Step):
    """Add addresses or blocks to a list that is ``before``, of a registry that admits nobody else."""

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.ContainerRegistry/registries/read",
        "Microsoft.ContainerRegistry/registries/write",
    )

    registry: str
    before: tuple[str, ...]
    added: tuple[str, ...]

    def diff(self) -> Diff:
        return Diff(self.registry, _shown(self.before), _shown((*self.before, *self.added)))

    def commands(self) -> tuple[str, ...]:
        return tuple(network_rule("add", self.registry, one) for one in self.added)

    def inverse(self) -> DismissAddresses:
        return DismissAddresses(self)

    async def look(self, arm: ArmWriter) -> Standing:
        found = await _rules(self.registry, arm)
        if found is None:
            return Standing.ELSEWHERE
        if _same(_values(found), self.before):
            return Standing.BEFORE
        after = _same(_values(found), (*self.before, *self.added))
        return Standing.AFTER if after else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> AdmitAddresses:
        found = await _rules(self.registry, arm)
        if found is None or not _same(_values(found), self.before):
            raise Conflict(f"what {self.registry} admits was changed meanwhile")
        more = [{"action": "Allow", "value": one} for one in self.added]
        made = await _put(self.registry, found, [*rows(found, "ipRules"), *more], arm)
        old = _known(self.before)
        return replace(self, added=tuple(one for one in made if not _known([one]) <= old) or self.added)


@dataclass(frozen=True, slots=True)
class DismissAddresses(Step):
    """Only ever the way back from ``AdmitAddresses``: what others have added since stays."""

    made: AdmitAddresses

    def diff(self) -> Diff:
        there = self.made.diff()
        return Diff(there.target, there.after, there.before)

    def commands(self) -> tuple[str, ...]:
        return tuple(network_rule("remove", self.made.registry, one) for one in self.made.added)

    def inverse(self) -> AdmitAddresses:
        return self.made

    async def look(self, arm: ArmWriter) -> Standing:
        found = await _rules(self.made.registry, arm)
        if found is None:
            return Standing.ELSEWHERE
        there = _known(_values(found)) & _known(self.made.added)
        if not there:
            return Standing.AFTER
        return Standing.BEFORE if there == _known(self.made.added) else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> DismissAddresses:
        found = await _rules(self.made.registry, arm)
        if found is None:
            raise Conflict(f"what {self.made.registry} admits was changed meanwhile")
        ours = _known(self.made.added)
        left = [one for one in rows(found, "ipRules") if not _known([word(one, "value")]) <= ours]
        await _put(self.made.registry, found, left, arm)
        return self


def network_rule(verb: str, registry: str, address: str = "", *, subnet: str = "") -> str:
    id = ResourceId(registry)
    words = ["az", "acr", "network-rule", verb, "--name", id.name, "--subscription", id.subscription]
    return shlex.join([*words, *(("--subnet", subnet) if subnet else ("--ip-address", address))])


async def _rules(registry: str, arm: ArmWriter) -> Mapping[str, Any] | None:
    """All of the rules; ``None`` where the registry is gone, or they do not hold (any more)."""
    tree = await find(registry, arm)
    if tree is None:
        return None
    has = block(tree, "properties")
    found = block(has, "networkRuleSet")
    holds = word(has, "publicNetworkAccess") != "Disabled" and word(found, "defaultAction") == "Deny"
    return found if holds else None


def _values(found: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(word(one, "value") for one in rows(found, "ipRules"))


async def _put(
    registry: str, found: Mapping[str, Any], rules: list[Mapping[str, Any]], arm: ArmWriter
) -> tuple[str, ...]:
    """What the registry admits then, in Azure's own spelling. What else there is of the rules goes along."""
    wanted = {**found, "ipRules": rules}
    try:
        tree = await arm.patch(registry, {"properties": {"networkRuleSet": wanted}})
    except NotFound as why:
        raise Conflict(f"{registry} is gone: {why}") from None
    return _values(block(tree, "properties", "networkRuleSet"))


def _same(some: Iterable[str], others: Iterable[str]) -> bool:
    return _known(some) == _known(others)


def _known(values: Iterable[str]) -> frozenset[str]:
    """An address and the block of it alone are the same."""
    return frozenset(str(found[0]) if (found := blocks(one)) else one for one in values)


def _shown(values: Iterable[str]) -> str:
    return "\n".join(values)
