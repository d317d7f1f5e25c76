"""What is learnt about node, role and repository, in how many rounds, and what a denied read leaves."""

from __future__ import annotations

from typing import Any

import pytest

from checks.aws.ecr import ImageInEcr, RepositoryPolicy, closest
from checks.aws.facts import Aws, EcrAddress
from checks.aws.identity import RolePolicies
from checks.aws.nodes import InstanceId, InstanceProfile, instance_id
from checks.aws.puller import Puller
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.model import FailedPull, NotApplicable, NotFound, Symptom, Unavailable
from checks.registry.facts import ImagePresence, RepositoryPresence
from checks.resolve import Resolver
from tests.fakes.aws_account import ACCOUNT, READ_ONLY, Account, healthy, instances

IMAGE = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/app:1.2.1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/team/other"
NODE = Host(
    "ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", (("eks.amazonaws.com/nodegroup", "default"),)
)
SELF_MANAGED = Host("ip-10-0-1-8", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())


def pull(image: str = IMAGE, message: str = "403 Forbidden") -> FailedPull:
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=("ip-10-0-1-7",),
        host_kind="nodegroup/default",
        image=image,
        symptom=Symptom.FORBIDDEN,
        message=message,
    )


async def learn(
    wanted: Any,
    aws: Account,
    *,
    node: Host = NODE,
    cloud_name: str = "demo",
    failure: FailedPull | None = None,
) -> Any:
    cluster = Cluster("demo", "eks", "us-west-2", cloud_name)
    roots = {FailedPull: failure or pull(), Aws: aws, Cluster: cluster, Host: node}
    return await aws.run(Resolver(Catalog.load(), roots, {}).get(wanted))


async def test_a_managed_nodes_policies_take_four_rounds() -> None:
    """Instance and node group; profile and role; the policy; its version. Pods and node come before."""
    aws = healthy()
    found: RolePolicies = await learn(RolePolicies, aws)
    assert found.attached == (READ_ONLY,)
    assert found.id == "AROAEKSNODE"
    assert aws.rounds == 4
    assert aws.asked.count("get_role") == 1


async def test_a_self_managed_nodes_policies_take_one_round_more() -> None:
    aws = healthy()
    await learn(RolePolicies, aws, node=SELF_MANAGED)
    assert aws.rounds == 5


_NO_NETWORK = (
    "aws/image_is_active",
    "aws/instance_has_role",
    "aws/pull_through_cache_is_ready",
    "aws/registry_policy_allows_pull",
    "aws/repository_policy_allows_pull",
    "aws/role_can_pull",
)


@pytest.mark.parametrize(("node", "rounds"), [(NODE, 4), (SELF_MANAGED, 5)])
async def test_what_else_is_asked_of_the_registry_takes_no_round_more(node: Host, rounds: int) -> None:
    """Not even a cache whose secret is looked at, which is two reads that wait for each other."""
    rule = {"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io", "credentialArn": "arn:1"}
    aws = healthy(
        describe_images=NotFound("ImageNotFoundException"),
        describe_pull_through_cache_rules={"pullThroughCacheRules": [rule]},
        get_registry_policy={"registryId": ACCOUNT, "policyText": '{"Statement": []}'},
        describe_secret={"Name": "x"},
    )
    every = Catalog.load()
    catalog = Catalog(every.facts, tuple(one for one in every.checks if one.id in _NO_NETWORK))
    cluster = Cluster("demo", "eks", "us-west-2", "demo")
    roots = {FailedPull: pull(), Aws: aws, Cluster: cluster, Host: node}

    async def look() -> set[str]:
        return {one.check async for one in diagnose(catalog, [pull()], roots, {})}

    assert await aws.run(look()) == set(_NO_NETWORK) - {"aws/image_is_active"}
    assert aws.rounds == rounds
    assert len(aws.asked) == len(set(aws.asked))


async def test_the_cluster_is_known_by_the_instances_tags_too() -> None:
    aws = healthy()
    await learn(RolePolicies, aws, cloud_name="")
    assert "describe_nodegroup" in aws.asked
    assert aws.rounds == 5


