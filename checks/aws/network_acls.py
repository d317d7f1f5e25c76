"""Network ACLs: lists of rules at the border of a subnet, of which the first that fits decides.

They keep no state, so the answers need a rule of their own, for the port that the question came from. They
do not apply within a subnet, nor to the VPC's own DNS
(docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from checks.aws.addresses import Lets, Space, common, network, without
from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact
from checks.model import Unavailable

GRANTS = (Grant(("ec2:DescribeNetworkAcls",)),)

# Shown as * in the console: what no rule allows is denied.
IMPLICIT = 32767
_TCP_OR_ALL = frozenset({"6", "-1"})

Ports = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule for TCP over IPv4. ``egress``: for what leaves the subnet."""

    number: int
    allows: bool
    egress: bool
    block: IPv4Network
    ports: Ports


@dataclass(frozen=True, slots=True)
class Decision:
    """``rule`` is the number of the one that denies; ``ports`` are those that it denies."""

    lets: Lets
    rule: int = 0
    ports: Ports = (0, 0)


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """``entries`` in the order in which they are tried.

    ``others``: (egress, number) of those about something else: one number is given once in a direction.
    """

    id: str
    default: bool
    subnets: tuple[str, ...]
    entries: tuple[Entry, ...]
    others: tuple[tuple[bool, int], ...] = ()

    def decide(self, *, egress: bool, ports: Ports, space: Space) -> Decision:
        """What becomes of packets to (``egress``) or from any address of ``space``, for all of ``ports``.

        NONE if there are ports that are closed to all of ``space``; SOME if it depends on the address.
        """
        entries = [one for one in self.entries if one.egress is egress]
        worst = Decision(Lets.ALL)
        for part in _parts(ports, entries):
            found = _decide(entries, part, space)
            if found.lets is Lets.NONE:
                return found
            if found.lets is Lets.SOME:
                worst = found
        return worst


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class NetworkAcls:
    items: tuple[NetworkAcl, ...]

    def of(self, subnet: str) -> NetworkAcl:
        """:raises Unavailable: EC2 does not show it to us."""
        for one in self.items:
            if subnet in one.subnets:
                return one
        for one in self.items:
            if one.default:
                return one
        raise Unavailable(f"EC2 does not show the network ACL of {subnet}")


def _parts(ports: Ports, entries: list[Entry]) -> list[Ports]:
    """``ports`` in parts, for each of which a rule applies to all ports or to none."""
    first, last = ports
    starts = {first}
    for one in entries:
        starts |= {port for port in (one.ports[0], one.ports[1] + 1) if first < port <= last}
    ordered = sorted(starts)
    return list(zip(ordered, [*(port - 1 for port in ordered[1:]), last], strict=True))


def _decide(entries: list[Entry], ports: Ports, space: Space) -> Decision:
    undecided, denied, by, allowed = space, False, 0, False
    for one in entries:
        if not one.ports[0] <= ports[0] <= one.ports[1] or not common(undecided, one.block):
            continue
        undecided = without(undecided, one.block)
        if one.allows:
            allowed = True
        elif not denied:
            denied, by = True, one.number
    if undecided and not denied:
        denied, by = True, IMPLICIT
    if not denied:
        return Decision(Lets.ALL)
    return Decision(Lets.SOME if allowed else Lets.NONE, by, ports)


@fact()
async def network_acls(vpc: VpcId, aws: Aws) -> NetworkAcls:
    answer = await aws("ec2", "describe_network_acls", region=vpc.region, Filters=vpc.filters)
    return NetworkAcls(tuple(_acl(one) for one in answer.get("NetworkAcls", ())))


def _acl(one: Mapping[str, Any]) -> NetworkAcl:
    listed = one.get("Entries", ())
    entries = [_entry(each) for each in listed if _is_about_tcp(each)]
    others = [(bool(each["Egress"]), each["RuleNumber"]) for each in listed if not _is_about_tcp(each)]
    return NetworkAcl(
        id=one["NetworkAclId"],
        default=bool(one.get("IsDefault")),
        subnets=tuple(sorted(each["SubnetId"] for each in one.get("Associations", ()))),
        entries=tuple(sorted(entries, key=lambda entry: entry.number)),
        others=tuple(sorted(others)),
    )


def _is_about_tcp(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("CidrBlock")) and str(entry["Protocol"]) in _TCP_OR_ALL


def _entry(one: Mapping[str, Any]) -> Entry:
    everything = str(one["Protocol"]) == "-1"
    ports = {} if everything else one.get("PortRange", {})
    return Entry(
        number=one["RuleNumber"],
        allows=one["RuleAction"] == "allow",
        egress=bool(one["Egress"]),
        block=network(one["CidrBlock"]),
        ports=(ports.get("From", 0), ports.get("To", 65535)),
    )
