"""Pulls that fail for who pulls on Fargate, and for what a registry says of all its repositories.

Everything is real but the cloud's size, as in the other stories; what moto does not know (archives, caches,
registry policies for pulls) the door before it answers as AWS documents it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from bot import permissions
from bot.clouds._aws import AwsHands, AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import ACCOUNT, World, seed
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.image.symptom import classify
from checks.model import FailedPull, Finding, Status, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import Standing, load_remedies
from tests.fakes.aws_front import Front, allowed, serve
from tests.fakes.eks import Nodes, failed_pull, node_of, roots_of

TRUST_CHECK = "aws/fargate_role_is_trusted"
ROLE_CHECK = "aws/role_can_pull"
CACHE_CHECK = "aws/pull_through_cache_is_ready"
REGISTRY_CHECK = "aws/registry_policy_allows_pull"
FARGATE_POLICY = "arn:aws:iam::aws:policy/AmazonEKSFargatePodExecutionRolePolicy"
TRUSTED = {
    "Effect": "Allow",
    "Principal": {"Service": "eks-fargate-pods.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/*"}},
}
LEFT_OVER = {
    **TRUSTED,
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:eks:example-region:111122223333:fargateprofile/x/*"}},
}


@dataclass
class Story:
    world: World
    front: Front
    aws: AwsReader
    hands: AwsHands
    kube: Nodes
    failure: FailedPull

    def fails(self, message: str, image: str = "") -> None:
        said = classify(message)
        self.failure = replace(
            self.failure, message=message, symptom=said.symptom, image=image or self.failure.image
        )

    async def look(self) -> tuple[dict[str, Finding], dict[str, Offer]]:
        catalog, memo = Catalog.load(), Memo()
        roots = roots_of(self.world, self.aws, self.kube)
        found = {one.check: one async for one in diagnose(catalog, [self.failure], roots, memo)}
        offers = await offers_for(
            [self.failure],
            found.values(),
            catalog=catalog,
            remedies=load_remedies(),
            roots=roots,
            memo=memo,
        )
        return found, {one.remedy: one for one in offers}

    async def carry_out(self, offer: Offer) -> None:
        assert offer.plan is not None
        [step] = offer.plan.steps
        assert await step.look(self.hands) is Standing.BEFORE
        await step.write(self.hands)
        assert await step.look(self.hands) is Standing.AFTER


def root_causes(findings: Mapping[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(findings.values()))]


def planned(offers: Mapping[str, Offer]) -> set[str]:
    return {name for name, offer in offers.items() if offer.plan is not None and name.startswith("aws/")}


Look = tuple[dict[str, Finding], dict[str, Offer]]


async def only_unknown_without(action: str, story: Story, seen: Look) -> set[str]:
    """Deny one read; gives what became unknown since ``seen``.

    Nothing else may change, and nothing new may be planned.
    """
    before, offered = seen
    story.front.denied.add(action)
    after, then_offered = await story.look()
    story.front.denied.remove(action)
    changed = {
        name
        for name in before.keys() | after.keys()
        if name not in before
        or name not in after
        or before[name].verdict.status is not after[name].verdict.status
    }
    for name in changed & after.keys():
        verdict = after[name].verdict
        assert verdict.status is Status.UNKNOWN, f"{name} without {action}: {verdict.summary}"
        assert action in verdict.summary, f"{name} does not name {action}: {verdict.summary}"
    assert changed <= after.keys(), f"{changed - after.keys()} are silent without {action}"
    assert planned(then_offered) <= planned(offered)
    return changed


@pytest.fixture
def story(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    world = seed(aws_url)
    with serve(aws_url) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        aws, hands = AwsReader(Sessions(), Roles()), AwsHands(Sessions(), Roles())
        failure = failed_pull(world, classify("").symptom)
        yield Story(world, front, aws, hands, node_of(world), failure)
        aws.close()
        hands.close()


@pytest.fixture
def on_fargate(story: Story) -> Story:
    """A pod on Fargate, healthy but for its message; the node's role beside it could pull as well."""
    world = story.world
    iam, ec2 = world.client("iam"), world.client("ec2")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUSTED]})
    role = iam.create_role(RoleName="fargate", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="fargate", PolicyArn=FARGATE_POLICY)
    world.client("eks").create_fargate_profile(
        fargateProfileName="fp",
        clusterName=world.cluster,
        podExecutionRoleArn=role,
        subnets=[world.subnet_id],
        selectors=[{"namespace": "default"}],
    )
    made = ec2.create_network_interface(SubnetId=world.subnet_id)["NetworkInterface"]
    name = f"fargate-ip-{made['PrivateIpAddress'].replace('.', '-')}"
    provider_id = f"aws:///us-west-2a/0123456789-abcdef/{name}.us-west-2.compute.internal"
    story.kube = Nodes(**{name: (provider_id, {"eks.amazonaws.com/compute-type": "fargate"})})
    story.failure = replace(story.failure, nodes=(name,), host_kind="fargate/fp")
    story.fails(unauthorized(world.image))
    return story


