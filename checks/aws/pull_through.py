"""Pull-through caches: repositories under a prefix that ECR fills from another registry when asked.

What is not there yet is fetched by the first pull, so under such a prefix "missing" means "not cached yet"
(docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.facts import Aws, EcrAddress, Grant
from checks.aws.registry_policy import RegistryId
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (
    Grant(("ecr:DescribePullThroughCacheRules",)),
    # A rule takes no secret of another name.
    Grant(
        ("secretsmanager:DescribeSecret",),
        "arn:{partition}:secretsmanager:*:*:secret:ecr-pullthroughcache/*",
    ),
)


@dataclass(frozen=True, slots=True)
class CacheRule:
    """``upstream`` is the registry's host; ``secret`` the ARN of the credentials for it, or ""."""

    prefix: str
    upstream: str
    secret: str

    @property
    def is_for_everything(self) -> bool:
        """Such a rule is for what no other one covers."""
        return self.prefix == "ROOT"

    def covers(self, path: str) -> bool:
        return self.is_for_everything or path.startswith(f"{self.prefix}/")


@dataclass(frozen=True, slots=True)
class CacheRules:
    """Of one registry. ``unread`` says why they could not be read, which is no error for most images."""

    items: tuple[CacheRule, ...]
    unread: str = ""


@fact()
async def cache_rules(registry: RegistryId, aws: Aws) -> CacheRules:
    try:
        answer = await aws(
            "ecr",
            "describe_pull_through_cache_rules",
            region=registry.region,
            account=registry.account,
            registryId=registry.account,
        )
    except NotFound:
        return CacheRules(())
    except Unavailable as why:
        return CacheRules((), unread=str(why))
    return CacheRules(tuple(_rule(one) for one in answer.get("pullThroughCacheRules", ())))


def _rule(one: Mapping[str, Any]) -> CacheRule:
    return CacheRule(
        one["ecrRepositoryPrefix"], one.get("upstreamRegistryUrl", ""), one.get("credentialArn") or ""
    )


@dataclass(frozen=True, slots=True)
class Caching:
    """What is known of the repository being a cache: its rule, or ``None``, or why that is ``unread``."""

    rule: CacheRule | None
    unread: str = ""

    def refuse_missing(self, what: str) -> None:
        """What ECR does not have may yet be fetched by the first pull, so that it is not said to be missing.

        :raises NotApplicable: it would be fetched
        :raises Unavailable: whether it would be is not known
        """
        if self.rule is not None:
            raise NotApplicable(f"{what} is not cached yet under {self.rule.prefix}")
        if self.unread:
            raise Unavailable(
                f"ECR has no {what}; whether the first pull would fetch it, by a pull-through cache, is not "
                f"known: {self.unread}"
            )


@fact()
def caching(address: EcrAddress, rules: CacheRules) -> Caching:
    covering = [one for one in rules.items if one.covers(address.name)]
    rule = max(covering, key=lambda one: (not one.is_for_everything, len(one.prefix)), default=None)
    return Caching(rule, rules.unread)


@dataclass(frozen=True, slots=True)
class UpstreamSecret:
    """The credentials for the other registry. ``deleted``: for when its deletion is scheduled, or ""."""

    arn: str
    exists: bool
    deleted: str = ""
    unread: str = ""


@fact()
async def upstream_secret(caching: Caching, registry: RegistryId, aws: Aws) -> UpstreamSecret:
    if caching.rule is None or not caching.rule.secret:
        raise NotApplicable("there are no credentials for an upstream registry")
    arn = caching.rule.secret
    try:
        answer = await aws(
            "secretsmanager",
            "describe_secret",
            region=registry.region,
            account=registry.account,
            SecretId=arn,
        )
    except NotFound:
        return UpstreamSecret(arn, exists=False)
    except Unavailable as why:
        return UpstreamSecret(arn, exists=True, unread=str(why))
    return UpstreamSecret(arn, exists=True, deleted=str(answer.get("DeletedDate") or ""))
