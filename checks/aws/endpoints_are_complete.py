"""Is there an endpoint for every errand, in a VPC that has no other way out?

A pull needs three: ``ecr.api``, ``ecr.dkr`` and S3, the last as a gateway endpoint in the very route table of
the subnet. With a NAT gateway none of them is a must.
"""

from __future__ import annotations

from checks.aws.clue import LOST
from checks.aws.paths import Path, Paths, Unused
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import errands
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown

_MISSING = (Unused.ABSENT, Unused.NOT_AVAILABLE, Unused.NOT_ROUTED)


@check(
    "Every endpoint that a private subnet needs is there",
    leg=Leg.CONNECTION,
    place=Place.DOOR,
    explains=LOST,
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
)
def endpoints_are_complete(paths: Paths) -> Verdict:
    evidence = paths.evidence()
    dead = [one for one in paths.items if paths.lacks_an_endpoint(one) and one.unused in _MISSING]
    if dead:
        at_fault = next((one.endpoint.id for one in dead if one.endpoint), paths.interface.vpc)
        return failed(
            f"{'; '.join(_what(paths, one) for one in dead)}, and nothing else leads out of "
            f"{paths.interface.subnet}: {errands(dead)} cannot be reached",
            *evidence,
            ("Route table", paths.table),
            ("Missing", ", ".join(one.errand.value for one in dead)),
            about=at_fault,
            explains=paths.explain(dead),
        )
    if not paths.meant_to_be_private:
        raise NotApplicable("there are no endpoints for ECR, and none are a must")
    unsure = [one for one in paths.by(Way.UNCERTAIN) if one.unused in _MISSING]
    if unsure:
        return unknown(f"there is no endpoint for {errands(unsure)}: {unsure[0].why}", *evidence)
    used = [endpoint.id for endpoint, _ in paths.through_endpoints()]
    if not used:
        raise NotApplicable("nothing goes through an endpoint")
    return passed(f"{', '.join(used)} serve what does not go another way", *evidence)


def _what(paths: Paths, path: Path) -> str:
    service = path.errand.value
    match path.endpoint, path.unused:
        case endpoint, Unused.NOT_AVAILABLE if endpoint is not None:
            return f"{endpoint.id} for {service} is {endpoint.state or 'in no known state'}"
        case endpoint, Unused.NOT_ROUTED if endpoint is not None:
            return f"{paths.table} does not lead to {endpoint.id} for {service}"
        case _:
            return f"no endpoint in {paths.interface.vpc} is for {service} in {paths.registry.region}"