def unauthorized(image: str) -> str:
    host = image.partition("/")[0]
    return (
        f'failed to resolve reference "{image}": pulling from host {host} failed with status code '
        "[manifests latest]: 401 Unauthorized"
    )


def missing(image: str) -> str:
    return f'failed to resolve reference "{image}": {image}: not found'


async def test_a_healthy_fargate_pod_is_accused_of_nothing(on_fargate: Story) -> None:
    findings, offers = await on_fargate.look()
    assert {one.verdict.status for one in findings.values()} == {Status.PASS}
    assert {TRUST_CHECK, ROLE_CHECK, "aws/subnet_routes_out"} <= set(findings)
    assert "aws/instance_has_role" not in findings
    assert planned(offers) == set()
    assert set(on_fargate.front.asked) <= allowed(permissions.aws_reads())


async def test_a_fargate_role_without_a_policy_gets_its_own_and_the_node_is_left_alone(
    on_fargate: Story,
) -> None:
    iam = on_fargate.world.client("iam")
    iam.detach_role_policy(RoleName="fargate", PolicyArn=FARGATE_POLICY)
    findings, offers = await on_fargate.look()
    assert root_causes(findings) == [ROLE_CHECK]
    assert dict(findings[ROLE_CHECK].verdict.evidence)["Principal"].endswith(":role/fargate")
    assert planned(offers) == {"aws/attach_fargate_policy"}
    assert "aws/attach_pull_policy" not in offers
    [step] = offers["aws/attach_fargate_policy"].plan.steps  # type: ignore[union-attr]  # it is planned
    assert step.commands() == (
        f"aws iam attach-role-policy --role-name fargate --policy-arn {FARGATE_POLICY}",
    )
    assert "eks-node" not in repr([one.verdict for one in findings.values()])
    await on_fargate.carry_out(offers["aws/attach_fargate_policy"])
    assert (await on_fargate.look())[0][ROLE_CHECK].verdict.status is Status.PASS
    may = allowed(permissions.aws_reads(), permissions.aws_writes(["aws/attach_fargate_policy"]))
    assert set(on_fargate.front.asked) <= may


async def test_a_fargate_role_that_trusts_an_example(on_fargate: Story) -> None:
    iam = on_fargate.world.client("iam")
    before = json.dumps({"Version": "2012-10-17", "Statement": [LEFT_OVER]})
    iam.update_assume_role_policy(RoleName="fargate", PolicyDocument=before)
    findings, offers = await on_fargate.look()
    assert root_causes(findings) == [TRUST_CHECK]
    assert "example-region" in findings[TRUST_CHECK].verdict.summary
    assert planned(offers) == {"aws/trust_fargate"}
    await on_fargate.carry_out(offers["aws/trust_fargate"])
    now = iam.get_role(RoleName="fargate")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert now == [LEFT_OVER, {"Sid": "PullbotTrustFargate", **TRUSTED}]
    assert (await on_fargate.look())[0][TRUST_CHECK].verdict.status is Status.PASS
    may = allowed(permissions.aws_reads(), permissions.aws_writes(["aws/trust_fargate"]))
    assert set(on_fargate.front.asked) <= may


async def test_an_add_on_on_fargate_is_judged_by_the_role_alone(on_fargate: Story) -> None:
    iam = on_fargate.world.client("iam")
    iam.detach_role_policy(RoleName="fargate", PolicyArn=FARGATE_POLICY)
    image = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.11"
    on_fargate.fails(unauthorized(image), image)
    findings, offers = await on_fargate.look()
    assert root_causes(findings) == [ROLE_CHECK]
    assert not {one for one in findings if "repository" in one or one.startswith("registry/")}
    assert planned(offers) == {"aws/attach_fargate_policy"}


