"""Take the pull of one role out of a Deny of the repository policy, and leave all the rest denied.

Within an account nothing needs to be allowed: the role's own policies do that. Somebody wrote the Deny,
perhaps for a reason; that is what the approver has to weigh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.aws.denials import Accusation
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.rights import ACTIONS, ON_REPOSITORY, PullRights, Says
from checks.model import NotApplicable
from handlers.remedies.aws.organization import must_not_be_barred
from handlers.remedies.aws.policy_edits import RoleNames, as_policy, without_pull_denies
from handlers.remedies.aws.steps import SetRepositoryPolicy
from handlers.remedy import Plan, Refused, Risk, remedy


@remedy("Lift the Deny for this role's pulls", cures=repository_policy_allows_pull, risk=Risk.MEDIUM)
def lift_repository_deny(rights: PullRights, accusation: Accusation | None = None) -> Plan:
    policy, address = rights.repository.text, rights.repository.address
    if rights.repository.unread:
        raise Refused(f"the policy of {address.name} could not be read: {rights.repository.unread}")
    if policy is None or not _is_denied(rights):
        raise NotApplicable(f"the policy of {address.name} denies nothing that a pull needs")
    if rights.puller.doubt:
        raise Refused(rights.puller.doubt)
    if not rights.path_known:
        raise Refused(f"the full ARN of {rights.puller.role_name} is not known: {rights.role_unread}")

    def denies(statement: Mapping[str, Any]) -> bool:
        return _is_denied(rights.with_repository_policy(as_policy(statement)))

    after, lifted = without_pull_denies(policy, names_of(rights), denies)
    _refuse_if_useless(rights.with_repository_policy(after))
    must_not_be_barred(accusation)
    sids = ", ".join(sid or "(no Sid)" for sid in lifted)
    return Plan(
        (SetRepositoryPolicy(address, before=policy, after=after),),
        caution=f"this Deny may be intentional: {sids}",
    )


def names_of(rights: PullRights) -> RoleNames:
    others = {rights.role.id, rights.session_arn} - {""}
    return RoleNames(rights.principal_arn, frozenset(others))


def _is_denied(rights: PullRights) -> bool:
    return any(rights.of_repository(action).says is Says.DENIES for action in ON_REPOSITORY)


def _refuse_if_useless(better: PullRights) -> None:
    for action in ACTIONS:
        ruling = better.overall(action)
        if ruling.says is Says.UNKNOWN:
            raise Refused(f"whether it would help is not known: {'; '.join(ruling.unread)}")
        if ruling.says is not Says.ALLOWS:
            by = f" by {ruling.policy}" if ruling.policy else ""
            raise Refused(f"it would not be enough: {action} would still be blocked{by} ({ruling.layer})")
