"""Does the registry's usual name lead to the interface endpoint?

Kubelet, the runtime and the credential provider ask for ``api.ecr`` and ``dkr.ecr`` by their public names;
without private DNS these lead to public addresses, past the endpoint.
"""

from __future__ import annotations

from checks.aws.clue import LOST
from checks.aws.paths import Paths, Unused
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import errands
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@check(
    "The endpoints have private DNS",
    leg=Leg.NAME,
    place=Place.PRIVATE_NAME,
    explains=LOST,
    page="https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html",
)
def endpoint_private_dns_is_on(paths: Paths) -> Verdict:
    evidence = paths.evidence()
    off = [one for one in paths.items if one.unused is Unused.NO_PRIVATE_DNS and one.endpoint is not None]
    dead = [one for one in off if paths.lacks_an_endpoint(one)]
    if dead:
        ids = sorted({one.endpoint.id for one in dead if one.endpoint})
        return failed(
            f"private DNS is off at {', '.join(ids)}, and nothing else leads out: "
            f"{errands(dead)} cannot be reached",
            *evidence,
            about=", ".join(ids),
            explains=paths.explain(dead),
        )
    unsure = [one for one in off if one.way is Way.UNCERTAIN]
    if unsure:
        return unknown(f"private DNS is off for {errands(unsure)}, but {unsure[0].why}", *evidence)
    if paths.unread:
        return unknown(
            f"whether the registry's names lead to the endpoints is not known: {paths.unread}", *evidence
        )
    named = sorted({one.via for one in paths.by(Way.ENDPOINT)})
    if not named:
        raise NotApplicable("nothing needs the name of an interface endpoint")
    return passed(f"the registry's names lead to {', '.join(named)}", *evidence)
