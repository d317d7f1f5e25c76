"""One more rule of a security group: TCP 443 to, or from, one partner. Rules only add up, so none is changed.

EC2 keeps no two equal rules in a group, and gives each an id: what is put back is that very rule. A rule
that somebody took away and made again has another id, and is theirs.
"""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from checks.aws.facts import Grant
from checks.model import NotFound, Unavailable
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Conflict, Diff, Standing, Step

# What pullbot makes bears it, so that a person sees where it comes from.
TAG = {"Key": "pullbot", "Value": "managed"}


@dataclass(frozen=True, slots=True)
class HttpsRule:
    """``partner``: a security group, a prefix list or a block of addresses. ``id`` is "" until it is made."""

    region: str
    group: str
    egress: bool
    partner: str
    id: str = ""

    def __str__(self) -> str:
        return f"allow TCP 443 {'to' if self.egress else 'from'} {self.partner}"

    @property
    def owner(self) -> str:
        return f"{self.group} ({self.region}), {'outbound' if self.egress else 'inbound'} rules"

    def command(self, verb: str) -> str:
        words = ["aws", "ec2", f"{verb}-security-group-{self._direction}", "--region", self.region]
        words += ["--group-id", self.group]
        if self.id and verb == "revoke":
            return shlex.join([*words, "--security-group-rule-ids", self.id])
        kind, key = self._kind
        permission = f"IpProtocol=tcp,FromPort=443,ToPort=443,{kind}=[{{{key}={self.partner}}}]"
        return shlex.join([*words, "--ip-permissions", permission])

    async def find(self, aws: AwsWriter) -> str:
        """The id of the group's rule that says the same, or ""."""
        filters = [{"Name": "group-id", "Values": [self.group]}]
        try:
            answer = await aws("ec2", "describe_security_group_rules", region=self.region, Filters=filters)
        except NotFound:
            raise Conflict(f"the security group {self.group} is gone") from None
        found = (one for one in answer.get("SecurityGroupRules", ()) if self._is(one))
        return next((str(one["SecurityGroupRuleId"]) for one in found), "")

    async def make(self, aws: AwsWriter) -> HttpsRule:
        kind, key = self._kind
        permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, kind: [{key: self.partner}]}
        tags = [{"ResourceType": "security-group-rule", "Tags": [TAG]}]
        try:
            answer = await self._call("authorize", aws, IpPermissions=[permission], TagSpecifications=tags)
        except NotFound as why:
            raise Conflict(f"{self.group} or {self.partner} is gone: {why}") from None
        except Unavailable:
            # A duplicate, or an answer that was lost: either way the rule is there.
            if found := await self.find(aws):
                return replace(self, id=found)
            raise
        return replace(self, id=str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]))

    async def take_away(self, aws: AwsWriter) -> None:
        id = self.id or await self.find(aws)
        try:
            await self._call("revoke", aws, SecurityGroupRuleIds=[id])
        except NotFound as why:
            raise Conflict(f"the rule {id} of {self.group} is gone already: {why}") from None

    async def _call(self, verb: str, aws: AwsWriter, **params: Any) -> Mapping[str, Any]:
        operation = f"{verb}_security_group_{self._direction}"
        return await aws("ec2", operation, region=self.region, GroupId=self.group, **params)

    @property
    def _direction(self) -> str:
        return "egress" if self.egress else "ingress"

    @property
    def _kind(self) -> tuple[str, str]:
        if self.partner.startswith("sg-"):
            return "UserIdGroupPairs", "GroupId"
        if self.partner.startswith("pl-"):
            return "PrefixListIds", "PrefixListId"
        return "IpRanges", "CidrIp"

    def _is(self, rule: Mapping[str, Any]) -> bool:
        group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
        return (
            bool(rule["IsEgress"]) is self.egress
            and rule["IpProtocol"] == "tcp"
            and (rule.get("FromPort"), rule.get("ToPort")) == (443, 443)
            and self.partner in (rule.get("CidrIpv4"), rule.get("PrefixListId"), group)
        )


def _grants(direction: str) -> tuple[Grant, ...]:
    authorize, revoke = f"AuthorizeSecurityGroup{direction}", f"RevokeSecurityGroup{direction}"
    rules = "arn:{partition}:ec2:*:*:security-group-rule/*"
    return (
        Grant(("ec2:DescribeSecurityGroupRules",)),
        Grant((f"ec2:{authorize}", f"ec2:{revoke}"), "arn:{partition}:ec2:*:*:security-group/*"),
        # The rule that is made is a resource of its own, and is given a tag.
        Grant((f"ec2:{authorize}",), rules),
        Grant(("ec2:CreateTags",), rules, (("StringEquals", "ec2:CreateAction", (authorize,)),)),
    )


class _AllowHttps(Step):
    """Each direction has a class of its own, for another permission is needed."""

    rule: HttpsRule

    def diff(self) -> Diff:
        return Diff(self.rule.owner, "", str(self.rule))

    def commands(self) -> tuple[str, ...]:
        return (self.rule.command("authorize"),)

    def inverse(self) -> ForbidHttps:
        return ForbidHttps(self.rule)

    async def look(self, aws: AwsWriter) -> Standing:
        return Standing.AFTER if await self.rule.find(aws) else Standing.BEFORE

    @abstractmethod
    async def write(self, aws: AwsWriter) -> Step: ...


@dataclass(frozen=True, slots=True)
class AllowHttpsOut(_AllowHttps):
    """Let a group's members ask a partner. ``rule.egress`` is true."""

    grants: ClassVar[tuple[Grant, ...]] = _grants("Egress")

    rule: HttpsRule

    async def write(self, aws: AwsWriter) -> AllowHttpsOut:
        return AllowHttpsOut(await self.rule.make(aws))


@dataclass(frozen=True, slots=True)
class AllowHttpsIn(_AllowHttps):
    """Let a partner ask a group's members. ``rule.egress`` is false."""

    grants: ClassVar[tuple[Grant, ...]] = _grants("Ingress")

    rule: HttpsRule

    async def write(self, aws: AwsWriter) -> AllowHttpsIn:
        return AllowHttpsIn(await self.rule.make(aws))


@dataclass(frozen=True, slots=True)
class ForbidHttps(Step):
    """Only ever the way back from the two above; no remedy plans it."""

    rule: HttpsRule

    def diff(self) -> Diff:
        return Diff(self.rule.owner, str(self.rule), "")

    def commands(self) -> tuple[str, ...]:
        return (self.rule.command("revoke"),)

    def inverse(self) -> AllowHttpsOut | AllowHttpsIn:
        new = replace(self.rule, id="")
        return AllowHttpsOut(new) if new.egress else AllowHttpsIn(new)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await self.rule.find(aws)
        if not found:
            return Standing.AFTER
        return Standing.BEFORE if self.rule.id in ("", found) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> ForbidHttps:
        await self.rule.take_away(aws)
        return self
