"""Turn the VPC's DNS on: name resolution itself, and host names only where endpoints need them."""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.vpc_dns_is_on import vpc_dns_is_on
from checks.model import Status
from handlers.outlook import joined
from handlers.remedies.aws.dns_switches import both_on, turned_on
from handlers.remedies.aws.outlook import must_be_ours, must_fail, must_help
from handlers.remedies.aws.vpc_steps import DnsAttribute, SetVpcDns
from handlers.remedy import Plan, Risk, remedy


@remedy("Turn the VPC's DNS on", cures=vpc_dns_is_on, risk=Risk.MEDIUM)
def turn_on_vpc_dns(now: Connection) -> Plan:
    must_fail(vpc_dns_is_on, now)
    attributes = now.network.attributes
    steps: tuple[SetVpcDns, ...] = (turned_on(DnsAttribute.SUPPORT, now),)
    then = now.with_dns(support=True, hostnames=attributes.hostnames)
    verdict = then.says(vpc_dns_is_on)
    if attributes.support or verdict is None or verdict.status is not Status.PASS:
        steps, then = both_on(now)
    stays = must_help(vpc_dns_is_on, now, then)
    must_be_ours(now, steps)
    return Plan(steps, caution=joined(f"it holds for everything in {now.vpc.id}", stays))
