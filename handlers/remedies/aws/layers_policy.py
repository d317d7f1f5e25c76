"""The statement that lets ECR's layers through an endpoint for S3, beside whatever its policy says already.

The requests are signed by AWS, for a bucket of AWS: it can name nobody, and no account. What it lets
through is one bucket that everybody may read.
"""

from __future__ import annotations

import json
from dataclasses import replace

from checks.aws.connection import Connection
from checks.aws.endpoint_policies import GET_OBJECT, for_layers
from checks.aws.endpoints import Endpoint
from checks.aws.rulings import Says
from handlers.remedies.aws.policy_edits import with_statement
from handlers.remedies.aws.vpc_steps import SetEndpointPolicy
from handlers.remedy import Refused

_SID = "PullbotEcrLayers"
# docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
_LONGEST_POLICY = 20_480


def letting_layers(endpoint: Endpoint, now: Connection) -> tuple[SetEndpointPolicy, Endpoint]:
    """The step, and the endpoint as it would be then.

    :raises Refused: a Deny is in the way, or there is no room for the statement.
    """
    found = for_layers(endpoint, now.registry, now.interface.vpc)
    if found.says is Says.DENIES:
        raise Refused(
            f"the statement {found.sid or '(no Sid)'} of the policy of {endpoint.id} denies it; a Deny is "
            f"never lifted here. A person decides whether to spare arn:{now.registry.partition}:s3:::"
            f"{now.registry.bucket}/* in it: aws ec2 modify-vpc-endpoint --region {now.interface.region} "
            f"--vpc-endpoint-id {endpoint.id} --policy-document file://policy.json"
        )
    document = json.loads(endpoint.policy)
    listed = document.get("Statement", [])
    if _SID in {one.get("Sid") for one in (listed if isinstance(listed, list) else [listed])}:
        raise Refused(f"the statement {_SID} is in the policy of {endpoint.id} already; look at it")
    after = with_statement(endpoint.policy, {
        "Sid": _SID,
        "Effect": "Allow",
        "Principal": "*",
        "Action": GET_OBJECT,
        "Resource": f"arn:{now.registry.partition}:s3:::{now.registry.bucket}/*",
    })  # fmt: skip
    if len(after) > _LONGEST_POLICY:
        raise Refused(f"the policy would have {len(after)} characters; EC2 takes {_LONGEST_POLICY}")
    step = SetEndpointPolicy(now.interface.region, endpoint.id, endpoint.policy, after)
    return step, replace(endpoint, policy=after)
