"""Do the network ACLs on the way let questions out and answers back in?

They keep no state: a rule for TCP 443 out is worth nothing without one for the answers, which come to a high
port. The side of the endpoint or of the NAT gateway needs the mirror image, if it is in another subnet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from checks.aws.addresses import Lets, is_private
from checks.aws.clue import LOST
from checks.aws.crossings import Crossing, crossings
from checks.aws.network_acls import IMPLICIT, Decision, NetworkAcls
from checks.aws.paths import Path, Paths
from checks.aws.subnet_routes_out import errands
from checks.aws.vpc import NatGateways, Subnets
from checks.graph import check
from checks.model import Leg, NotApplicable, Place, Verdict, failed, passed, unknown


@dataclass(frozen=True, slots=True)
class _Denial:
    acl: str
    crossing: Crossing
    decision: Decision

    def __str__(self) -> str:
        one, rule = self.crossing, self.decision.rule
        first, last = self.decision.ports
        ports = str(first) if first == last else f"{first}-{last}"
        by = "the implicit rule 32767 (*)" if rule == IMPLICIT else f"rule {rule}"
        direction = "outbound" if one.egress else "inbound"
        return f"{by} of {self.acl} denies {direction} TCP {ports} at {one.subnet}"


@check(
    "The network ACLs let the pull through",
    leg=Leg.CONNECTION,
    place=Place.SUBNET,
    explains=LOST,
    page="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
)
def network_acl_lets_through(
    paths: Paths, acls: NetworkAcls, subnets: Subnets, gateways: NatGateways
) -> Verdict:
    dead: dict[Path, list[_Denial]] = {}
    doubtful: dict[Path, list[_Denial]] = {}
    crossed: set[str] = set()
    for path in paths.items:
        ways = crossings(path, paths, subnets, gateways)
        crossed |= {one.subnet for way in ways for one in way}
        found = [_denials(way, path, paths, acls) for way in ways]
        certain = [[one for one in way if one.decision.lets is Lets.NONE] for way in found]
        if certain and all(certain):
            dead[path] = [one for way in certain for one in way]
        elif any(found):
            doubtful[path] = [one for way in found for one in way]
    evidence = paths.evidence()
    if dead:
        denials = list(dict.fromkeys(one for each in dead.values() for one in each))
        return failed(
            f"{denials[0]}: {errands(dead)} cannot be reached",
            *evidence,
            *(("Denied", str(one)) for one in denials),
            about=denials[0].acl,
            explains=paths.explain(dead),
        )
    if doubtful:
        told = dict.fromkeys(str(one) for each in doubtful.values() for one in each)
        return unknown(f"for some addresses {'; '.join(told)}", *evidence)
    if paths.unread:
        return unknown(f"whether the pull goes through an endpoint is not known: {paths.unread}", *evidence)
    if not crossed:
        raise NotApplicable("no border of a subnet is crossed")
    named = sorted({acls.of(one).id for one in crossed})
    return passed(f"{', '.join(named)} let the pull through", *evidence)


def _denials(way: tuple[Crossing, ...], path: Path, paths: Paths, acls: NetworkAcls) -> list[_Denial]:
    found = []
    for one in way:
        acl = acls.of(one.subnet)
        decision = acl.decide(egress=one.egress, ports=one.ports, space=one.space)
        exact = _exact(one, path, paths)
        if decision.lets is Lets.SOME and exact is not None:
            exactly = acl.decide(egress=one.egress, ports=one.ports, space=exact.space)
            decision = exactly if exactly.lets is Lets.NONE else decision
        if decision.lets is not Lets.ALL:
            found.append(_Denial(acl.id, one, decision))
    return found


def _exact(crossing: Crossing, path: Path, paths: Paths) -> Crossing | None:
    """The crossing to the very address that was dialled, where the message names it."""
    dialled = paths.clue.dialled(path.errand)
    if not dialled or ":" in dialled or is_private(dialled) is not path.private:
        return None
    address = IPv4Network(dialled)
    if not any(address.subnet_of(one) for one in crossing.space):
        return None
    return replace(crossing, space=(address,))
