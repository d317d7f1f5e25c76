"""May the role that pulls do so, as far as its own policies and its permissions boundary go?

Two errors tell two gaps apart. Without ``ecr:GetAuthorizationToken`` kubelet gets no token, pulls
anonymously and hears 401 ("no basic auth credentials"); with it, but without ``ecr:BatchGetImage``, the
registry knows the role and answers 403. Only these two and ``ecr:GetDownloadUrlForLayer`` are needed:
AWS's own AmazonEC2ContainerRegistryPullOnly has no other to pull with.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.aws.denials import Accusation, Side, registry_may_explain
from checks.aws.rights import ACTIONS, PullRights
from checks.aws.rulings import Ruling, Says
from checks.graph import check
from checks.model import Leg, Since, Status, Symptom, Verdict, failed, passed, unknown


@check(
    "The role that pulls may pull",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://repost.aws/knowledge-center/eks-ecr-troubleshooting",
)
def role_can_pull(rights: PullRights, accusation: Accusation | None, since: Since | None = None) -> Verdict:
    """``since`` a fix, a denial that is not repeated proves nothing: it may be older."""
    if rights.puller.rival:
        return rights.heard(_judged(rights, None))
    verdict = _judged(rights, accusation, since)
    told = accusation if since is None and verdict.status is not Status.FAIL else None
    if told is not None and told.by_registry and told.of_organization:
        return _by_organization(rights, told)
    return verdict


def _judged(rights: PullRights, accusation: Accusation | None, since: Since | None = None) -> Verdict:
    name, evidence = rights.puller.role_name, rights.who()
    if not rights.role.exists:
        return failed(f"the role {name} does not exist", *evidence, about=rights.principal_arn)
    rulings = {action: rights.of_role(action) for action in ACTIONS}
    wrong = {action: one for action, one in rulings.items() if one.says in (Says.DENIES, Says.NOTHING)}
    if wrong:
        summary = f"{name} {_lacks(wrong)}"
        if accusation is not None and all(
            one.says is Says.DENIES and accusation.rules_out_a_deny_of(action)
            for action, one in wrong.items()
        ):
            return unknown(f"as its policies read, {summary}, but the registry knows of no Deny", *evidence)
        return failed(
            summary,
            *evidence,
            *_details(wrong),
            about=rights.principal_arn,
            explains=registry_may_explain(accusation),
        )
    unread = sorted({why for one in rulings.values() if one.says is Says.UNKNOWN for why in one.unread})
    if unread:
        return _from_the_text(rights, accusation, "; ".join(unread))
    if since is None and accusation is not None and accusation.contradicts(Side.ROLE, ACTIONS):
        return unknown(
            f"as its policies read, {name} may pull, but the registry says: {accusation.words}",
            *evidence,
            *accusation.evidence(),
        )
    granted = sorted({one.policy for one in rulings.values()})
    return passed(f"{name} may pull", *evidence, ("Allowed by", ", ".join(granted)))


def _by_organization(rights: PullRights, accusation: Accusation) -> Verdict:
    """Nobody in the account can read these policies: there is nothing but the registry's words."""
    summary = f"{rights.puller.role_name} may not {accusation.action}: {accusation.words} of the organization"
    evidence = (*rights.who(), *accusation.evidence())
    if rights.puller.hearsay:
        return unknown(f"{summary}, says the message; but {rights.puller.doubt}", *evidence)
    return failed(f"{summary}, says the registry", *evidence, about=rights.principal_arn)


def _from_the_text(rights: PullRights, accusation: Accusation | None, unread: str) -> Verdict:
    """Not everything could be read, and what was decides nothing; the registry's own words may."""
    name, evidence = rights.puller.role_name, rights.who()
    if accusation is not None and accusation.by_registry and accusation.blames(Side.ROLE):
        return failed(
            f"{name} may not {accusation.action}, says the registry",
            *evidence,
            *accusation.evidence(),
            about=rights.principal_arn,
        )
    return unknown(f"what {name} may do could not be read in full: {unread}", *evidence)


def _lacks(wrong: Mapping[str, Ruling]) -> str:
    denied = [action for action, one in wrong.items() if one.says is Says.DENIES]
    if denied:
        return f"is denied {', '.join(denied)} by {wrong[denied[0]].policy}"
    return f"may not {', '.join(wrong)}"


def _details(wrong: Mapping[str, Ruling]) -> list[tuple[str, str]]:
    details = [("Missing actions", ", ".join(wrong))]
    for one in dict.fromkeys(wrong.values()):
        details.append(("Layer", one.layer))
        if one.policy:
            details.append(("Policy", one.policy))
        if one.sid:
            details.append(("Statement", one.sid))
    return list(dict.fromkeys(details))
