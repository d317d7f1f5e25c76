"""Steps on real services and on a small API server: look, write, put back; and what a person would type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.clouds._aws import AwsHands, Roles
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import ACCOUNT, client, push
from checks.aws.facts import EcrAddress
from checks.kubernetes.pod_template import RESTARTED_AT
from checks.model import NotFound
from handlers.remedies.aws.steps import AttachRolePolicy, SetRepositoryPolicy, same_policy
from handlers.remedies.kubernetes.steps import JSON_PATCH, RestartWorkload
from handlers.remedy import Conflict, Plan, Standing

REGION = "us-west-2"
APP = EcrAddress(ACCOUNT, REGION, "aws", "app")
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
BEFORE = """{
   "Version": "2012-10-17", "Statement": [{"Sid": "it's \\"mine\\"", "Effect": "Deny",
   "Principal": {"AWS": "arn:aws:iam::123456789012:role/x"}, "Action": ["ecr:PutImage", "ecr:BatchGetImage"]}]
}"""
AFTER = BEFORE.replace(', "ecr:BatchGetImage"', "")


@pytest.fixture
def hands(aws_url: str) -> Iterator[AwsHands]:
    push(aws_url, REGION, "app", "1")
    writer = AwsHands(Sessions(), Roles())
    yield writer
    writer.close()


def stored(aws_url: str) -> str | None:
    ecr = client(aws_url, "ecr", REGION)
    try:
        return str(ecr.get_repository_policy(repositoryName="app")["policyText"])
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        return None


def put(aws_url: str, policy: str) -> None:
    client(aws_url, "ecr", REGION).set_repository_policy(repositoryName="app", policyText=policy)


@pytest.mark.parametrize(("before", "after"), [(BEFORE, AFTER), (BEFORE, None), (None, AFTER)])
async def test_a_policy_is_set_and_put_back_byte_for_byte(
    before: str | None, after: str | None, hands: AwsHands, aws_url: str
) -> None:
    if before is not None:
        put(aws_url, before)
    step = SetRepositoryPolicy(APP, before, after)
    assert await step.look(hands) is Standing.BEFORE
    done = await step.write(hands)
    assert await step.look(hands) is Standing.AFTER
    assert stored(aws_url) == after
    back = done.inverse()
    assert await back.look(hands) is Standing.BEFORE
    await back.write(hands)
    assert stored(aws_url) == before


async def test_a_policy_that_somebody_else_changed_is_elsewhere(hands: AwsHands, aws_url: str) -> None:
    put(aws_url, BEFORE.replace("role/x", "role/y"))
    assert await SetRepositoryPolicy(APP, BEFORE, AFTER).look(hands) is Standing.ELSEWHERE


async def test_another_layout_of_the_same_policy_is_the_same(hands: AwsHands, aws_url: str) -> None:
    put(aws_url, json.dumps(json.loads(BEFORE)))
    assert await SetRepositoryPolicy(APP, BEFORE, AFTER).look(hands) is Standing.BEFORE


async def test_a_repository_that_is_gone_is_a_conflict(hands: AwsHands) -> None:
    gone = SetRepositoryPolicy(EcrAddress(ACCOUNT, REGION, "aws", "gone"), None, AFTER)
    with pytest.raises(Conflict, match="gone"):
        await gone.look(hands)
    with pytest.raises(Conflict, match="gone"):
        await gone.write(hands)


def test_what_a_person_would_type_survives_any_shell() -> None:
    [command] = SetRepositoryPolicy(APP, None, BEFORE).commands()
    words = shlex.split(command)
    assert words[:3] == ["aws", "ecr", "set-repository-policy"]
    assert words[words.index("--policy-text") + 1] == BEFORE
    assert "--force" not in words
    [command] = SetRepositoryPolicy(APP, BEFORE, None).commands()
    assert shlex.split(command)[2] == "delete-repository-policy"


def test_policies_are_compared_by_meaning() -> None:
    one = '{"Statement": [{"Action": ["a", "b"], "Principal": {"AWS": ["x"]}}]}'
    assert same_policy(one, '{"Statement": {"Principal": {"AWS": "x"}, "Action": ["b", "a"]}}')
    assert not same_policy(one, one.replace('"b"', '"c"'))
    assert not same_policy(one, None)
    assert same_policy(None, None)
    assert not same_policy("no json", one)


async def test_a_policy_is_attached_and_detached(hands: AwsHands, aws_url: str) -> None:
    iam = client(aws_url, "iam", REGION)
    iam.create_role(RoleName="r", Path="/team/", AssumeRolePolicyDocument="{}")
    step = AttachRolePolicy(f"arn:aws:iam::{ACCOUNT}:role/team/r", PULL_ONLY, REGION)
    assert await step.look(hands) is Standing.BEFORE
    await step.write(hands)
    assert await step.look(hands) is Standing.AFTER
    back = step.inverse()
    assert await back.look(hands) is Standing.BEFORE
    await back.write(hands)
    assert await back.look(hands) is Standing.AFTER
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == []
    assert step.commands() == (f"aws iam attach-role-policy --role-name r --policy-arn {PULL_ONLY}",)
    assert back.inverse() == step


@pytest.mark.parametrize("role", ["r", "other/r"])
async def test_a_role_of_the_same_name_elsewhere_is_a_conflict(
    role: str, hands: AwsHands, aws_url: str
) -> None:
    """Credentials for another account; or somebody made the role again, in another path."""
    client(aws_url, "iam", REGION).create_role(RoleName="r", Path="/team/", AssumeRolePolicyDocument="{}")
    account = "999999999999" if role == "r" else ACCOUNT
    step = AttachRolePolicy(f"arn:aws:iam::{account}:role/{role}", PULL_ONLY, REGION)
    for one in (step, step.inverse()):
        with pytest.raises(Conflict, match=f"look at arn:aws:iam::{ACCOUNT}:role/team/r"):
            await one.look(hands)
        with pytest.raises(Conflict, match=r"set aws\.write_role"):
            await one.write(hands)
    attached = client(aws_url, "iam", REGION).list_attached_role_policies(RoleName="r")
    assert attached["AttachedPolicies"] == []


async def test_a_role_that_is_gone_is_a_conflict(hands: AwsHands) -> None:
    with pytest.raises(Conflict, match="role/gone"):
        await AttachRolePolicy(f"arn:aws:iam::{ACCOUNT}:role/gone", PULL_ONLY, REGION).look(hands)


@dataclass
class Cluster:
    """The port ``KubeWriter`` on one Deployment; applies the patches that these steps make."""

    annotations: dict[str, str] | None = None
    version: str = "7"
    gone: bool = False
    patches: list[tuple[str, str]] = field(default_factory=list)

    async def get(self, path: str) -> Mapping[str, Any]:
        if self.gone:
            raise NotFound("NotFound")
        metadata = {} if self.annotations is None else {"annotations": self.annotations}
        return {
            "metadata": {"resourceVersion": self.version},
            "spec": {"template": {"metadata": metadata}},
        }

    async def patch(
        self, path: str, body: Sequence[Mapping[str, Any]], content_type: str
    ) -> Mapping[str, Any]:
        test, add = body
        if test["value"] != self.version:
            raise Conflict("the object has been modified")
        where = "/spec/template/metadata/annotations"
        if add["path"] == where:
            assert self.annotations is None  # else others' annotations would be lost
            self.annotations = dict(add["value"])
        else:
            assert add["path"] == f"{where}/kubectl.kubernetes.io~1restartedAt"
            assert self.annotations is not None  # else the API server answers 422
            self.annotations[RESTARTED_AT] = add["value"]
        self.patches.append((path, content_type))
        return await self.get(path)


def restart(before: str = "") -> RestartWorkload:
    path = "/apis/apps/v1/namespaces/shop/deployments/ui"
    return RestartWorkload(path, "shop", "deployment", "ui", before, "2026-01-01T03:00:00Z")


@pytest.mark.parametrize("annotations", [None, {}, {"team": "a"}])
async def test_a_restart_is_one_annotation_more(annotations: dict[str, str] | None) -> None:
    cluster = Cluster(annotations)
    assert await restart().look(cluster) is Standing.BEFORE
    await restart().write(cluster)
    assert await restart().look(cluster) is Standing.AFTER
    assert cluster.annotations == {**(annotations or {}), RESTARTED_AT: "2026-01-01T03:00:00Z"}
    assert cluster.patches == [(restart().path, JSON_PATCH)]


async def test_a_restart_by_somebody_else_is_noticed() -> None:
    cluster = Cluster({RESTARTED_AT: "2026-01-01T02:00:00Z"})
    assert await restart().look(cluster) is Standing.ELSEWHERE
    with pytest.raises(Conflict, match="somebody else"):
        await restart().write(cluster)
    assert cluster.patches == []


async def test_a_workload_that_is_gone_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="gone"):
        await restart().look(Cluster(gone=True))


def test_a_restart_has_no_way_back_and_is_what_kubectl_does() -> None:
    assert not Plan((restart(),)).reversible
    assert restart().commands() == ("kubectl rollout restart deployment/ui -n shop",)
    assert "2026-01-01T03:00:00Z" in restart().diff().after
