"""Which security groups of the interface endpoints have to let one client's group in; the fewest that do."""

from __future__ import annotations

from dataclasses import replace

from checks.aws.connection import Connection
from checks.aws.endpoint_security_group_lets_in import endpoint_security_group_lets_in
from checks.aws.endpoints import Endpoint
from checks.aws.security_groups import Openings
from checks.model import Status
from handlers.remedy import Refused


def groups_to_open(client: str, now: Connection) -> tuple[str, ...]:
    """:raises Refused: EC2 does not show the groups of an endpoint."""
    used = (endpoint for endpoint, _ in now.paths.through_endpoints() if not endpoint.gateway)
    wanted = tuple(dict.fromkeys(_one_of(endpoint, now) for endpoint in used))
    for one in wanted:
        fewer = tuple(other for other in wanted if other != one)
        verdict = let_in(client, fewer, now).says(endpoint_security_group_lets_in)
        if verdict is not None and verdict.status is Status.PASS:
            wanted = fewer
    return wanted


def let_in(client: str, groups: tuple[str, ...], now: Connection) -> Connection:
    """The connection with ``groups`` open to the members of ``client``."""
    for one in (each for each in now.groups if each.id in groups):
        now = now.with_group(replace(one, into=one.into | Openings(groups=(client,))))
    return now


def _one_of(endpoint: Endpoint, now: Connection) -> str:
    seen = [one.id for one in now.groups if one.id in endpoint.security_groups]
    if not seen:
        named = ", ".join(endpoint.security_groups) or "a security group"
        raise Refused(f"EC2 does not show {named} of {endpoint.id} in this VPC")
    return min(seen)
