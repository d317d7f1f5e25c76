"""Where a new entry of a network ACL goes: before the rule that denies, and as late as that allows.

The later it stands, the fewer of the owner's own rules it goes before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from checks.aws.addresses import Lets
from checks.aws.crossings import Crossing
from checks.aws.network_acls import IMPLICIT, Entry, NetworkAcl
from handlers.remedies.aws.network_acl_steps import AllowTcp
from handlers.remedy import Refused

# Of one direction, the implicit rule included; AWS raises it on request, at the cost of speed
# (docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
_QUOTA = 20


@dataclass(frozen=True, slots=True)
class Opening:
    """``acl`` is as it would be then; ``overruled`` are the explicit denials that it goes before."""

    acl: NetworkAcl
    entry: AllowTcp
    overruled: tuple[int, ...]


def opening(acl: NetworkAcl, crossing: Crossing, block: IPv4Network, region: str) -> Opening | None:
    """The entry that lets all of the crossing through; ``None``: all of it is let through already.

    :param block: covers the crossing's addresses
    :raises Refused: there is no room for it.
    """
    limit = _denying(acl, crossing)
    if limit is None:
        return None
    taken = {one.number for one in acl.entries if one.egress is crossing.egress}
    taken |= {number for egress, number in acl.others if egress is crossing.egress}
    if len({one for one in taken if one < IMPLICIT}) + 1 >= _QUOTA:
        raise Refused(
            f"{acl.id} has {_QUOTA} rules in one direction, and AWS takes no more unless it is asked to; "
            "a person has to join some of them"
        )
    while True:
        number = _number_before(limit, taken, acl.id)
        entry = Entry(number, True, crossing.egress, block, crossing.ports)
        entries = sorted((*acl.entries, entry), key=lambda one: one.number)
        changed = replace(acl, entries=tuple(entries))
        still = _denying(changed, crossing)
        if still is None:
            made = AllowTcp(region, acl.id, number, crossing.egress, str(block), *crossing.ports)
            return Opening(changed, made, tuple(_overruled(acl, entry)))
        limit = still  # another rule denies a part of it, and comes earlier


def _denying(acl: NetworkAcl, crossing: Crossing) -> int | None:
    decision = acl.decide(egress=crossing.egress, ports=crossing.ports, space=crossing.space)
    return None if decision.lets is Lets.ALL else decision.rule


def _number_before(limit: int, taken: set[int], acl: str) -> int:
    """The last free number before ``limit``, but a round one if nothing is between them."""
    before = max((one for one in taken if one < limit), default=0)
    if limit == IMPLICIT and before < IMPLICIT - 10:
        return before // 10 * 10 + 10  # people count in tens
    round_one = (limit - 1) // 10 * 10
    if round_one > before:
        return round_one
    free = (one for one in range(limit - 1, 0, -1) if one not in taken)
    found = next(free, 0)
    if not found:
        raise Refused(
            f"no number is free before rule {limit} of {acl}, which denies; a person has to number them anew"
        )
    return found


def _overruled(acl: NetworkAcl, entry: Entry) -> Iterator[int]:
    for one in acl.entries:
        denies = one.egress is entry.egress and not one.allows and entry.number < one.number < IMPLICIT
        ports = one.ports[0] <= entry.ports[1] and entry.ports[0] <= one.ports[1]
        if denies and ports and one.block.overlaps(entry.block):
            yield one.number
