"""Steps that lead a route table to a gateway endpoint which is there."""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.endpoints import Endpoint
from checks.aws.s3_endpoint_policy_allows_layers import s3_endpoint_policy_allows_layers
from checks.model import Status
from handlers.remedies.aws.layers_policy import letting_layers
from handlers.remedies.aws.vpc_steps import LeadToEndpoint, SetEndpointPolicy

FOR_ALL = (
    "everything that goes to S3 from the subnets of {table} takes the endpoint then, under its policy; "
    "connections to S3 that are open at that moment break off"
)


def led_to(
    endpoint: Endpoint, now: Connection
) -> tuple[tuple[SetEndpointPolicy | LeadToEndpoint, ...], Connection]:
    """The steps (a policy that shuts layers out is put right first), and the connection as it would be."""
    then = now.with_route_to(endpoint, _prefix_list(endpoint, now))
    step = LeadToEndpoint(now.interface.region, endpoint.id, now.paths.table, leads=True)
    verdict = then.says(s3_endpoint_policy_allows_layers)
    if verdict is None or verdict.status is not Status.FAIL:
        return (step,), then
    policy, changed = letting_layers(endpoint, then)
    return (policy, step), then.with_endpoint(changed)


def _prefix_list(endpoint: Endpoint, now: Connection) -> str:
    """The id of S3's prefix list where another table tells it; else only that it is one."""
    routes = (route for table in now.network.tables.items for route in table.routes)
    return next((str(one.to) for one in routes if one.via == endpoint.id), "the prefix list of S3")
