"""Does the repository policy name the role in a way that can match it?

An Allow for an instance profile, for a role without its path or for a session of a gone instance looks
right and does nothing. It is at fault only if it would help once corrected: others may be meant for
somebody else.
"""

from __future__ import annotations

from checks.aws.principals import Role, corrected, misnamed
from checks.aws.rights import ON_REPOSITORY, PullRights
from checks.aws.rulings import Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The repository policy names roles that can match",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING},
)
def repository_policy_names_roles(rights: PullRights) -> Verdict:
    repository = rights.repository
    address = repository.address
    if repository.unread:
        return unknown(f"the principals of the policy of {address.name} are not known: {repository.unread}")
    if repository.text is None:
        raise NotApplicable(f"{address.name} has no policy")
    role = Role(rights.principal_arn, rights.role.id, rights.puller.session)
    try:
        suspects = misnamed(repository.text, role)
    except ValueError as error:
        return unknown(f"the policy of {address.name} is no JSON: {error}")
    if not suspects:
        return passed(f"every role that the policy of {address.name} names can match")
    if not rights.path_known:
        return unknown(
            f"whether {suspects[0].principal} is {rights.puller.role_name} is not known: {rights.role_unread}"
        )
    for suspect in suspects:
        better = rights.with_repository_policy(corrected(repository.text, suspect.principal, role.arn))
        if _helps(rights, better):
            return failed(
                f"the policy of {address.name} names {suspect.principal}; {suspect.why}",
                *rights.who(),
                ("Statement", suspect.sid or "(no Sid)"),
                ("Principal in the policy", suspect.principal),
                ("Principal that would match", role.arn),
                about=address.arn,
            )
    return passed(
        f"the policy of {address.name} names roles that cannot match, but this pull does not depend on them",
        ("Principals that cannot match", ", ".join(one.principal for one in suspects)),
    )


def _helps(now: PullRights, then: PullRights) -> bool:
    return any(
        now.of_repository(action).says is Says.NOTHING
        and then.of_repository(action).says is Says.ALLOWS
        and now.overall(action).says is not Says.ALLOWS
        for action in ON_REPOSITORY
    )
