"""Security groups, as far as pulls need them: HTTPS out and in, and DNS out.

They only allow, and keep state: answers come back by themselves. What several groups of an interface allow
adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from checks.aws.addresses import Lets, Space, network, without_all
from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact

GRANTS = (Grant(("ec2:DescribeSecurityGroups",)),)

HTTPS, DNS = 443, 53
_NUMBERS = {"tcp": "6", "udp": "17"}


@dataclass(frozen=True, slots=True)
class Openings:
    """Whom a port is open to, in one direction: blocks of addresses, security groups, prefix lists.

    ``six``: to somebody by IPv6.
    """

    blocks: tuple[IPv4Network, ...] = ()
    groups: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()
    six: bool = False

    def __or__(self, other: Openings) -> Openings:
        return Openings(
            self.blocks + other.blocks,
            self.groups + other.groups,
            self.prefix_lists + other.prefix_lists,
            self.six or other.six,
        )

    def reach(self, space: Space, groups: Iterable[str] = ()) -> Lets:
        """Whether they are open to every address of ``space``, or to anybody in one of ``groups``.

        Where the addresses are not known (``space`` is empty) it depends.
        """
        if set(groups) & set(self.groups):
            return Lets.ALL
        if not space:
            return Lets.SOME
        left = without_all(space, self.blocks)
        if not left:
            return Lets.ALL
        return Lets.NONE if set(left) == set(space) else Lets.SOME


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """``out`` and ``into`` are for HTTPS; ``dns_out`` is for UDP 53; ``others_out`` for other TCP."""

    id: str
    out: Openings
    into: Openings
    dns_out: Openings
    others_out: tuple[tuple[range, Openings], ...] = ()

    def out_to(self, port: int) -> Openings:
        if port == HTTPS:
            return self.out
        found = Openings()
        for ports, openings in self.others_out:
            found = found | openings if port in ports else found
        return found


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
                out=_openings(one.get("IpPermissionsEgress", ()), "tcp", HTTPS),
                into=_openings(one.get("IpPermissions", ()), "tcp", HTTPS),
                dns_out=_openings(one.get("IpPermissionsEgress", ()), "udp", DNS),
                others_out=tuple(_others(one.get("IpPermissionsEgress", ()))),
            )
            for one in answer.get("SecurityGroups", ())
        )
    )


def _openings(rules: Iterable[Mapping[str, Any]], protocol: str, port: int) -> Openings:
    found = Openings()
    for one in rules:
        if not _opens(one, protocol, port):
            continue
        found |= _whom(one)
    return found


def _others(rules: Iterable[Mapping[str, Any]]) -> Iterator[tuple[range, Openings]]:
    for one in rules:
        if one["IpProtocol"] == "-1" or _is_of(one, "tcp"):
            yield _ports(one), _whom(one)


def _whom(rule: Mapping[str, Any]) -> Openings:
    return Openings(
        tuple(network(each["CidrIp"]) for each in rule.get("IpRanges", ())),
        tuple(each["GroupId"] for each in rule.get("UserIdGroupPairs", ()) if "GroupId" in each),
        tuple(each["PrefixListId"] for each in rule.get("PrefixListIds", ())),
        bool(rule.get("Ipv6Ranges")),
    )


def _opens(rule: Mapping[str, Any], protocol: str, port: int) -> bool:
    return rule["IpProtocol"] == "-1" or (_is_of(rule, protocol) and port in _ports(rule))


def _is_of(rule: Mapping[str, Any], protocol: str) -> bool:
    return rule["IpProtocol"] in (protocol, _NUMBERS[protocol])


def _ports(rule: Mapping[str, Any]) -> range:
    everything = rule["IpProtocol"] == "-1"
    return range(65536) if everything else range(rule.get("FromPort", 0), rule.get("ToPort", 65535) + 1)