async def test_the_instance_beats_the_node_group_and_the_drift_is_told() -> None:
    profile = {"Arn": "arn:aws:iam::1:instance-profile/x", "Roles": [{"Arn": OTHER}]}
    found: Puller = await learn(Puller, healthy(get_instance_profile={"InstanceProfile": profile}))
    assert found.role_arn == OTHER
    assert found.role_name == "other"
    assert ROLE in found.drift


async def test_a_denial_of_the_instances_own_role_has_the_path_from_the_instance() -> None:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/other/i-0abc"
    message = f"denied: User: {who} is not authorized to perform: ecr:BatchGetImage on resource: x"
    profile = {"Arn": "arn:aws:iam::1:instance-profile/x", "Roles": [{"Arn": OTHER}]}
    aws = healthy(get_instance_profile={"InstanceProfile": profile})
    found: Puller = await learn(Puller, aws, failure=pull(message=message))
    assert (found.role_arn, found.path_known) == (OTHER, True)


async def test_a_user_of_a_pull_secret_is_not_the_nodes_role() -> None:
    message = (
        f"denied: User: arn:aws:iam::{ACCOUNT}:user/ci is not authorized to perform: ecr:BatchGetImage"
        " on resource: x"
    )
    with pytest.raises(NotApplicable):
        await learn(Puller, healthy(), failure=pull(message=message))


async def test_the_node_group_tells_the_role_where_the_profile_cannot_be_read() -> None:
    aws = healthy()
    aws.denied.add("get_instance_profile")
    found: Puller = await learn(Puller, aws)
    assert found.role_arn == ROLE
    assert "could not be read" in found.how


async def test_nothing_tells_the_role() -> None:
    aws = healthy()
    aws.denied.add("get_instance_profile")
    with pytest.raises(Unavailable, match="get_instance_profile"):
        await learn(Puller, aws, node=SELF_MANAGED)


async def test_an_instance_without_a_profile_has_no_role_and_so_nobody_pulls() -> None:
    aws = healthy(describe_instances=instances(""))
    assert await learn(InstanceProfile, aws) == InstanceProfile("", exists=False, role_arn="")
    with pytest.raises(NotApplicable):
        await learn(Puller, aws)


async def test_denied_reads_are_remembered_not_raised() -> None:
    aws = healthy()
    aws.denied |= {"get_role", "list_role_policies"}
    found: RolePolicies = await learn(RolePolicies, aws)
    assert [one.name for one in found.allowing] == [READ_ONLY]
    assert found.unread == ("AWS denies list_role_policies",)
    assert found.boundary_unread == ("AWS denies get_role",)
    assert found.attached == (READ_ONLY,)


async def test_a_deleted_role_is_an_answer() -> None:
    missing = NotFound("NoSuchEntity")
    aws = healthy(get_role=missing, list_role_policies=missing, list_attached_role_policies=missing)
    found: RolePolicies = await learn(RolePolicies, aws)
    assert not found.exists


async def test_inline_policies_and_the_boundary_are_read() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    aws = healthy(
        get_role={
            "Role": {"Arn": ROLE, "RoleId": "A", "PermissionsBoundary": {"PermissionsBoundaryArn": boundary}}
        },
        list_role_policies={"PolicyNames": ["own"]},
        get_role_policy={"PolicyDocument": {"Statement": []}},
    )
    found: RolePolicies = await learn(RolePolicies, aws)
    assert [one.name for one in found.allowing] == [READ_ONLY, "own"]
    assert found.boundary is not None
    assert found.boundary.name == boundary
    assert aws.rounds == 4


async def test_two_pulls_on_nodes_of_one_role_read_it_once() -> None:
    aws, catalog, memo = healthy(), Catalog.load(), {}  # type: ignore[var-annotated]  # empty at first
    cluster = Cluster("demo", "eks", "us-west-2", "demo")
    for number in (1, 2):
        node = Host("n", f"aws:///us-west-2a/i-{number}", "amd64", "linux", NODE.labels)
        roots = {FailedPull: pull(), Aws: aws, Cluster: cluster, Host: node}
        await aws.run(Resolver(catalog, roots, memo).get(RolePolicies))
    assert aws.asked.count("describe_instances") == 2
    assert aws.asked.count("get_role") == aws.asked.count("get_policy") == 1
    assert aws.asked.count("get_instance_profile") == aws.asked.count("describe_nodegroup") == 1


