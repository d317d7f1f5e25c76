"""Does the subnet's route table lead out, for each errand that no endpoint serves?

Through a NAT gateway, or an internet gateway and a public address. Where the routes lead into a network that
we do not see (a transit gateway, a firewall), nobody is accused.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.aws.clue import LOST
from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.paths import Path, Paths
from checks.aws.routing import DEAD, Way
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@check(
    "The subnet has a route to the registry",
    leg=Leg.CONNECTION,
    place=Place.ROUTE,
    explains=LOST,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html",
)
def subnet_routes_out(paths: Paths, task: FargateNetwork | None) -> Verdict:
    """What a task of ECS lacks is told by ``task_has_public_ip``: its service could give it an address."""
    dead = [
        one
        for one in paths.by(*DEAD)
        if not paths.lacks_an_endpoint(one) and not (task and one.way is Way.NO_ADDRESS)
    ]
    evidence = (*paths.evidence(), ("Route table", paths.table))
    if dead:
        return failed(
            f"{', '.join(sorted({_what(paths, one) for one in dead}))}: {errands(dead)} cannot be reached",
            *evidence,
            about=paths.table,
            explains=paths.explain(dead),
        )
    unseen = paths.by(Way.ELSEWHERE, Way.UNCERTAIN)
    if unseen:
        return unknown(
            f"where {errands(unseen)} are reached is not seen from here: {_why(unseen)}", *evidence
        )
    alive = paths.by(Way.NAT, Way.INTERNET)
    if not alive:
        raise NotApplicable("endpoints take everything")
    through = ", ".join(sorted({one.via for one in alive}))
    return passed(f"{paths.interface.subnet} leads out through {through}", *evidence)


def errands(paths: Iterable[Path]) -> str:
    """The errands in words, in their order; there has to be one."""
    *most, last = [str(one.errand) for one in paths]
    return f"{', '.join(most)} and {last}" if most else last


def _what(paths: Paths, path: Path) -> str:
    match path.way, path.route:
        case Way.NO_ADDRESS, _:
            return f"{paths.table} leads to {path.via}, but {paths.interface.how} has no public address"
        case Way.BLACKHOLE, route if route is not None:
            return f"the route {route} in {paths.table} is a blackhole"
        case _:
            return f"{paths.table} has no route to public addresses"


def _why(unseen: Iterable[Path]) -> str:
    return "; ".join(dict.fromkeys(one.why or f"the route {one.route}" for one in unseen))
