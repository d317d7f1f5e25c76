"""A registry's policy without its Deny for one role: it is everybody's, so a person puts it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.aws.registry_policy import RegistryPolicy
from checks.aws.registry_policy_allows_pull import registry_policy_allows_pull
from checks.aws.rights import ON_REPOSITORY, PullRights, Says
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.lift_repository_deny import names_of
from handlers.remedies.aws.policy_edits import as_policy, without_pull_denies
from handlers.remedy import ByHand, Refused, by_hand


@by_hand("Spare the role in the registry's policy", cures=registry_policy_allows_pull)
def spare_role_in_registry_policy(policy: RegistryPolicy, rights: PullRights) -> ByHand:
    if policy.text is None:
        raise NotApplicable("the registry has no policy")
    registry, role = policy.registry, rights.puller.role_name
    look = aws("ecr", "get-registry-policy", registry.region)
    return ByHand(
        f"Who answers for the registry of account {registry.account} decides whether its Deny spares {role}",
        (look, _change(policy.text, rights, registry.region)),
        "the policy is for every repository of that account in the region, and the Deny may be intentional",
    )


def _change(text: str, rights: PullRights, region: str) -> str:
    """The policy as it would be, where that can be told; else what the person writes."""

    def denies(statement: Mapping[str, Any]) -> bool:
        return _is_denied(rights.with_registry_policy(as_policy(statement)))

    put = ("ecr", "put-registry-policy", region, "--policy-text")
    try:
        after, _ = without_pull_denies(text, names_of(rights), denies)
    except Refused:
        return aws(*put, "file://policy.json")
    if after is None:
        return aws("ecr", "delete-registry-policy", region)
    then = rights.with_registry_policy(after)
    spared = all(then.of_registry(action).says in (Says.ALLOWS, Says.NOTHING) for action in ON_REPOSITORY)
    return aws(*put, after if spared else "file://policy.json")


def _is_denied(rights: PullRights) -> bool:
    return any(rights.of_registry(action).says is Says.DENIES for action in ON_REPOSITORY)
