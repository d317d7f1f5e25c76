"""Let a role of another account pull: one statement in the repository's policy, in the owner's account.

Where the policy names the role wrongly (an instance profile, a stale id), the name is put right in its
place instead of adding a second statement; ``aws/repository_policy_names_roles`` then passes as well.
Where the owner's policy cannot be read, nothing is planned, and the owner is told which statement to add.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from checks.aws.denials import Accusation
from checks.aws.principals import Role, corrected, misnamed
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.rights import ACTIONS, ON_REPOSITORY, PullRights, Says
from checks.model import NotApplicable
from handlers.remedies.aws.organization import must_not_be_barred
from handlers.remedies.aws.policy_edits import PULL_ACTIONS, with_statement
from handlers.remedies.aws.steps import SetRepositoryPolicy
from handlers.remedy import Plan, Refused, Risk, remedy

# ECR's quota for a repository policy, in characters.
_LONGEST_POLICY = 10_240


@remedy("Allow the role in the repository policy", cures=repository_policy_allows_pull, risk=Risk.MEDIUM)
def allow_role_in_repository_policy(rights: PullRights, accusation: Accusation | None = None) -> Plan:
    if rights.same_account:
        raise NotApplicable("within its account a role needs no word from the repository")
    if rights.puller.doubt:
        raise Refused(rights.puller.doubt)
    address, policy = rights.repository.address, rights.repository.text
    if not rights.path_known:
        raise Refused(f"the full ARN of {rights.puller.role_name} is not known: {rights.role_unread}")
    statement = _statement(rights)
    if rights.repository.unread:
        raise Refused(
            f"the policy of {address.name} belongs to account {address.account} and could not be read "
            f"({rights.repository.unread}). If it does not allow the pull yet, its owner adds this "
            f"statement: {json.dumps(statement)}"
        )
    _refuse_if_unjudged(rights)
    if any(rights.of_repository(action).says is Says.DENIES for action in ON_REPOSITORY):
        raise NotApplicable("a Deny is in the way; an Allow would not lift it")
    after = _names_put_right(rights, policy) or _with(statement, policy)
    if len(after) > _LONGEST_POLICY:
        raise Refused(f"the policy would have {len(after)} characters; ECR takes {_LONGEST_POLICY}")
    better = rights.with_repository_policy(after)
    for action in ACTIONS:
        ruling = better.overall(action)
        if ruling.says is not Says.ALLOWS:
            why = "; ".join(ruling.unread) or f"{action} would still be blocked ({ruling.layer})"
            raise Refused(f"it would not be enough: {why}")
    must_not_be_barred(accusation)
    return Plan(
        (SetRepositoryPolicy(address, before=policy, after=after),),
        caution=f"this lets account {rights.puller.account} into account {address.account}",
    )


def _refuse_if_unjudged(rights: PullRights) -> None:
    for action in ON_REPOSITORY:
        if doubts := rights.of_repository(action).unread:
            raise Refused(f"what the repository's policy allows now is not known: {'; '.join(doubts)}")


def _statement(rights: PullRights) -> Mapping[str, Any]:
    role, repository = rights.principal_arn, rights.repository.address.arn
    mark = hashlib.sha256(f"{role} {repository}".encode()).hexdigest()[:8]
    return {
        "Sid": f"PullbotAllowPull{mark}",
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": list(PULL_ACTIONS),
    }


def _with(statement: Mapping[str, Any], policy: str | None) -> str:
    found = json.loads(policy)["Statement"] if policy else []
    sids = {one.get("Sid") for one in (found if isinstance(found, list) else [found])}
    if statement["Sid"] in sids:
        raise Refused(f"the statement {statement['Sid']} is there already, yet the pull fails; look at it")
    return with_statement(policy, statement)


def _names_put_right(rights: PullRights, policy: str | None) -> str:
    """The policy with one principal corrected, if that alone lets the role pull; else ""."""
    if policy is None:
        return ""
    role = Role(rights.principal_arn, rights.role.id, rights.puller.session)
    for suspect in misnamed(policy, role):
        after = corrected(policy, suspect.principal, role.arn)
        better = rights.with_repository_policy(after)
        if all(better.of_repository(action).says is Says.ALLOWS for action in ON_REPOSITORY):
            return after
    return ""
