"""A Deny in the policy of the whole registry stops pulls from every repository, if the policy is for pulls.

Nobody but a person edits it: it is everybody's. Of another account's registry nothing can be read without
a role there; that is told only if the registry's own words leave it in question.
"""

from __future__ import annotations

from checks.aws.denials import Accusation, Side
from checks.aws.registry_policy import RegistryPolicy
from checks.aws.rights import ON_REPOSITORY, PullRights
from checks.aws.rulings import Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The registry's policy allows the pull",
    leg=Leg.RIGHTS,
    explains={Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html",
)
def registry_policy_allows_pull(
    policy: RegistryPolicy, rights: PullRights | None, accusation: Accusation | None
) -> Verdict:
    name = f"the policy of the registry {policy.registry.account} in {policy.registry.region}"
    if policy.unread:
        blamed = accusation is not None and accusation.blames(Side.REPOSITORY)
        if blamed or (rights is not None and rights.same_account):
            return unknown(f"whether {name} stops the pull is not known: {policy.unread}")
        raise NotApplicable(f"{name} is not ours to read, and nothing blames it")
    if policy.text is None:
        raise NotApplicable("the registry has no policy")
    if policy.scope == "V1":
        return passed(f"{name} is not for pulls: its scope is V1")
    if rights is None:
        return unknown(f"whether {name} stops the pull is not known: which role pulls could not be read")
    if rights.puller.rival:
        return rights.heard(_judged(policy, rights, None, name))
    return _judged(policy, rights, accusation, name)


def _judged(policy: RegistryPolicy, rights: PullRights, accusation: Accusation | None, name: str) -> Verdict:
    role = rights.puller.role_name
    evidence = (*rights.who(), ("Registry", f"{policy.registry.account} in {policy.registry.region}"))
    enforced = rights.with_registry_policy(policy.text)
    rulings = {action: enforced.of_registry(action) for action in ON_REPOSITORY}
    denied = {action: one for action, one in rulings.items() if one.says is Says.DENIES}
    if denied:
        first = next(iter(denied.values()))
        statement = f"the statement {first.sid!r}" if first.sid else "a statement without a Sid"
        if policy.scope != "V2":
            why = policy.scope_unread or f"its scope is {policy.scope}"
            return unknown(f"{statement} of {name} denies {role} the pull, if it is for pulls at all: {why}")
        if accusation is not None and all(accusation.rules_out_a_deny_of(action) for action in denied):
            return unknown(f"as we read {name}, {statement} denies {role} the pull, but ECR knows of no Deny")
        return failed(
            f"{statement} of {name} denies {role} the pull",
            *evidence,
            ("Statement", first.sid or "(no Sid)"),
            ("Denied actions", ", ".join(denied)),
            ("Layer", "registry policy"),
            about=f"registry {policy.registry.account}/{policy.registry.region}",
        )
    doubts = dict.fromkeys(why for one in rulings.values() if one.says is Says.UNKNOWN for why in one.unread)
    if doubts:
        return unknown(f"whether {name} stops the pull is not known: {'; '.join(doubts)}", *evidence)
    return passed(f"{name} does not stand in the way of {role}", *evidence)
