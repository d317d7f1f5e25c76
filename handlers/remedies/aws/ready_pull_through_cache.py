"""What a pull-through cache lacks: credentials for the other registry, or a role that may fill it.

(docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html)
"""

from __future__ import annotations

import json

from checks.aws.ecr import ImageInEcr
from checks.aws.pull_through import CacheRule, Caching, UpstreamSecret
from checks.aws.pull_through_cache_is_ready import missing_rights, pull_through_cache_is_ready, resource_of
from checks.aws.registry_policy import RegistryId
from checks.aws.registry_rights import RegistryRights
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand

_NAME = "pullbot-fill-cache"


@by_hand("Make the pull-through cache ready", cures=pull_through_cache_is_ready)
def ready_pull_through_cache(
    caching: Caching,
    registry: RegistryId,
    found: ImageInEcr | None,
    secret: UpstreamSecret | None,
    role: RegistryRights | None,
) -> ByHand:
    rule = caching.rule
    if rule is None:
        raise NotApplicable("no rule of a pull-through cache covers the repository")
    if secret is not None and secret.deleted:
        restore = aws("secretsmanager", "restore-secret", registry.region, "--secret-id", secret.arn)
        return ByHand("Who answers for the secret restores it, before it is gone for good", (restore,))
    if secret is not None and not secret.exists:
        return _new_secret(rule, registry)
    if found is None or role is None or not (missing := missing_rights(found, role)):
        raise NotApplicable("nothing that we see keeps the cache from being filled")
    statement = {"Effect": "Allow", "Action": list(missing), "Resource": resource_of(rule, found)}
    return _granted(role, {"Version": "2012-10-17", "Statement": [statement]})


def _new_secret(rule: CacheRule, registry: RegistryId) -> ByHand:
    made = ("--name", "ecr-pullthroughcache/SECRET_NAME", "--secret-string", "file://credentials.json")
    used = ("--registry-id", registry.account, "--ecr-repository-prefix", rule.prefix)
    return ByHand(
        f"Who has an account at {rule.upstream} makes the secret (credentials.json: "
        '{"username": "…", "accessToken": "…"}), and leads the rule to it',
        (
            aws("secretsmanager", "create-secret", registry.region, *made),
            aws(
                "ecr",
                "update-pull-through-cache-rule",
                registry.region,
                *used,
                "--credential-arn",
                "SECRET_ARN",
            ),
            aws("ecr", "validate-pull-through-cache-rule", registry.region, *used),
        ),
    )


def _granted(role: RegistryRights, policy: object) -> ByHand:
    name = role.rights.puller.role_name
    named = ("--role-name", name, "--policy-name", _NAME, "--policy-document", json.dumps(policy))
    return ByHand(
        f"Who answers for {name} decides whether its pulls may fill the cache; or somebody who may does it",
        (aws("iam", "put-role-policy", "", *named),),
        "whoever has that role can then bring images from the other registry into this one",
    )