@pytest.mark.parametrize(
    ("provider_id", "found"),
    [
        ("aws:///us-west-2a/i-0abc", InstanceId("us-west-2", "us-west-2a", "i-0abc")),
        ("aws:///us-west-2-lax-1a/i-0abc", InstanceId("us-west-2", "us-west-2-lax-1a", "i-0abc")),
        ("aws:///us-gov-west-1b/i-0abc", InstanceId("us-gov-west-1", "us-gov-west-1b", "i-0abc")),
        ("aws:///us-west-2a/0123456789-abcdef/fargate-ip-10-0-1-9", None),
        ("azure:///subscriptions/1/vm", None),
        ("", None),
    ],
)
def test_provider_ids(provider_id: str, found: InstanceId | None) -> None:
    node = Host("n", provider_id, "amd64", "linux", ())
    if found is None:
        with pytest.raises(NotApplicable):
            instance_id.fn(node)
    else:
        assert instance_id.fn(node) == found


async def test_the_image_is_there() -> None:
    found: ImageInEcr = await learn(ImageInEcr, healthy())
    assert (found.repository_exists, found.exists, found.status) == (True, True, "ACTIVE")


async def test_a_missing_tag_has_its_neighbours() -> None:
    aws = healthy(describe_images=NotFound("ImageNotFoundException"))
    failure = pull(IMAGE.replace("1.2.1", "1.2.2"))
    found: ImagePresence = await learn(ImagePresence, aws, failure=failure)
    assert (found.exists, found.near) == (False, ("1.2.1", "1.2.0"))
    assert (await learn(RepositoryPresence, aws, failure=failure)).exists


async def test_a_missing_repository_has_its_neighbours_and_no_tags() -> None:
    aws = healthy(describe_images=NotFound("RepositoryNotFoundException"))
    failure = pull(IMAGE.replace("/app:", "/apps:"))
    found: RepositoryPresence = await learn(RepositoryPresence, aws, failure=failure)
    assert (found.exists, found.near) == (False, ("app",))
    with pytest.raises(NotApplicable):
        await learn(ImagePresence, aws, failure=failure)


async def test_neighbours_that_may_not_be_listed_are_done_without() -> None:
    aws = healthy(describe_images=NotFound("ImageNotFoundException"))
    aws.denied.add("list_images")
    found: ImagePresence = await learn(ImagePresence, aws)
    assert (found.exists, found.near) == (False, ())


async def test_a_denied_look_says_nothing_about_existence() -> None:
    aws = healthy()
    aws.denied.add("describe_images")
    with pytest.raises(Unavailable, match="describe_images"):
        await learn(ImagePresence, aws)


@pytest.mark.parametrize(
    "image", ["docker.io/library/nginx:1", "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/pause:3"]
)
async def test_other_registries_and_those_of_aws_itself_are_left_alone(image: str) -> None:
    aws = healthy()
    with pytest.raises(NotApplicable):
        await learn(EcrAddress, aws, failure=pull(image))
    assert aws.asked == []


async def test_no_policy_is_an_answer_and_a_denied_read_is_none() -> None:
    aws = healthy()
    found: RepositoryPolicy = await learn(RepositoryPolicy, aws)
    assert (found.text, found.unread) == (None, "")
    aws.denied.add("get_repository_policy")
    found = await learn(RepositoryPolicy, aws)
    assert (found.text, found.unread) == (None, "AWS denies get_repository_policy")


def test_the_closest_names_come_first_whatever_the_order() -> None:
    names = ["1.2.1", "1.3.0", "latest", "1.2.10"]
    assert closest("1.2.2", names) == closest("1.2.2", reversed(names))
    assert closest("1.2.2", names)[0] == "1.2.1"


async def test_who_pulls_is_unknown_with_the_name_of_each_read_that_failed() -> None:
    aws = healthy()
    aws.denied |= {"describe_instances", "describe_nodegroup"}
    with pytest.raises(Unavailable) as told:
        await learn(Puller, aws)
    assert str(told.value) == (
        "which role pulls could not be read: AWS denies describe_instances; AWS denies describe_nodegroup"
    )
