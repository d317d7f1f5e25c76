"""Let HTTPS in at the endpoints from the security group of who pulls: narrower than any block of addresses.

New nodes are in that group, too, whatever their subnet.
"""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.endpoint_security_group_lets_in import endpoint_security_group_lets_in
from handlers.outlook import joined
from handlers.remedies.aws.endpoint_groups import groups_to_open, let_in
from handlers.remedies.aws.outlook import must_fail, must_help
from handlers.remedies.aws.security_group_steps import AllowHttpsIn, HttpsRule
from handlers.remedy import Plan, Refused, Risk, remedy


@remedy("Let HTTPS in at the endpoints", cures=endpoint_security_group_lets_in, risk=Risk.LOW)
def open_endpoint_security_group(connection: Connection | None) -> tuple[Plan, ...]:
    now = must_fail(endpoint_security_group_lets_in, connection)
    clients = now.interface.security_groups
    if not clients:
        raise Refused("which security groups the pull comes from is not known")
    # Any of them will do: a rule for one of an interface's groups lets the interface in.
    return tuple(_plan(one, now, choice=one if len(clients) > 1 else "") for one in clients)


def _plan(client: str, now: Connection, choice: str) -> Plan:
    groups = groups_to_open(client, now)
    stays = must_help(endpoint_security_group_lets_in, now, let_in(client, groups, now))
    steps = (
        AllowHttpsIn(HttpsRule(now.interface.region, one, egress=False, partner=client)) for one in groups
    )
    return Plan(tuple(steps), choice=choice, caution=joined(f"it holds for everything in {client}", stays))
