"""One statement more in the policy of an endpoint for ECR: the pull of one role.

Endpoints are shared by a whole VPC, and who made the policy strict did so for a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checks.aws.destinations import Errand
from checks.aws.endpoint_policies import for_the_role, lets_everything
from checks.aws.endpoint_policy_allows_pull import ACTIONS_OF, endpoint_policy_allows_pull
from checks.aws.endpoints import Endpoint
from checks.aws.paths import Paths
from checks.aws.rights import PullRights
from checks.aws.routing import Way
from checks.aws.rulings import Says
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.policy_edits import with_statement
from handlers.remedy import ByHand, by_hand

_SID = "PullFromEcr"


@by_hand("Let the role through the endpoint's policy", cures=endpoint_policy_allows_pull)
def let_role_through_endpoint(paths: Paths, rights: PullRights) -> ByHand:
    region = paths.interface.region
    strict = dict(_strict(paths, rights))
    if not strict:
        raise NotApplicable("no endpoint's policy stops the role")
    ids = sorted(one.id for one in strict)
    changes = (
        aws("ec2", "modify-vpc-endpoint", region, "--vpc-endpoint-id", one.id, "--policy-document", policy)
        for one, policy in strict.items()
    )
    name = rights.puller.role_name
    return ByHand(
        f"Who answers for the network decides whether {' and '.join(ids)} may let {name} pull",
        (aws("ec2", "describe-vpc-endpoints", region, "--vpc-endpoint-ids", *ids), *changes),
        "an endpoint's policy is for everybody in the VPC, and is replaced as a whole",
    )


def _strict(paths: Paths, rights: PullRights) -> Iterator[tuple[Endpoint, str]]:
    """The endpoints that stop the role, each with the policy that would not, or where to write it."""
    for endpoint, taken in paths.through_endpoints():
        errands = [one.errand for one in taken if one.way is Way.ENDPOINT and one.errand in ACTIONS_OF]
        if not errands or lets_everything(endpoint):
            continue
        says = set(_says(endpoint, errands, paths, rights))
        if Says.NOTHING in says or Says.DENIES in says:
            statement = {
                "Sid": _SID,
                "Effect": "Allow",
                "Principal": "*",
                "Action": [action for errand in errands for action in ACTIONS_OF[errand]],
                "Resource": "*",
                "Condition": {"ArnEquals": {"aws:PrincipalArn": rights.principal_arn}},
            }
            after = with_statement(endpoint.policy, statement)
            then = set(_says(replace(endpoint, policy=after), errands, paths, rights))
            helps = then == {Says.ALLOWS} and _SID not in endpoint.policy
            yield endpoint, after if helps else "file://policy.json"


def _says(endpoint: Endpoint, errands: list[Errand], paths: Paths, rights: PullRights) -> Iterator[Says]:
    for action in (action for errand in errands for action in ACTIONS_OF[errand]):
        yield for_the_role(endpoint, rights, action, paths.registry, paths.interface.vpc).says
