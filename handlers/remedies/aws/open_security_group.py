"""Let HTTPS out to where the pull goes, and nowhere else: one rule more for each destination that is shut.

An endpoint is named by its security group, S3's by its prefix list. Only what goes to public addresses needs
0.0.0.0/0: those of registries are no fixed list.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

from checks.aws.connection import Connection
from checks.aws.destinations import HTTPS
from checks.aws.paths import Path
from checks.aws.routing import Way
from checks.aws.security_group_lets_out import security_group_lets_out
from checks.aws.security_groups import Openings, SecurityGroup
from checks.model import Status
from handlers.outlook import joined
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.outlook import must_fail, must_help
from handlers.remedies.aws.security_group_steps import AllowHttpsOut, HttpsRule
from handlers.remedy import Plan, Refused, Risk, remedy

_EVERYWHERE = "0.0.0.0/0"


@remedy("Let HTTPS out of the security group", cures=security_group_lets_out, risk=Risk.LOW)
def open_security_group(connection: Connection | None) -> tuple[Plan, ...]:
    now = must_fail(security_group_lets_out, connection)
    ids = now.interface.security_groups
    if now.destination.port != HTTPS:
        raise Refused(_by_hand(now))
    groups = sorted((one for one in now.groups if one.id in ids), key=lambda one: one.id)
    if not groups:
        raise Refused(f"EC2 does not show {', '.join(ids) or 'a security group'} in this VPC")
    # What several groups allow adds up, so any of them will do.
    return tuple(_plan(one, now, choice=one.id if len(groups) > 1 else "") for one in groups)


def _by_hand(now: Connection) -> str:
    group, port = next(iter(now.interface.security_groups), "SECURITY_GROUP_ID"), str(now.destination.port)
    more = ("--group-id", group, "--protocol", "tcp", "--port", port, "--cidr", "CIDR_OF_THE_REGISTRY")
    command = aws("ec2", "authorize-security-group-egress", now.interface.region, *more)
    return f"only HTTPS is opened by pullbot; for the port {port} a person decides: {command}"


def _plan(group: SecurityGroup, now: Connection, choice: str) -> Plan:
    partners = list(dict.fromkeys(_partner(one) for one in now.paths.items))
    # The widest first: whatever is not needed for the check to pass is left out again.
    for one in sorted(partners, key=lambda partner: partner != _EVERYWHERE):
        fewer = [other for other in partners if other != one]
        verdict = _opened(now, group, fewer).says(security_group_lets_out) if fewer else None
        if verdict is not None and verdict.status is Status.PASS:
            partners = fewer
    stays = must_help(security_group_lets_out, now, _opened(now, group, partners))
    steps = (
        AllowHttpsOut(HttpsRule(now.interface.region, group.id, egress=True, partner=one)) for one in partners
    )
    shared = f"it holds for everything that is in {group.id}"
    return Plan(tuple(steps), choice=choice, caution=joined(shared, stays))


def _partner(path: Path) -> str:
    """:raises Refused: where it goes is not seen from here."""
    if path.way is Way.GATEWAY and path.route is not None:
        return str(path.route.to)
    if path.way is Way.ENDPOINT and path.endpoint is not None and path.endpoint.security_groups:
        return path.endpoint.security_groups[0]
    if path.way in (Way.NAT, Way.INTERNET):
        return _EVERYWHERE
    if path.way is Way.NO_ADDRESS:
        raise Refused("first it needs a public address, or it would be in vain: no answer would find its way")
    where = path.why or f"it goes by {path.way.value}"
    raise Refused(f"to where it would have to be open for {path.errand} is not known: {where}")


def _opened(now: Connection, group: SecurityGroup, partners: list[str]) -> Connection:
    more = Openings(
        blocks=tuple(IPv4Network(one) for one in partners if "/" in one),
        groups=tuple(one for one in partners if one.startswith("sg-")),
        prefix_lists=tuple(one for one in partners if one.startswith("pl-")),
    )
    return now.with_group(replace(group, out=group.out | more))
