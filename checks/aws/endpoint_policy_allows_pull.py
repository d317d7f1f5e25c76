"""Do the policies of the endpoints for ECR let the role pull?

``ecr.api`` has to let ``ecr:GetAuthorizationToken`` through, or kubelet pulls anonymously and hears 401;
``ecr.dkr`` the rest, or the registry's answer is 403.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.aws.denials import Accusation
from checks.aws.destinations import Errand
from checks.aws.endpoint_policies import LAYER, for_the_role, lets_everything
from checks.aws.paths import Path, Paths
from checks.aws.rights import ON_REPOSITORY, TOKEN, PullRights
from checks.aws.routing import Way
from checks.aws.rulings import Ruling, Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

ACTIONS_OF = {Errand.TOKEN: (TOKEN,), Errand.MANIFEST: ON_REPOSITORY}


@check(
    "The endpoints' policies allow the pull",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
)
def endpoint_policy_allows_pull(
    paths: Paths, rights: PullRights | None, accusation: Accusation | None
) -> Verdict:
    used = [one for one in paths.by(Way.ENDPOINT) if one.errand in ACTIONS_OF and one.endpoint is not None]
    if not used and not paths.unread:
        raise NotApplicable("nothing of ECR goes through an endpoint")
    ids = ", ".join(sorted({one.via for one in used}))
    strict = [one for one in used if one.endpoint is not None and not lets_everything(one.endpoint)]
    evidence = paths.evidence()
    if not strict and paths.unread:
        return _not_seen(paths)
    if not strict:
        return passed(f"the policies of {ids} let everybody do anything", *evidence)
    if rights is None:
        return unknown(f"the policies of {ids} are restrictive, and which role pulls is not known", *evidence)
    rulings = [
        (one, action, for_the_role(one.endpoint, rights, action, paths.registry, paths.interface.vpc))
        for one in strict
        if one.endpoint is not None
        for action in ACTIONS_OF[one.errand]
    ]
    if rights.puller.rival:
        return rights.heard(_verdict(rulings, paths, rights, None, ids))
    return _verdict(rulings, paths, rights, accusation, ids)


_Rulings = Iterable[tuple[Path, str, Ruling]]


def _verdict(
    rulings: _Rulings, paths: Paths, rights: PullRights, accusation: Accusation | None, ids: str
) -> Verdict:
    name, evidence = rights.puller.role_name, (*rights.who(), *paths.evidence())
    wrong = [one for one in rulings if one[2].says in (Says.DENIES, Says.NOTHING)]
    doubts = [one for one in rulings if one[2].says is Says.UNKNOWN]
    blamed = accusation is not None and accusation.layer == LAYER.lower()
    if wrong:
        path, _, first = wrong[0]
        how, verb = "no statement of", "allows"
        if first.says is Says.DENIES:
            how, verb = f"the statement {first.sid!r} of" if first.sid else "a statement of", "denies"
        return failed(
            f"{how} the policy of {path.via} {verb} {name} {', '.join(action for _, action, _ in wrong)}",
            *evidence,
            ("Denied actions", ", ".join(action for _, action, _ in wrong)),
            ("Layer", LAYER),
            about=path.via,
            explains=paths.clue.denial_explains(one.errand for one, _, _ in wrong),
        )
    if doubts and blamed and accusation is not None:
        path = doubts[0][0]
        return failed(
            f"the policy of {path.via} stops {name}, says the registry",
            *evidence,
            *accusation.evidence(),
            about=path.via,
        )
    if doubts:
        unread = dict.fromkeys(why for _, _, one in doubts for why in one.unread)
        return unknown(
            f"whether the policies of {ids} allow the pull is not known: {'; '.join(unread)}", *evidence
        )
    if blamed:
        return unknown(f"as we read them, the policies of {ids} allow the pull, but the registry blames one")
    if paths.unread:
        return _not_seen(paths)
    return passed(f"the policies of {ids} allow {name} the pull", *evidence)


def _not_seen(paths: Paths) -> Verdict:
    return unknown(
        f"whether the pull goes through an endpoint is not known: {paths.unread}", *paths.evidence()
    )
