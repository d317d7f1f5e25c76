"""The repository's policy with the role named in a way that matches.

Somebody meant a principal that cannot match; whether he meant this role is for him to say.
"""

from __future__ import annotations

from checks.aws.principals import Role, corrected, misnamed
from checks.aws.repository_policy_names_roles import helps, repository_policy_names_roles
from checks.aws.rights import PullRights
from checks.model import NotApplicable
from handlers.remedies.aws.steps import SetRepositoryPolicy
from handlers.remedy import ByHand, by_hand


@by_hand("Name the role in the repository's policy as it can match", cures=repository_policy_names_roles)
def correct_repository_policy(rights: PullRights) -> ByHand:
    repository, role = rights.repository, Role(rights.principal_arn, rights.role.id, rights.puller.session)
    if repository.text is None or repository.unread or not rights.path_known:
        raise NotApplicable("the repository's policy, or the role's full name, is not known")
    for suspect in misnamed(repository.text, role):
        after = corrected(repository.text, suspect.principal, role.arn)
        if helps(rights, rights.with_repository_policy(after)):
            return ByHand(
                f"Who answers for {repository.address.name} decides whether {suspect.principal} was meant to "
                f"be {role.arn}",
                SetRepositoryPolicy(repository.address, before=repository.text, after=after).commands(),
                "the policy is replaced as a whole",
            )
    raise NotApplicable("the pull does not depend on who is named in the repository's policy")
