"""Does the repository let the role pull?

In its own account a role needs no word from the repository: having no policy is fine, and only a Deny
stops it, whatever else allows it. From another account both must agree, the role's policies and the
repository's.
"""

from __future__ import annotations

from checks.aws.denials import Accusation, Side, registry_may_explain
from checks.aws.rights import ON_REPOSITORY, PullRights
from checks.aws.rulings import Says, either
from checks.graph import check
from checks.model import Leg, NotApplicable, Since, Symptom, Verdict, failed, passed, unknown


@check(
    "The repository policy allows the pull",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
)
def repository_policy_allows_pull(
    rights: PullRights, accusation: Accusation | None, since: Since | None = None
) -> Verdict:
    """``since`` a fix, a denial that is not repeated proves nothing: it may be older."""
    if rights.repository.of_aws:
        raise NotApplicable("everybody may pull from AWS's own registries")
    if rights.puller.rival:
        return rights.heard(_judged(rights, None))
    return _judged(rights, accusation, since)


def _judged(rights: PullRights, accusation: Accusation | None, since: Since | None = None) -> Verdict:
    address, name = rights.repository.address, rights.puller.role_name
    evidence = (*rights.who(), ("Repository", address.arn))
    rulings = {action: rights.of_repository(action) for action in ON_REPOSITORY}
    denied = {action: one for action, one in rulings.items() if one.says is Says.DENIES}
    if denied:
        first = next(iter(denied.values()))
        statement = f"the statement {first.sid!r}" if first.sid else "a statement without a Sid"
        if accusation is not None and all(accusation.rules_out_a_deny_of(action) for action in denied):
            return unknown(
                f"as we read it, {statement} denies {name} the pull, but the registry knows of no Deny"
            )
        return failed(
            f"{statement} of the policy of {address.name} denies {name} the pull",
            *evidence,
            ("Statement", first.sid or "(no Sid)"),
            ("Denied actions", ", ".join(denied)),
            ("Layer", "repository policy"),
            about=address.arn,
            explains=registry_may_explain(accusation),
        )
    if not rights.same_account:
        # The policy of the whole registry may grant it as well, where it is for pulls.
        rulings = {action: either(one, rights.of_registry(action)) for action, one in rulings.items()}
    unread = sorted({why for one in rulings.values() if one.says is Says.UNKNOWN for why in one.unread})
    if unread:
        return _from_the_text(rights, accusation, "; ".join(unread))
    missing = [action for action, one in rulings.items() if one.says is Says.NOTHING]
    if missing and not rights.same_account:
        has = "has no policy" if rights.repository.text is None else "has a policy that does not allow it"
        return failed(
            f"{address.name} in account {address.account} {has}: {name} of account {rights.puller.account} "
            "may not pull",
            *evidence,
            ("Missing actions", ", ".join(missing)),
            ("Layer", "repository policy"),
            about=address.arn,
            explains=registry_may_explain(accusation),
        )
    if since is None and accusation is not None and accusation.contradicts(Side.REPOSITORY, ON_REPOSITORY):
        return unknown(
            f"as we read it, the policy of {address.name} does not stand in the way of {name}, but the "
            f"registry says: {accusation.words}",
            *evidence,
            *accusation.evidence(),
        )
    has = "has no policy, and needs none within its account"
    if rights.repository.text is not None:
        has = f"has a policy that does not stand in the way of {name}"
    return passed(f"{address.name} {has}", *evidence)


def _from_the_text(rights: PullRights, accusation: Accusation | None, unread: str) -> Verdict:
    """The policy could not be read, or not in full; the registry's own words may decide."""
    address = rights.repository.address
    evidence = (*rights.who(), ("Repository", address.arn))
    if accusation is not None and accusation.blames(Side.REPOSITORY):
        return failed(
            f"the policy of {address.name} stops {rights.puller.role_name}, says the registry",
            *evidence,
            *accusation.evidence(),
            about=address.arn,
        )
    return unknown(f"whether the policy of {address.name} allows the pull is not known: {unread}", *evidence)
