"""Turn the endpoints' private DNS on, so that the registry's usual names lead to them.

EC2 wants the VPC's own DNS attributes on before; where they are not, the plan begins with them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from checks.aws.connection import Connection
from checks.aws.destinations import Errand
from checks.aws.endpoint_private_dns_is_on import endpoint_private_dns_is_on
from checks.aws.endpoints import Endpoint
from checks.aws.paths import Unused
from handlers.outlook import joined
from handlers.remedies.aws.dns_switches import both_on
from handlers.remedies.aws.outlook import must_be_ours, must_fail, must_help
from handlers.remedies.aws.vpc_steps import SetPrivateDns, SetVpcDns
from handlers.remedy import Plan, Refused, Risk, Step, remedy

# EC2 makes the endpoint's hosted zone in the background, and kubelet's back-off comes on top.
_SETTLES_IN = timedelta(minutes=12)


@remedy("Turn on the endpoints' private DNS", cures=endpoint_private_dns_is_on, risk=Risk.MEDIUM)
def turn_on_private_dns(connection: Connection | None) -> Plan:
    now = must_fail(endpoint_private_dns_is_on, connection)
    first: tuple[SetVpcDns, ...]
    first, then = both_on(now)
    steps: list[Step] = [*first]
    for one in _without_names(now):
        steps.append(SetPrivateDns(now.interface.region, one.id, on=True))
        then = then.with_endpoint(replace(one, private_dns=True))
    stays = must_help(endpoint_private_dns_is_on, now, then)
    must_be_ours(now, tuple(steps))
    whole = f"from then on the registry's names lead to the endpoints from everywhere in {now.vpc.id}"
    return Plan(tuple(steps), caution=joined(whole, stays), settles_in=_SETTLES_IN)


def _without_names(now: Connection) -> list[Endpoint]:
    """:raises Refused: one of them is S3's, which has two kinds of private names."""
    found: dict[str, Endpoint] = {}
    for one in now.paths.items:
        if one.unused is Unused.NO_PRIVATE_DNS and one.endpoint and now.paths.lacks_an_endpoint(one):
            found[one.endpoint.id] = one.endpoint
            if one.errand is Errand.LAYERS:
                raise Refused(
                    f"{one.endpoint.id} is an interface endpoint for S3, and who else relies on S3's names "
                    "is not known. A person decides: aws ec2 modify-vpc-endpoint --region "
                    f"{now.interface.region} --vpc-endpoint-id {one.endpoint.id} --private-dns-enabled "
                    "--dns-options PrivateDnsOnlyForInboundResolverEndpoint=false"
                )
    return [found[id] for id in sorted(found)]
