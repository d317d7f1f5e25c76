"""Do the security groups of the interface endpoints let HTTPS in from who pulls?

They are often made with the endpoint and forgotten when subnets or node groups are added.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from checks.aws.addresses import Lets, Space
from checks.aws.clue import LOST
from checks.aws.endpoints import Endpoint
from checks.aws.paths import Paths
from checks.aws.routing import Way
from checks.aws.security_groups import Openings, SecurityGroups
from checks.aws.subnet_routes_out import errands
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@check(
    "The endpoints' security groups let HTTPS in",
    leg=Leg.CONNECTION,
    place=Place.FAR_SIDE,
    explains=LOST,
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
)
def endpoint_security_group_lets_in(paths: Paths, groups: SecurityGroups) -> Verdict:
    used = [one for one in paths.through_endpoints() if not one[0].gateway]
    if not used and not paths.unread:
        raise NotApplicable("nothing goes through an interface endpoint")
    found = {endpoint: _lets(endpoint, paths, groups) for endpoint, _ in used}
    shut = [endpoint for endpoint, lets in found.items() if lets is Lets.NONE]
    evidence = [
        *paths.evidence(),
        ("Address", str(paths.interface.address or "not known")),
        *((f"Security groups of {one.id}", ", ".join(one.security_groups)) for one in found),
    ]
    if shut:
        dead = [path for path in paths.by(Way.ENDPOINT) if path.endpoint in shut]
        named = sorted({group for one in shut for group in one.security_groups})
        return failed(
            f"{', '.join(named)} of {', '.join(one.id for one in shut)} let no HTTPS in from "
            f"{paths.interface.address or paths.interface.subnet}: {errands(dead)} cannot be reached",
            *evidence,
            about=", ".join(named),
            explains=paths.explain(dead),
        )
    doubtful = [endpoint.id for endpoint, lets in found.items() if lets is Lets.SOME]
    if doubtful:
        return unknown(f"what the security groups of {', '.join(doubtful)} let in is not known", *evidence)
    if paths.unread:
        return unknown(f"whether the pull goes through an endpoint is not known: {paths.unread}", *evidence)
    return passed(f"{', '.join(one.id for one in found)} let HTTPS in", *evidence)


def _lets(endpoint: Endpoint, paths: Paths, groups: SecurityGroups) -> Lets:
    into = Openings()
    seen = groups.of(endpoint.security_groups)
    for one in seen:
        into |= one.into
    address = paths.interface.address
    client: Space = (IPv4Network(address),) if address else ()
    lets = into.reach(client, paths.interface.security_groups)
    all_seen = bool(seen) and len(seen) == len(set(endpoint.security_groups))
    hidden = into.prefix_lists or (paths.interface.unread and into.groups)
    if lets is Lets.NONE and (hidden or not all_seen):
        return Lets.SOME  # nobody says here what is in a prefix list, or in a group that we do not see
    return lets
