"""Rules of network security groups, made and taken away, each as a compare-and-swap."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from checks.azure.facts import ResourceId
from checks.azure.security_rules import HTTPS, SecurityRule, security_group, security_rule
from checks.model import NotFound
from handlers.remedies.azure.removal import Removal
from handlers.remedies.azure.steps import ArmWriter, find
from handlers.remedy import Conflict, Diff, Standing, Step


@dataclass(frozen=True, slots=True)
class AddSecurityRule(Step):
    """Allow HTTPS, out or in, at a priority that is free."""

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Network/networkSecurityGroups/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        "Microsoft.Network/networkSecurityGroups/securityRules/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
    )

    group: str
    name: str
    priority: int
    inbound: bool
    sources: tuple[str, ...]
    destinations: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.group}/securityRules/{self.name}"

    @property
    def rule(self) -> SecurityRule:
        return security_rule(self.body() | {"name": self.name})

    def body(self) -> dict[str, Any]:
        return {
            "properties": {
                "priority": self.priority,
                "direction": "Inbound" if self.inbound else "Outbound",
                "access": "Allow",
                "protocol": "Tcp",
                "sourcePortRange": "*",
                "destinationPortRange": str(HTTPS),
                **_one_or_more("sourceAddressPrefix", self.sources),
                **_one_or_more("destinationAddressPrefix", self.destinations),
            }
        }

    def diff(self) -> Diff:
        way = "in" if self.inbound else "out"
        who, where = ", ".join(self.sources), ", ".join(self.destinations)
        return Diff(
            self.group, "", f"{self.name}: {self.priority}, allow {way}: TCP {HTTPS}, {who} to {where}"
        )

    def commands(self) -> tuple[str, ...]:
        words = [*_command("create", self.id), "--priority", str(self.priority)]
        words += ["--direction", "Inbound" if self.inbound else "Outbound", "--access", "Allow"]
        words += ["--protocol", "Tcp", "--source-address-prefixes", *self.sources]
        words += ["--source-port-ranges", "*", "--destination-address-prefixes", *self.destinations]
        return (shlex.join([*words, "--destination-port-ranges", str(HTTPS)]),)

    def inverse(self) -> RemoveSecurityRule:
        return RemoveSecurityRule(self)

    async def look(self, arm: ArmWriter) -> Standing:
        found = await find(self.id, arm)
        if found is not None:
            return Standing.AFTER if self.is_described_by(found) else Standing.ELSEWHERE
        try:
            group = security_group(await arm.get(self.group), ResourceId(self.group))
        except NotFound:
            return Standing.ELSEWHERE
        free = self.priority not in group.taken(inbound=self.inbound)
        return Standing.BEFORE if free else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> AddSecurityRule:
        try:
            made = await arm.put(self.id, self.body())
        except NotFound as why:
            raise Conflict(f"{self.group} is gone: {why}") from None
        if not self.is_described_by(made):
            raise Conflict(f"Azure made another rule of {self.id} than was asked for")
        return self

    def is_described_by(self, found: Mapping[str, Any]) -> bool:
        return security_rule({**found, "name": self.name}) == self.rule


@dataclass(frozen=True, slots=True)
class RemoveSecurityRule(Removal):
    """Only ever the way back from ``AddSecurityRule``."""

    made: AddSecurityRule

    def commands(self) -> tuple[str, ...]:
        return (shlex.join(_command("delete", self.made.id)),)

    def inverse(self) -> AddSecurityRule:
        return self.made


def _one_or_more(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Azure wants one prefix in another field than several; a service tag goes into the first."""
    return {name: values[0]} if len(values) == 1 else {f"{name}es": list(values)}


def _command(verb: str, id: str) -> list[str]:
    rule = ResourceId(id)
    group = rule.parent
    words = ["az", "network", "nsg", "rule", verb, "--name", rule.name, "--nsg-name", group.name]
    return [*words, "--resource-group", group.group, "--subscription", group.subscription]
