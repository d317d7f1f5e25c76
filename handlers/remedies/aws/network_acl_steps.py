"""One more entry of a network ACL. An entry is known by its number and its direction, and is never changed.

The first entry that fits decides, so the number is half of what it means.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from checks.aws.facts import Grant
from checks.model import NotFound, Unavailable
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Conflict, Diff, Standing, Step


@dataclass(frozen=True, slots=True)
class AllowTcp:
    """What an entry says: TCP to (``egress``) or from ``block``, to the ports from ``first`` to ``last``."""

    region: str
    acl: str
    number: int
    egress: bool
    block: str
    first: int
    last: int

    def __str__(self) -> str:
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.number}: allow TCP {ports} {'to' if self.egress else 'from'} {self.block}"

    @property
    def owner(self) -> str:
        return f"{self.acl} ({self.region}), {'outbound' if self.egress else 'inbound'} rules"

    @property
    def name(self) -> dict[str, Any]:
        """What tells it from the other entries of all ACLs."""
        return {"NetworkAclId": self.acl, "RuleNumber": self.number, "Egress": self.egress}

    def command(self, verb: str) -> str:
        direction = "--egress" if self.egress else "--ingress"
        words = ["aws", "ec2", f"{verb}-network-acl-entry", "--region", self.region]
        words += ["--network-acl-id", self.acl, direction, "--rule-number", str(self.number)]
        if verb == "create":
            words += ["--protocol", "tcp", "--port-range", f"From={self.first},To={self.last}"]
            words += ["--cidr-block", self.block, "--rule-action", "allow"]
        return shlex.join(words)

    async def look(self, aws: AwsWriter) -> bool | None:
        """Whether it is there; ``None``: its number is given to another entry."""
        try:
            answer = await aws("ec2", "describe_network_acls", region=self.region, NetworkAclIds=[self.acl])
        except NotFound:
            raise Conflict(f"the network ACL {self.acl} is gone") from None
        [acl] = answer["NetworkAcls"]
        for one in acl.get("Entries", ()):
            if one["RuleNumber"] == self.number and bool(one["Egress"]) is self.egress:
                return True if self._is(one) else None
        return False

    def _is(self, entry: Mapping[str, Any]) -> bool:
        ports = entry.get("PortRange", {})
        return (
            entry["RuleAction"] == "allow"
            and str(entry["Protocol"]) == "6"
            and entry.get("CidrBlock") == self.block
            and (ports.get("From"), ports.get("To")) == (self.first, self.last)
        )


@dataclass(frozen=True, slots=True)
class AddAclEntry(Step):
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeNetworkAcls",)),
        Grant(
            ("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry"),
            "arn:{partition}:ec2:*:*:network-acl/*",
        ),
    )

    entry: AllowTcp

    def diff(self) -> Diff:
        return Diff(self.entry.owner, "", str(self.entry))

    def commands(self) -> tuple[str, ...]:
        return (self.entry.command("create"),)

    def inverse(self) -> RemoveAclEntry:
        return RemoveAclEntry(self.entry)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await self.entry.look(aws)
        if found is None:
            return Standing.ELSEWHERE
        return Standing.AFTER if found else Standing.BEFORE

    async def write(self, aws: AwsWriter) -> AddAclEntry:
        entry = self.entry
        try:
            await aws(
                "ec2", "create_network_acl_entry", region=entry.region, **entry.name,
                Protocol="6", RuleAction="allow", CidrBlock=entry.block,
                PortRange={"From": entry.first, "To": entry.last},
            )  # fmt: skip
        except NotFound as why:
            raise Conflict(f"{entry.acl} changed meanwhile: {why}") from None
        except Unavailable:
            # The number may have been given away meanwhile, or to this very entry before an answer was lost.
            found = await entry.look(aws)
            if found is None:
                raise Conflict(f"rule {entry.number} of {entry.acl} was made by somebody else") from None
            if not found:
                raise
        return self


@dataclass(frozen=True, slots=True)
class RemoveAclEntry(Step):
    """Only ever the way back from ``AddAclEntry``; no remedy plans it."""

    entry: AllowTcp

    def diff(self) -> Diff:
        return Diff(self.entry.owner, str(self.entry), "")

    def commands(self) -> tuple[str, ...]:
        return (self.entry.command("delete"),)

    def inverse(self) -> AddAclEntry:
        return AddAclEntry(self.entry)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await self.entry.look(aws)
        if found is None:
            return Standing.ELSEWHERE
        return Standing.BEFORE if found else Standing.AFTER

    async def write(self, aws: AwsWriter) -> RemoveAclEntry:
        entry = self.entry
        try:
            await aws("ec2", "delete_network_acl_entry", region=entry.region, **entry.name)
        except NotFound as why:
            raise Conflict(f"rule {entry.number} of {entry.acl} is gone already: {why}") from None
        return self
