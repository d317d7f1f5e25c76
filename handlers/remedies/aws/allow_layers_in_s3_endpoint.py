"""Let ECR's layers through the endpoint for S3: one statement more in its policy, nothing else changed."""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.destinations import Errand
from checks.aws.s3_endpoint_policy_allows_layers import s3_endpoint_policy_allows_layers
from checks.model import NotApplicable
from handlers.outlook import must_pass
from handlers.remedies.aws.layers_policy import letting_layers
from handlers.remedies.aws.outlook import must_be_ours, must_fail
from handlers.remedies.aws.vpc_steps import SetEndpointPolicy
from handlers.remedy import Plan, Risk, remedy


@remedy(
    "Allow ECR's layers in the S3 endpoint's policy",
    cures=s3_endpoint_policy_allows_layers,
    risk=Risk.MEDIUM,
)
def allow_layers_in_s3_endpoint(connection: Connection | None) -> Plan:
    now = must_fail(s3_endpoint_policy_allows_layers, connection)
    endpoint = next(one.endpoint for one in now.paths.items if one.errand is Errand.LAYERS)
    if endpoint is None:
        raise NotApplicable("layers do not go through an endpoint")
    step: SetEndpointPolicy
    step, changed = letting_layers(endpoint, now)
    # The registry answered for layers, so that packets get through is beyond doubt.
    must_pass(s3_endpoint_policy_allows_layers, now.with_endpoint(changed))
    must_be_ours(now, (step,))
    bucket = now.registry.bucket
    return Plan((step,), caution=f"whoever uses {endpoint.id} may then read {bucket}, which is AWS's own")
