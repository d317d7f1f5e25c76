"""Would a change of the network help? The checks are asked again, on the network as it would be then.

Two faults at once are common, and each by itself would be cured in vain. So they are taken one after the
other, in the order in which packets meet them: the first is offered, and says what stays; the others wait.
What a person has to do (routes, NAT gateways, public access) comes before all that depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.aws.connection import Connection
from checks.aws.endpoint_private_dns_is_on import endpoint_private_dns_is_on
from checks.aws.endpoint_security_group_lets_in import endpoint_security_group_lets_in
from checks.aws.endpoints_are_complete import endpoints_are_complete
from checks.aws.nat_gateway_works import nat_gateway_works
from checks.aws.network_acl_lets_through import network_acl_lets_through
from checks.aws.public_access_is_not_blocked import public_access_is_not_blocked
from checks.aws.s3_endpoint_policy_allows_layers import s3_endpoint_policy_allows_layers
from checks.aws.security_group_lets_out import security_group_lets_out
from checks.aws.subnet_routes_out import subnet_routes_out
from checks.aws.vpc_dns_is_on import vpc_dns_is_on
from checks.graph import Check
from checks.model import NotApplicable, Status, Verdict
from handlers.outlook import must_pass
from handlers.remedies.aws.except_from_public_access_block import except_from_public_access_block
from handlers.remedies.aws.lead_subnet_out import lead_subnet_out
from handlers.remedies.aws.replace_nat_gateway import replace_nat_gateway
from handlers.remedy import Refused, Step

_FOR_PEOPLE = (subnet_routes_out, nat_gateway_works, public_access_is_not_blocked)
_ADVICE = (lead_subnet_out, replace_nat_gateway, except_from_public_access_block)
_IN_ORDER = (
    *_FOR_PEOPLE,
    vpc_dns_is_on,
    endpoint_private_dns_is_on,
    endpoints_are_complete,
    security_group_lets_out,
    network_acl_lets_through,
    endpoint_security_group_lets_in,
    s3_endpoint_policy_allows_layers,
)


def must_fail(check: Check, now: Connection | None) -> Connection:
    """The connection, known to be there.

    :raises NotApplicable: there is nothing to cure. What could not be read, the check itself tells.
    """
    verdict = None if now is None else now.says(check)
    if now is None or verdict is None or verdict.status is not Status.FAIL:
        raise NotApplicable(f"{check.id} does not fail")
    return now


def must_help(check: Check, now: Connection, then: Connection) -> str:
    """What stays wrong besides, in words for a caution; "" if nothing.

    :raises Refused: the check would not pass, or something that comes first stays wrong.
    """
    must_pass(check, then)
    stays = [(one, found) for one, found in _failing(then) if one is not check]
    for one, found in stays:
        if one in _FOR_PEOPLE:
            raise Refused(f"it would not be enough: {found.summary}. {by_a_person(one, now)}")
        before = now.says(one)
        is_new = before is None or before.status is not Status.FAIL
        if not is_new and _IN_ORDER.index(one) < _IN_ORDER.index(check):
            raise Refused(
                f"first something else has to be put right, or it would be in vain: {found.summary}"
            )
    return _not_enough(found.summary for _, found in stays)


def left_to_do(then: Connection) -> str:
    """What would still be in the way, in words for a caution; "" if nothing.

    :raises Refused: a person has to see to it first.
    """
    stays = _failing(then)
    for one, found in stays:
        if one in _FOR_PEOPLE:
            raise Refused(f"it would not be enough: {found.summary}. {by_a_person(one, then)}")
    return _not_enough(found.summary for _, found in stays)


def _failing(then: Connection) -> list[tuple[Check, Verdict]]:
    found = ((one, then.says(one)) for one in _IN_ORDER)
    return [(one, said) for one, said in found if said is not None and said.status is Status.FAIL]


def _not_enough(stays: Iterable[str]) -> str:
    told = "; ".join(stays)
    return f"it is not enough by itself: {told}" if told else ""


def must_be_ours(now: Connection, steps: tuple[Step, ...]) -> None:
    """:raises Refused: the VPC is another account's, and so is everything in it but interfaces and groups."""
    [owner] = {one.owner for one in now.network.tables.items if one.id == now.paths.table}
    if owner not in ("", now.interface.account):
        commands = "; ".join(command for step in steps for command in step.commands())
        raise Refused(f"the network belongs to account {owner}; its owner would do: {commands}")


def by_a_person(check: Check, now: Connection) -> str:
    """What people would do about what is never done for them: it costs, or opens a network to the world."""
    advice = next(one for one in _ADVICE if check in one.cures)(now)
    return f"{advice.words}: {'; '.join(advice.commands)}"
