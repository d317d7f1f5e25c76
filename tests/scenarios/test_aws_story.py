"""From a node that cannot pull from ECR to a fix that is proven and can be put back.

Everything is real but the cloud's size: facts, checks and remedies, boto3, and a server that answers as
AWS does, with a door before it that can deny.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot import permissions
from bot.clouds._aws import AwsHands, AwsReader, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import ACCOUNT, World, client, deny_pull, push, seed
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Status, Symptom, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import Plan, Standing, load_remedies
from tests.fakes.aws_front import Front, allowed, serve
from tests.fakes.eks import failed_pull, roots_of

OWNER = "444455556666"
ROLE_CHECK = "aws/role_can_pull"
POLICY_CHECK = "aws/repository_policy_allows_pull"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"


@dataclass
class Story:
    world: World
    front: Front
    aws: AwsReader
    hands: AwsHands
    failure: FailedPull

    @property
    def roots(self) -> dict[Any, object]:
        return roots_of(self.world, self.aws)

    def fails(self, message: str, symptom: Symptom, image: str = "") -> None:
        self.failure = replace(
            self.failure, message=message, symptom=symptom, image=image or self.failure.image
        )

    async def look(self) -> dict[str, Finding]:
        found = diagnose(Catalog.load(), [self.failure], self.roots, Memo())
        return {one.check: one async for one in found}

    async def offers(self, findings: Mapping[str, Finding]) -> dict[str, Offer]:
        offers = await offers_for(
            [self.failure],
            findings.values(),
            catalog=Catalog.load(),
            remedies=load_remedies(),
            roots=self.roots,
            memo=Memo(),
        )
        return {f"{one.remedy} {one.plan.choice if one.plan else ''}".strip(): one for one in offers}

    async def carry_out(self, plan: Plan) -> Plan:
        """Do it; gives the plan that puts everything back."""
        [step] = plan.steps
        assert await step.look(self.hands) is Standing.BEFORE
        done = await step.write(self.hands)
        assert await step.look(self.hands) is Standing.AFTER
        back = done.inverse()
        assert back is not None
        return Plan((back,))


@pytest.fixture
def story(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    world = seed(aws_url)
    with serve(aws_url) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        roles = Roles(owners={OWNER: f"arn:aws:iam::{OWNER}:role/pullbot"})
        aws, hands = AwsReader(Sessions(), roles), AwsHands(Sessions(), roles)
        failure = failed_pull(world, Symptom.FORBIDDEN, forbidden(world.image))
        yield Story(world, front, aws, hands, failure)
        aws.close()
        hands.close()


def forbidden(image: str) -> str:
    host, _, rest = image.partition("/")
    name, _, tag = rest.partition(":")
    return (
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unexpected '
        f"status from HEAD request to https://{host}/v2/{name}/manifests/{tag}: 403 Forbidden"
    )


def stored(story: Story, repository: str = "app", account: str = ACCOUNT) -> str | None:
    ecr = client(story.world.endpoint, "ecr", story.world.region, account)
    try:
        return str(ecr.get_repository_policy(repositoryName=repository)["policyText"])
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        return None


def writes(story: Story) -> list[str]:
    quiet = ("Describe", "Get", "List", "Assume")
    return [one for one in story.front.asked if not one.partition(":")[2].startswith(quiet)]


def planned(offers: Mapping[str, Offer]) -> set[str]:
    return {name for name, offer in offers.items() if offer.plan is not None}


async def test_a_healthy_node_is_accused_of_nothing(story: Story) -> None:
    findings = await story.look()
    assert set(story.front.asked) <= allowed(permissions.aws_reads())
    assert writes(story) == []
    assert {one.verdict.status for one in findings.values()} == {Status.PASS}
    assert {ROLE_CHECK, POLICY_CHECK, "registry/tag_exists", "aws/instance_has_role"} <= set(findings)


async def test_a_role_without_a_pull_policy(story: Story) -> None:
    iam = story.world.client("iam")
    iam.detach_role_policy(RoleName="eks-node", PolicyArn=READ_ONLY)
    story.fails("pull access denied: authorization failed: no basic auth credentials", Symptom.UNAUTHORIZED)
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [ROLE_CHECK]
    evidence = dict(findings[ROLE_CHECK].verdict.evidence)
    assert evidence["Missing actions"] == (
        "ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
    )
    offers = await story.offers(findings)
    assert planned(offers) == {
        "aws/attach_pull_policy AmazonEC2ContainerRegistryReadOnly",
        "aws/attach_pull_policy AmazonEC2ContainerRegistryPullOnly",
    }
    plan = next(iter(offers.values())).plan
    assert plan is not None
    assert plan.choice == "AmazonEC2ContainerRegistryReadOnly"
    back = await story.carry_out(plan)
    assert (await story.look())[ROLE_CHECK].verdict.status is Status.PASS
    await story.carry_out(back)
    assert (await story.look())[ROLE_CHECK].verdict.status is Status.FAIL
    may = allowed(permissions.aws_reads(), permissions.aws_writes(["aws/attach_pull_policy"]))
    assert set(story.front.asked) <= may


async def test_a_deny_in_the_repository_beats_the_managed_policy(story: Story) -> None:
    before = deny_pull(story.world)
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [POLICY_CHECK]
    evidence = dict(findings[POLICY_CHECK].verdict.evidence)
    assert evidence["Statement"] == "new policy"
    assert evidence["Principal"] == story.world.role_arn
    assert findings[ROLE_CHECK].verdict.status is Status.PASS
    offers = await story.offers(findings)
    assert planned(offers) == {"aws/lift_repository_deny"}
    plan = offers["aws/lift_repository_deny"].plan
    assert plan is not None
    assert "may be intentional" in plan.caution
    back = await story.carry_out(plan)
    [statement] = json.loads(stored(story) or "")["Statement"]
    assert statement["Effect"] == "Deny"
    assert set(statement["Action"]) == {
        "ecr:BatchDeleteImage",
        "ecr:CompleteLayerUpload",
        "ecr:DeleteRepository",
        "ecr:DeleteRepositoryPolicy",
        "ecr:DescribeRepositories",
        "ecr:GetRepositoryPolicy",
        "ecr:InitiateLayerUpload",
        "ecr:ListImages",
        "ecr:PutImage",
        "ecr:SetRepositoryPolicy",
        "ecr:UploadLayerPart",
    }
    assert (await story.look())[POLICY_CHECK].verdict.status is Status.PASS
    await story.carry_out(back)
    assert stored(story) == before
    may = allowed(permissions.aws_reads(), permissions.aws_writes(["aws/lift_repository_deny"]))
    assert set(story.front.asked) <= may


async def test_another_accounts_repository_that_does_not_let_us_in(story: Story, aws_url: str) -> None:
    arn, uri = push(aws_url, story.world.region, "shared", "1", account=OWNER)
    story.front.closed.add(OWNER)
    story.fails(forbidden(f"{uri}:1"), Symptom.FORBIDDEN, f"{uri}:1")
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [POLICY_CHECK]
    assert findings[POLICY_CHECK].verdict.about == arn
    assert findings[ROLE_CHECK].verdict.status is Status.PASS
    offers = await story.offers(findings)
    assert planned(offers) == {"aws/allow_role_in_repository_policy"}
    plan = offers["aws/allow_role_in_repository_policy"].plan
    assert plan is not None
    back = await story.carry_out(plan)
    [statement] = json.loads(stored(story, "shared", OWNER) or "")["Statement"]
    assert statement["Principal"] == {"AWS": story.world.role_arn}
    assert (await story.look())[POLICY_CHECK].verdict.status is Status.PASS
    await story.carry_out(back)
    assert stored(story, "shared", OWNER) is None


async def test_another_accounts_repository_that_we_may_not_look_at(story: Story, aws_url: str) -> None:
    _, uri = push(aws_url, story.world.region, "shared", "1", account=OWNER)
    story.front.closed.add(OWNER)
    story.front.denied.add("sts:AssumeRole")
    story.fails(forbidden(f"{uri}:1"), Symptom.FORBIDDEN, f"{uri}:1")
    findings = await story.look()
    assert causes(tuple(findings.values())) == ()
    assert findings[POLICY_CHECK].verdict.status is Status.UNKNOWN
    assert findings["registry/tag_exists"].verdict.status is Status.UNKNOWN
    assert findings[ROLE_CHECK].verdict.status is Status.PASS
    offers = await story.offers(findings)
    assert planned(offers) == set()
    told = offers["aws/allow_role_in_repository_policy"].refused
    assert story.world.role_arn in told
    assert '"Effect": "Allow"' in told
    assert writes(story) == []


async def test_the_registrys_words_convict_a_policy_that_we_may_not_look_at(
    story: Story, aws_url: str
) -> None:
    arn, uri = push(aws_url, story.world.region, "shared", "1", account=OWNER)
    story.front.closed.add(OWNER)
    story.front.denied.add("sts:AssumeRole")
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/{story.world.instance_id}"
    story.fails(
        f"denied: User: {who} is not authorized to perform: ecr:BatchGetImage on resource: {arn} because no "
        "resource-based policy allows the ecr:BatchGetImage action",
        Symptom.FORBIDDEN,
        f"{uri}:1",
    )
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == [POLICY_CHECK]
    assert planned(await story.offers(findings)) == set()


async def test_a_tag_that_was_never_pushed(story: Story) -> None:
    image = story.world.image.replace("1.2.1", "1.2.2")
    story.fails(f"{image}: not found", Symptom.TAG_NOT_FOUND, image)
    findings = await story.look()
    assert [one.check for one in causes(tuple(findings.values()))] == ["registry/tag_exists"]
    assert "there is 1.2.1" in findings["registry/tag_exists"].verdict.summary
    assert {name for name in planned(await story.offers(findings)) if name.startswith("aws/")} == set()


async def test_a_role_whose_policies_we_may_not_read(story: Story) -> None:
    story.front.denied.add("iam:*")
    findings = await story.look()
    assert causes(tuple(findings.values())) == ()
    role = findings[ROLE_CHECK].verdict
    assert role.status is Status.UNKNOWN
    for action in ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"):
        assert action in role.summary
    assert findings[POLICY_CHECK].verdict.status is Status.PASS
    assert planned(await story.offers(findings)) == set()
    assert writes(story) == []


async def test_an_instance_profile_where_a_role_belongs(story: Story, aws_url: str) -> None:
    _, uri = push(aws_url, story.world.region, "shared", "1", account=OWNER)
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node"
    allow = {
        "Sid": "nodes",
        "Effect": "Allow",
        "Principal": {"AWS": profile},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    before = json.dumps({"Version": "2012-10-17", "Statement": [allow]}, indent=4)
    owner = client(aws_url, "ecr", story.world.region, OWNER)
    owner.set_repository_policy(repositoryName="shared", policyText=before)
    story.fails(forbidden(f"{uri}:1"), Symptom.FORBIDDEN, f"{uri}:1")
    findings = await story.look()
    named = findings["aws/repository_policy_names_roles"].verdict
    assert named.status is Status.FAIL
    assert dict(named.evidence)["Principal in the policy"] == profile
    plan = (await story.offers(findings))["aws/allow_role_in_repository_policy"].plan
    assert plan is not None
    back = await story.carry_out(plan)
    [statement] = json.loads(stored(story, "shared", OWNER) or "")["Statement"]
    assert statement == {**allow, "Principal": {"AWS": story.world.role_arn}}
    assert (await story.look())["aws/repository_policy_names_roles"].verdict.status is Status.PASS
    await story.carry_out(back)
    assert stored(story, "shared", OWNER) == before
