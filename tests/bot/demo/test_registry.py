"""The simulated ECR decides as ECR would, from what AWS holds; and the story of the demo on top of it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from bot.demo.aws_world import ACCOUNT, PULL_POLICY, World, client, deny_pull, push
from bot.demo.cluster import simulated_cluster
from bot.demo.kubelet import NotPulled, Pace, Pulled
from bot.demo.registry import Registry
from bot.demo.shapes import is_ready
from bot.demo.story import begin
from tests.bot.demo.rig import until

OWNER = "444455556666"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


@pytest.fixture
def world(moto_url: str) -> World:
    """Just what a registry looks at, under names of its own: the AWS is not emptied in between."""
    region, own = "us-west-2", uuid.uuid4().hex[:8]
    role, repository = f"node-{own}", f"app-{own}"
    iam = client(moto_url, "iam", region)
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=PULL_POLICY)
    iam.create_instance_profile(InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    repository_arn, uri = push(moto_url, region, repository, "1.2.1")
    return World(
        endpoint=moto_url,
        region=region,
        cluster=own,
        nodegroup="default",
        role_name=role,
        role_arn=arn,
        profile_name=role,
        instance_id=f"i-0{own}",
        provider_id=f"aws:///{region}a/i-0{own}",
        subnet_id="",
        repository=repository,
        repository_arn=repository_arn,
        repository_uri=uri,
        image=f"{uri}:1.2.1",
    )


def failure(image: str, why: str) -> NotPulled:
    return NotPulled(
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {why}'
    )


def forbidden(world: World) -> NotPulled:
    host, _, rest = world.image.partition("/")
    name, _, tag = rest.partition(":")
    url = f"https://{host}/v2/{name}/manifests/{tag}"
    return failure(world.image, f"unexpected status from HEAD request to {url}: 403 Forbidden")


def state(world: World, *statements: dict[str, Any]) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    world.client("ecr").set_repository_policy(repositoryName=world.repository, policyText=policy)


async def test_a_role_that_may_pull_is_given_the_image(world: World) -> None:
    answer = await Registry(world).pull(world.image)
    assert isinstance(answer, Pulled)
    assert answer.image_id.startswith(f"{world.repository_uri}@sha256:")
    assert answer == await Registry(world).pull(answer.image_id)


async def test_a_repository_that_denies_the_role_answers_403_until_it_no_longer_does(world: World) -> None:
    registry = Registry(world)
    deny_pull(world)
    assert await registry.pull(world.image) == forbidden(world)
    world.client("ecr").delete_repository_policy(repositoryName=world.repository)
    assert isinstance(await registry.pull(world.image), Pulled)


@pytest.mark.parametrize(
    ("statement", "gets_through"),
    [
        ({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}, False),
        ({"Effect": "Deny", "Principal": {"AWS": [ACCOUNT]}, "Action": PULL}, False),
        ({"Effect": "Deny", "Principal": "*", "NotAction": "ecr:Describe*"}, False),
        ({"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"}, True),
        (
            {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, "Action": "ecr:*"},
            True,
        ),
    ],
)
async def test_only_a_deny_of_the_pull_to_the_role_keeps_it_out(
    world: World, statement: dict[str, Any], gets_through: bool
) -> None:
    state(world, statement)
    assert isinstance(await Registry(world).pull(world.image), Pulled) is gets_through


async def test_a_deny_of_the_layers_lets_the_manifest_through(world: World) -> None:
    state(world, {"Effect": "Deny", "Principal": "*", "Action": "ecr:GetDownloadUrlForLayer"})
    answer = await Registry(world).pull(world.image)
    assert isinstance(answer, NotPulled)
    assert "failed to copy: httpReadSeeker: failed open: unexpected status from GET request" in answer.cause


async def test_a_role_without_any_right_has_no_credentials(world: World) -> None:
    iam = world.client("iam")
    iam.detach_role_policy(RoleName=world.role_name, PolicyArn=PULL_POLICY)
    answer = await Registry(world).pull(world.image)
    assert answer == failure(
        world.image,
        "pull access denied, repository does not exist or may require authorization: "
        "authorization failed: no basic auth credentials",
    )
    iam.put_role_policy(RoleName=world.role_name, PolicyName="pull", PolicyDocument=_allow("ecr:*"))
    assert isinstance(await Registry(world).pull(world.image), Pulled)


async def test_a_role_that_is_denied_the_token_has_no_credentials(world: World) -> None:
    statement = {"Effect": "Deny", "Action": "ecr:GetAuth*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    world.client("iam").put_role_policy(RoleName=world.role_name, PolicyName="no", PolicyDocument=policy)
    answer = await Registry(world).pull(world.image)
    assert isinstance(answer, NotPulled)
    assert answer.cause.endswith("no basic auth credentials")


async def test_a_deny_under_a_condition_denies_here(world: World) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "shop"}}
    state(world, {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": condition})
    assert await Registry(world).pull(world.image) == forbidden(world)


async def test_a_node_whose_profile_holds_no_role_has_no_credentials(world: World) -> None:
    world.client("iam").remove_role_from_instance_profile(
        InstanceProfileName=world.profile_name, RoleName=world.role_name
    )
    answer = await Registry(world).pull(world.image)
    assert isinstance(answer, NotPulled)
    assert answer.cause.endswith("no basic auth credentials")


async def test_a_token_alone_is_no_right_to_pull_unless_the_repository_gives_it(world: World) -> None:
    iam = world.client("iam")
    iam.detach_role_policy(RoleName=world.role_name, PolicyArn=PULL_POLICY)
    token = _allow("ecr:GetAuthorizationToken")
    iam.put_role_policy(RoleName=world.role_name, PolicyName="token", PolicyDocument=token)
    assert await Registry(world).pull(world.image) == forbidden(world)
    state(world, {"Effect": "Allow", "Principal": {"AWS": world.role_arn}, "Action": PULL})
    assert isinstance(await Registry(world).pull(world.image), Pulled)


async def test_across_accounts_both_sides_must_allow_it(world: World) -> None:
    name = f"shared-{world.repository}"
    _, uri = push(world.endpoint, world.region, name, "1", account=OWNER)
    answer = await Registry(world).pull(f"{uri}:1")
    assert isinstance(answer, NotPulled)
    assert answer.cause.endswith("403 Forbidden")
    statement = {"Effect": "Allow", "Principal": {"AWS": world.role_arn}, "Action": PULL}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("ecr", OWNER).set_repository_policy(repositoryName=name, policyText=policy)
    assert isinstance(await Registry(world).pull(f"{uri}:1"), Pulled)


@pytest.mark.parametrize("rest", ["app:none", "none:1"])
async def test_what_is_not_there_is_not_found(world: World, rest: str) -> None:
    image = f"{world.repository_uri.partition('/')[0]}/{rest}"
    missing = failure(image, f"{image}: not found")
    assert await Registry(world).pull(image) == NotPulled(
        f"rpc error: code = NotFound desc = {missing.cause}"
    )


async def test_there_is_no_internet_around_the_simulated_node(world: World) -> None:
    answer = await Registry(world).pull("ghcr.io/acme/app:1")
    assert isinstance(answer, NotPulled)
    assert answer.cause.endswith("lookup ghcr.io on 10.0.0.2:53: no such host")


async def test_the_story_begins_with_two_that_fail_and_one_recovers_by_a_fix(aws_url: str) -> None:
    story = begin(aws_url)
    async with simulated_cluster(story, pace=Pace(0.01, 0.02, 0.05)) as cluster:

        def ready(name: str) -> bool:
            return [is_ready(one) for one in cluster.pods(name)] == [True]

        def cause(name: str) -> str:
            for one in cluster.pods(name):
                [status] = one["status"].get("containerStatuses") or [{"state": {}}]
                return str(status["state"].get("waiting", {}).get("message", ""))
            return ""

        await until(cluster.api.objects, lambda: ready("catalog"))
        await until(cluster.api.objects, lambda: cause("ui-private").endswith("403 Forbidden"))
        await until(cluster.api.objects, lambda: cause("checkout").endswith("1.2.2: not found"))
        node = cluster.api.objects.trees("nodes")[0]
        assert node["spec"]["providerID"] == story.world.provider_id
        assert node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"] == story.world.nodegroup
        story.world.client("ecr").delete_repository_policy(repositoryName=story.world.repository)
        await until(cluster.api.objects, lambda: ready("ui-private"))
        assert cause("checkout").endswith("1.2.2: not found")


def _allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
