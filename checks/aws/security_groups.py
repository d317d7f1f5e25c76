"""Security groups, as far as HTTPS: what they let out and in on TCP 443.

They only allow, and keep state: answers come back by themselves. What several groups of an interface allow
adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from checks.aws.addresses import Lets, Space, without_all
from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact

GRANTS = (Grant(("ec2:DescribeSecurityGroups",)),)

HTTPS = 443
_TCP = frozenset({"tcp", "6"})


@dataclass(frozen=True, slots=True)
class Openings:
    """Whom TCP 443 is open to, in one direction: blocks of addresses, security groups, prefix lists."""

    blocks: tuple[IPv4Network, ...] = ()
    groups: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()

    def __or__(self, other: Openings) -> Openings:
        return Openings(
            self.blocks + other.blocks, self.groups + other.groups, self.prefix_lists + other.prefix_lists
        )

    def reach(self, space: Space, groups: Iterable[str] = ()) -> Lets:
        """Whether they are open to every address of ``space``, or to anybody in one of ``groups``."""
        if set(groups) & set(self.groups):
            return Lets.ALL
        left = without_all(space, self.blocks)
        if not left and space:
            return Lets.ALL
        return Lets.NONE if set(left) == set(space) else Lets.SOME


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: str
    out: Openings
    into: Openings


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class SecurityGroups:
    items: tuple[SecurityGroup, ...]

    def of(self, ids: Iterable[str]) -> tuple[SecurityGroup, ...]:
        """Those of the ids that EC2 shows us: a group may belong to another VPC or account."""
        wanted = set(ids)
        return tuple(one for one in self.items if one.id in wanted)


@fact()
async def security_groups(vpc: VpcId, aws: Aws) -> SecurityGroups:
    answer = await aws("ec2", "describe_security_groups", region=vpc.region, Filters=vpc.filters)
    return SecurityGroups(
        tuple(
            SecurityGroup(
                one["GroupId"],
                out=_openings(one.get("IpPermissionsEgress", ())),
                into=_openings(one.get("IpPermissions", ())),
            )
            for one in answer.get("SecurityGroups", ())
        )
    )


def _openings(rules: Iterable[Mapping[str, Any]]) -> Openings:
    found = Openings()
    for one in rules:
        if not _is_about_https(one):
            continue
        found |= Openings(
            tuple(IPv4Network(each["CidrIp"]) for each in one.get("IpRanges", ())),
            tuple(each["GroupId"] for each in one.get("UserIdGroupPairs", ()) if "GroupId" in each),
            tuple(each["PrefixListId"] for each in one.get("PrefixListIds", ())),
        )
    return found


def _is_about_https(rule: Mapping[str, Any]) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] in _TCP and rule.get("FromPort", 0) <= HTTPS <= rule.get("ToPort", 65535)
