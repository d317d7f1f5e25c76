"""What the first pull through a cache needs, and what is not said to be missing meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.aws.ecr import ImageInEcr
from checks.aws.facts import EcrAddress
from checks.aws.pull_through import (
    CacheRule,
    CacheRules,
    Caching,
    UpstreamSecret,
    cache_rules,
    caching,
    upstream_secret,
)
from checks.aws.pull_through_cache_is_ready import CREATE, IMPORT, pull_through_cache_is_ready
from checks.aws.registry_policy import RegistryId, RegistryPolicy
from checks.aws.registry_rights import registry_rights
from checks.aws.rights import PullRights
from checks.model import NotApplicable, NotFound, Status, Unavailable, Verdict
from tests.checks.aws.one_role import ACCOUNT, ROLE, policy, rights
from tests.fakes.aws_account import Account

HUB = CacheRule("hub", "registry-1.docker.io", "")
CACHED = EcrAddress(ACCOUNT, "us-west-2", "aws", "hub/library/nginx")
REGISTRY = RegistryId(ACCOUNT, "us-west-2")
NO_REPOSITORY = ImageInEcr(CACHED, repository_exists=False, exists=False)
NO_IMAGE = ImageInEcr(CACHED, repository_exists=True, exists=False)
NO_POLICY = RegistryPolicy(REGISTRY, None, "V2")
SECRET = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:ecr-pullthroughcache/hub"


def of_role(*actions: str) -> PullRights:
    return rights(policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"}), address=CACHED)


def verdict(
    found: ImageInEcr | None = NO_REPOSITORY,
    who: PullRights | None = None,
    *,
    secret: UpstreamSecret | None = None,
    registry: RegistryPolicy | None = NO_POLICY,
) -> Verdict:
    role = None if who is None else registry_rights.fn(who.puller, who.role, CACHED, registry)
    return pull_through_cache_is_ready.fn(Caching(HUB), found, secret, role)


@pytest.mark.parametrize(
    ("found", "may", "missing"),
    [
        (NO_REPOSITORY, [], f"{CREATE}, {IMPORT}"),
        (NO_REPOSITORY, [IMPORT], CREATE),
        (NO_REPOSITORY, [CREATE], IMPORT),
        (NO_IMAGE, [CREATE], IMPORT),
        (NO_IMAGE, [], IMPORT),
    ],
)
def test_what_the_role_lacks_is_named(found: ImageInEcr, may: list[str], missing: str) -> None:
    it = verdict(found, of_role("ecr:Describe*", *may))
    assert it.status is Status.FAIL
    evidence = dict(it.evidence)
    assert evidence["Missing actions"] == missing
    assert evidence["Resource"] == f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/hub/*"
    assert "not cached yet" in it.summary
    assert it.about == ROLE


def test_whose_rights_are_not_those_that_the_message_tells_of_is_not_accused() -> None:
    mine = of_role("ecr:Describe*")
    it = verdict(who=replace(mine, puller=replace(mine.puller, rival=ROLE.replace("eks-node", "other"))))
    assert it.status is Status.UNKNOWN
    assert "other was denied" in it.summary


def test_a_role_that_may_fill_it_leaves_the_question_what_is_upstream() -> None:
    for found, may in ((NO_REPOSITORY, (CREATE, IMPORT)), (NO_IMAGE, (IMPORT,))):
        it = verdict(found, of_role(*may))
        assert it.status is Status.UNKNOWN
        assert "registry-1.docker.io" in it.summary


@pytest.mark.parametrize("scope", ["V1", "V2"])
def test_the_registrys_policy_may_grant_it_whatever_its_scope(scope: str) -> None:
    grant = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": [CREATE, IMPORT], "Resource": "*"}
    it = verdict(who=of_role("ecr:Get*"), registry=RegistryPolicy(REGISTRY, policy(grant), scope))
    assert it.status is Status.UNKNOWN
    assert "may fill it" in it.summary


def test_a_registry_policy_that_was_not_read_might_grant_it() -> None:
    unread = RegistryPolicy(REGISTRY, None, unread="AWS denies ecr:GetRegistryPolicy")
    it = verdict(who=of_role("ecr:Get*"), registry=unread)
    assert it.status is Status.UNKNOWN
    assert "ecr:GetRegistryPolicy" in it.summary
    assert verdict(who=of_role("ecr:Get*"), registry=None).status is Status.UNKNOWN


def test_a_secret_that_ecr_cannot_read_is_the_cause() -> None:
    for secret in (
        UpstreamSecret(SECRET, exists=False),
        UpstreamSecret(SECRET, exists=True, deleted="2026-12-01"),
    ):
        it = verdict(who=of_role(CREATE, IMPORT), secret=secret)
        assert it.status is Status.FAIL
        assert it.about == SECRET


def test_a_secret_that_we_may_not_look_at_is_told_unless_something_else_is_wrong() -> None:
    secret = UpstreamSecret(SECRET, exists=True, unread="AWS denies secretsmanager:DescribeSecret")
    assert "secretsmanager:DescribeSecret" in verdict(who=of_role(CREATE, IMPORT), secret=secret).summary
    assert verdict(who=of_role(IMPORT), secret=secret).status is Status.FAIL


def test_what_is_in_the_cache_needs_none_of_this() -> None:
    there = ImageInEcr(CACHED, repository_exists=True, exists=True, digest="sha256:1", status="ACTIVE")
    assert verdict(there, of_role()).status is Status.PASS
    assert verdict(there, secret=UpstreamSecret(SECRET, exists=False)).status is Status.PASS


def test_what_could_not_be_read_of_image_or_role_is_neither() -> None:
    assert verdict(None, of_role()).status is Status.UNKNOWN
    assert verdict(NO_IMAGE, None).status is Status.UNKNOWN


def test_without_a_rule_it_does_not_concern_the_pull() -> None:
    there = ImageInEcr(CACHED, repository_exists=True, exists=True)
    for known, found in (
        (Caching(None), NO_IMAGE),
        (Caching(None, "denied"), there),
        (Caching(None, "denied"), None),
    ):
        with pytest.raises(NotApplicable):
            pull_through_cache_is_ready.fn(known, found, None, None)


def test_rules_that_could_not_be_read_matter_for_what_is_missing() -> None:
    it = pull_through_cache_is_ready.fn(
        Caching(None, "AWS denies ecr:DescribePullThroughCacheRules"), NO_IMAGE, None, None
    )
    assert it.status is Status.UNKNOWN
    assert "ecr:DescribePullThroughCacheRules" in it.summary


@pytest.mark.parametrize(
    ("prefixes", "path", "found"),
    [
        (["hub"], "hub/library/nginx", "hub"),
        (["hub"], "hub", None),
        (["hub"], "hubble/nginx", None),
        (["hub", "hub/library"], "hub/library/nginx", "hub/library"),
        (["ROOT", "hub"], "hub/nginx", "hub"),
        (["ROOT", "hub"], "nginx", "ROOT"),
        ([], "hub/nginx", None),
    ],
)
def test_the_nearest_rule_covers_a_repository(prefixes: list[str], path: str, found: str | None) -> None:
    rules = CacheRules(tuple(CacheRule(one, "x", "") for one in prefixes))
    rule = caching.fn(EcrAddress(ACCOUNT, "us-west-2", "aws", path), rules).rule
    assert (rule.prefix if rule else None) == found


def test_what_a_cache_may_fetch_is_not_said_to_be_missing() -> None:
    Caching(None).refuse_missing("1.2.1")
    with pytest.raises(NotApplicable, match="not cached yet"):
        Caching(HUB).refuse_missing("1.2.1")
    with pytest.raises(Unavailable, match="AWS denies it"):
        Caching(None, "AWS denies it").refuse_missing("1.2.1")


async def rules(aws: Account) -> CacheRules:
    found: CacheRules = await aws.run(cache_rules.fn(REGISTRY, aws))
    return found


async def test_rules_are_read_as_ecr_gives_them() -> None:
    one: dict[str, Any] = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}
    aws = Account(
        {"describe_pull_through_cache_rules": {"pullThroughCacheRules": [{**one, "credentialArn": SECRET}]}}
    )
    assert await rules(aws) == CacheRules((CacheRule("hub", "registry-1.docker.io", SECRET),))
    aws.denied.add("describe_pull_through_cache_rules")
    assert await rules(aws) == CacheRules((), "AWS denies describe_pull_through_cache_rules")
    assert await rules(Account()) == CacheRules(())


async def test_the_secret_is_looked_at_and_never_read() -> None:
    known = Caching(CacheRule("hub", "x", SECRET))
    leaving = {"DeletedDate": datetime(2026, 12, 1, tzinfo=UTC)}
    for answer, wanted in (
        ({"Name": "hub"}, UpstreamSecret(SECRET, exists=True)),
        (leaving, UpstreamSecret(SECRET, exists=True, deleted="2026-12-01 00:00:00+00:00")),
        (NotFound("ResourceNotFoundException"), UpstreamSecret(SECRET, exists=False)),
    ):
        aws = Account({"describe_secret": answer})
        assert await aws.run(upstream_secret.fn(known, REGISTRY, aws)) == wanted
        assert aws.asked == ["describe_secret"]
    with pytest.raises(NotApplicable):
        await upstream_secret.fn(Caching(HUB), REGISTRY, Account())
