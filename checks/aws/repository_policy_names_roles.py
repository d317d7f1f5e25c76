"""Does the repository policy name the role in a way that can match it?

An Allow for an instance profile, for a role without its path or for a session of a gone instance looks
right and does nothing. It is at fault only if it would help once corrected: others may be meant for
somebody else.
"""

from __future__ import annotations

from checks.aws.policy_language import BadPolicy
from checks.aws.principals import Misnamed, Role, corrected, misnamed
from checks.aws.rights import ON_REPOSITORY, PullRights
from checks.aws.rulings import Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The repository policy names roles that can match",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
)
def repository_policy_names_roles(rights: PullRights) -> Verdict:
    repository = rights.repository
    if repository.of_aws:
        raise NotApplicable("everybody may pull from AWS's own registries")
    address = repository.address
    if repository.unread:
        return unknown(f"the principals of the policy of {address.name} are not known: {repository.unread}")
    if repository.text is None:
        raise NotApplicable(f"{address.name} has no policy")
    return rights.heard(_judged(rights, repository.text))


def _judged(rights: PullRights, text: str) -> Verdict:
    address = rights.repository.address
    role = Role(rights.principal_arn, rights.role.id, rights.puller.session)
    try:
        suspects = misnamed(text, role)
    except BadPolicy as error:
        return unknown(f"the policy of {address.name} cannot be understood: {error}")
    if not suspects:
        return passed(f"every role that the policy of {address.name} names can match")
    if not rights.path_known:
        return unknown(
            f"whether {suspects[0].principal} is {rights.puller.role_name} is not known: {rights.role_unread}"
        )
    for suspect in suspects:
        better = rights.with_repository_policy(corrected(text, suspect.principal, role.arn))
        if answers := helps(rights, better):
            return _verdict(rights, suspect, answers)
    return passed(
        f"the policy of {address.name} names roles that cannot match, but this pull does not depend on them",
        ("Principals that cannot match", ", ".join(one.principal for one in suspects)),
    )


def _verdict(rights: PullRights, suspect: Misnamed, answers: set[Says]) -> Verdict:
    name = rights.repository.address.name
    summary = f"the policy of {name} names {suspect.principal}; {suspect.why}"
    if Says.UNKNOWN in answers:
        return unknown(f"{summary}. Whether this pull depends on it is not known")
    return failed(
        summary,
        *rights.who(),
        ("Statement", suspect.sid or "(no Sid)"),
        ("Principal in the policy", suspect.principal),
        ("Principal that would match", rights.principal_arn),
        about=rights.repository.address.arn,
    )


def helps(now: PullRights, then: PullRights) -> set[Says]:
    """What AWS answers now to the actions that the repository would then allow."""
    return {
        now.overall(action).says
        for action in ON_REPOSITORY
        if now.of_repository(action).says is Says.NOTHING and then.of_repository(action).says is Says.ALLOWS
    } - {Says.ALLOWS}
