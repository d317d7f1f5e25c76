"""VPC Block Public Access closes internet gateways, whatever routes and security groups say.

``block-bidirectional`` stops what goes out as well; ``block-ingress`` leaves NAT gateways and what is
asked from within alone (docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html).
"""

from __future__ import annotations

from checks.aws.clue import LOST
from checks.aws.paths import Path, Paths
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import errands
from checks.aws.vpc import NatGateways, Subnets
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown

_BOTH_WAYS = "block-bidirectional"


@check(
    "The VPC does not block public access",
    leg=Leg.CONNECTION,
    place=Place.GATEWAY,
    explains=LOST,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html",
)
def public_access_is_not_blocked(paths: Paths, subnets: Subnets, gateways: NatGateways) -> Verdict:
    public = paths.by(Way.NAT, Way.INTERNET)
    if not public:
        raise NotApplicable("nothing goes through an internet gateway")
    evidence = paths.evidence()
    own = subnets.get(paths.interface.subnet)
    for one in public:
        subnet = subnets.get(_at_the_gateway(one, paths, gateways))
        if subnet.blocked == _BOTH_WAYS:
            return failed(
                f"VPC Block Public Access closes the internet gateway to {subnet.id}: "
                f"{errands(public)} cannot be reached",
                *evidence,
                ("Block Public Access", f"{subnet.blocked} in {subnet.id}"),
                about=subnet.id,
                explains=paths.explain(public),
            )
    if own.blocked == _BOTH_WAYS:
        return unknown(
            f"{own.id} is blocked, but not the subnet of its NAT gateway; whether that is enough is not sure",
            *evidence,
        )
    return passed(f"the internet gateway is open to what {own.id} asks for", *evidence)


def _at_the_gateway(path: Path, paths: Paths, gateways: NatGateways) -> str:
    """The subnet that talks to the internet gateway."""
    if path.way is Way.NAT:
        return gateways.get(path.via).subnet or paths.interface.subnet
    return paths.interface.subnet
