"""VPC Block Public Access is somebody's decision for a whole account, or an organization's for all of them.

An exclusion that only lets out is the smallest exception
(docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html).
"""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.public_access_is_not_blocked import public_access_is_not_blocked
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Except the VPC from Block Public Access", cures=public_access_is_not_blocked)
def except_from_public_access_block(connection: Connection) -> ByHand:
    region, vpc = connection.interface.region, connection.vpc.id
    mode = ("--vpc-id", vpc, "--internet-gateway-exclusion-mode", "allow-egress")
    return ByHand(
        f"Who answers for the account's networks decides whether {vpc} may be excepted for what goes out; "
        "the first command tells whether the account itself or its organization blocks (ManagedBy)",
        (
            aws("ec2", "describe-vpc-block-public-access-options", region),
            aws("ec2", "create-vpc-block-public-access-exclusion", region, *mode),
        ),
        "everything in the VPC may then go out through its internet gateways",
    )