async def test_what_may_not_be_read_on_fargate_is_unknown_and_nothing_else_changes(on_fargate: Story) -> None:
    seen = await on_fargate.look()
    for action, unknown in (
        ("eks:DescribeFargateProfile", {TRUST_CHECK, ROLE_CHECK, "aws/repository_policy_allows_pull"}),
        ("iam:GetRole", {TRUST_CHECK}),
        ("ec2:DescribeNetworkInterfaces", {"aws/subnet_routes_out", "aws/security_group_lets_out"}),
    ):
        assert await only_unknown_without(action, on_fargate, seen) >= unknown


async def test_an_archived_image(story: Story) -> None:
    story.fails(missing(story.world.image))
    archived = {"imageDigest": f"sha256:{'c' * 64}", "imageStatus": "ARCHIVED"}
    story.front.answers["ecr:DescribeImages"] = {"imageDetails": [archived]}
    findings, offers = seen = await story.look()
    assert root_causes(findings) == ["aws/image_is_active"]
    assert findings["registry/tag_exists"].verdict.status is Status.PASS
    assert planned(offers) == set()
    assert await only_unknown_without("ecr:DescribeImages", story, seen) >= {"aws/image_is_active"}


def cached(story: Story, secret: str = "") -> str:
    """An image under a cache's prefix that nobody has pulled yet."""
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}
    if secret:
        rule["credentialArn"] = secret
    story.front.answers["ecr:DescribePullThroughCacheRules"] = {"pullThroughCacheRules": [rule]}
    image = f"{story.world.image.partition('/')[0]}/hub/library/nginx:1.27"
    story.fails(missing(image), image)
    return image


async def test_a_cache_that_the_role_may_not_fill(story: Story) -> None:
    cached(story)
    findings, offers = seen = await story.look()
    assert root_causes(findings) == [CACHE_CHECK]
    evidence = dict(findings[CACHE_CHECK].verdict.evidence)
    assert evidence["Missing actions"] == "ecr:CreateRepository, ecr:BatchImportUpstreamImage"
    assert "registry/repository_exists" not in findings
    assert planned(offers) == set()
    for action in ("iam:ListRolePolicies", "ecr:GetRegistryPolicy"):
        assert CACHE_CHECK in await only_unknown_without(action, story, seen)


async def test_a_cache_whose_rules_may_not_be_read_makes_a_missing_repository_unknown(story: Story) -> None:
    cached(story)
    story.front.denied.add("ecr:DescribePullThroughCacheRules")
    findings, offers = await story.look()
    assert root_causes(findings) == []
    for name in (CACHE_CHECK, "registry/repository_exists"):
        assert findings[name].verdict.status is Status.UNKNOWN
        assert "ecr:DescribePullThroughCacheRules" in findings[name].verdict.summary
    assert planned(offers) == set()


async def test_a_cache_whose_secret_is_about_to_go(story: Story) -> None:
    secrets = story.world.client("secretsmanager")
    arn = secrets.create_secret(Name="ecr-pullthroughcache/hub", SecretString="{}")["ARN"]
    secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    cached(story, arn)
    iam = story.world.client("iam")
    fill = {"Effect": "Allow", "Action": ["ecr:CreateRepository", "ecr:BatchImport*"], "Resource": "*"}
    iam.put_role_policy(
        RoleName=story.world.role_name,
        PolicyName="fill",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [fill]}),
    )
    findings, _ = seen = await story.look()
    assert root_causes(findings) == [CACHE_CHECK]
    assert findings[CACHE_CHECK].verdict.about == arn
    assert await only_unknown_without("secretsmanager:DescribeSecret", story, seen) == {CACHE_CHECK}
    assert set(story.front.asked) <= allowed(permissions.aws_reads())


async def test_a_registry_policy_that_freezes_all_repositories(story: Story) -> None:
    freeze = {"Sid": "freeze", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [freeze]})
    story.front.answers["ecr:GetRegistryPolicy"] = {"registryId": ACCOUNT, "policyText": text}
    host, _, rest = story.world.image.partition("/")
    name, _, tag = rest.partition(":")
    story.fails(
        f"unexpected status from HEAD request to https://{host}/v2/{name}/manifests/{tag}: 403 Forbidden"
    )
    findings, offers = seen = await story.look()
    assert root_causes(findings) == [REGISTRY_CHECK]
    assert "freeze" in findings[REGISTRY_CHECK].verdict.summary
    assert planned(offers) == set()
    for action in ("ecr:GetRegistryPolicy", "ecr:GetAccountSetting"):
        assert await only_unknown_without(action, story, seen) == {REGISTRY_CHECK}
    story.front.answers["ecr:GetAccountSetting"] = {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"}
    assert root_causes((await story.look())[0]) == []
