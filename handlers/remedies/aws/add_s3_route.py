"""Lead the subnet's route table to the gateway endpoint for S3 that the VPC has already.

It takes all that goes to S3 from the table's subnets, so its policy has to let layers through first.
"""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.destinations import Errand
from checks.aws.endpoints_are_complete import endpoints_are_complete
from checks.aws.paths import Unused
from checks.model import NotApplicable
from handlers.outlook import joined
from handlers.remedies.aws.outlook import must_be_ours, must_fail, must_help
from handlers.remedies.aws.s3_routes import FOR_ALL, led_to
from handlers.remedies.aws.vpc_steps import LeadToEndpoint, SetEndpointPolicy
from handlers.remedy import Plan, Risk, remedy


@remedy("Lead the route table to the S3 endpoint", cures=endpoints_are_complete, risk=Risk.MEDIUM)
def add_s3_route(connection: Connection | None) -> Plan:
    now = must_fail(endpoints_are_complete, connection)
    [layers] = [one for one in now.paths.items if one.errand is Errand.LAYERS]
    if layers.unused is not Unused.NOT_ROUTED or layers.endpoint is None:
        raise NotApplicable("the route table leads to S3's endpoint, or there is none")
    steps: tuple[SetEndpointPolicy | LeadToEndpoint, ...]
    steps, then = led_to(layers.endpoint, now)
    stays = must_help(endpoints_are_complete, now, then)
    must_be_ours(now, steps)
    return Plan(steps, caution=joined(FOR_ALL.format(table=now.paths.table), stays))
