"""Who pulls on Fargate and in Auto Mode, through which interface, and what a denied read leaves."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

import pytest

from checks.aws.facts import Aws
from checks.aws.fargate import FargateProfile
from checks.aws.identity import RolePolicies
from checks.aws.interface import Interface
from checks.aws.nodes import Instance
from checks.aws.puller import Kind, Puller
from checks.aws.rights import PullRights
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.model import FailedPull, NotApplicable, NotFound, Symptom, Unavailable
from checks.resolve import Resolver
from tests.fakes.aws_account import ACCOUNT, Account, healthy, instances

IMAGE = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/app:1.2.1"
ADD_ON = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.11"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fargate"
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
ARN = f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/fp/0ab1"
NAME = "fargate-ip-10-0-1-9.us-west-2.compute.internal"
FARGATE = Host(
    NAME,
    f"aws:///us-west-2a/0123456789-abcdef/{NAME}",
    "amd64",
    "linux",
    (("eks.amazonaws.com/compute-type", "fargate"),),
)
AUTO_LABELS = (("eks.amazonaws.com/compute-type", "auto"), ("eks.amazonaws.com/nodeclass", "default"))
AUTO = Host("i-0abc", "aws:///us-west-2a/i-0abc", "amd64", "linux", AUTO_LABELS)
EC2_NODE = Host("ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())


def on_fargate(**changes: Any) -> Account:
    profile = {"fargateProfileArn": ARN, "podExecutionRoleArn": ROLE, "subnets": ["subnet-2", "subnet-1"]}
    interface = {
        "OwnerId": ACCOUNT,
        "VpcId": "vpc-1",
        "SubnetId": "subnet-1",
        "Groups": [{"GroupId": "sg-cluster"}],
    }
    answers: dict[str, Any] = {
        "describe_fargate_profile": {"fargateProfile": profile},
        "describe_network_interfaces": {"NetworkInterfaces": [interface]},
        "get_role": {"Role": {"Arn": ROLE, "RoleId": "AROAFARGATE", "AssumeRolePolicyDocument": {"a": 1}}},
    }
    return healthy(**{**answers, **changes})


def in_auto_mode(**changes: Any) -> Account:
    config = {"enabled": True, "nodeRoleArn": NODE_ROLE}
    return healthy(**{"describe_cluster": {"cluster": {"computeConfig": config}}, **changes})


async def learn(
    wanted: Any,
    aws: Account,
    host: Host = FARGATE,
    *,
    host_kind: str = "fargate/fp",
    cloud_name: str = "demo",
    image: str = IMAGE,
    message: str = "401 Unauthorized",
) -> Any:
    pull = FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=(host.name,),
        host_kind=host_kind,
        image=image,
        symptom=Symptom.UNAUTHORIZED,
        message=message,
    )
    roots: Mapping[Any, object] = {
        FailedPull: pull,
        Aws: aws,
        Cluster: Cluster("demo", "eks", "us-west-2", cloud_name),
        Host: host,
    }
    return await aws.run(Resolver(Catalog.load(), roots, {}).get(wanted))


async def test_the_profiles_role_pulls_and_no_node_is_looked_at() -> None:
    aws = on_fargate()
    found: Puller = await learn(Puller, aws)
    assert (found.role_arn, found.kind, found.session) == (ROLE, Kind.FARGATE, "")
    assert "fp" in found.how
    assert not {"describe_instances", "describe_nodegroup", "get_instance_profile"} & set(aws.asked)


async def test_its_policies_take_four_rounds_and_its_trust_is_among_them() -> None:
    aws = on_fargate()
    found: RolePolicies = await learn(RolePolicies, aws)
    assert found.trust == '{"a": 1}'
    assert aws.rounds == 4
    assert aws.asked.count("get_role") == 1


async def test_a_label_on_a_pod_does_not_make_its_node_fargate() -> None:
    """Anybody may label a pod; the instance pulls nevertheless."""
    aws = on_fargate()
    found: Puller = await learn(Puller, aws, EC2_NODE)
    assert (found.role_arn, found.kind) == (NODE_ROLE, Kind.NODE)
    assert "describe_fargate_profile" not in aws.asked


async def test_a_fargate_node_without_a_profile_is_not_taken_for_another() -> None:
    with pytest.raises(Unavailable, match="names their Fargate profile"):
        await learn(Puller, on_fargate(), host_kind="node")


async def test_what_keeps_the_profile_from_being_read_is_told() -> None:
    with pytest.raises(Unavailable, match="name in EKS is not known"):
        await learn(FargateProfile, on_fargate(), cloud_name="")
    with pytest.raises(Unavailable, match="knows no Fargate profile fp"):
        await learn(Puller, on_fargate(describe_fargate_profile=NotFound("ResourceNotFoundException")))
    denied = on_fargate()
    denied.denied.add("describe_fargate_profile")
    with pytest.raises(Unavailable, match="describe_fargate_profile"):
        await learn(PullRights, denied)
    assert "get_role" not in denied.asked


async def test_a_denial_names_the_role_and_the_profile_its_path() -> None:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/fargate/1"
    message = f"User: {who} is not authorized to perform: ecr:BatchGetImage on resource: x"
    found: Puller = await learn(Puller, on_fargate(), message=message)
    assert (found.role_arn, found.path_known, found.session, found.kind) == (ROLE, True, "1", Kind.FARGATE)


async def test_the_role_is_judged_for_aws_own_images_as_well() -> None:
    found: PullRights = await learn(PullRights, on_fargate(), image=ADD_ON)
    assert found.repository.of_aws
    assert {found.overall(one).says.value for one in ("ecr:GetAuthorizationToken", "ecr:BatchGetImage")} == {
        "allows"
    }


async def test_the_pods_own_interface_is_found_by_its_address() -> None:
    found: Interface = await learn(Interface, on_fargate())
    assert (found.vpc, found.subnet, found.security_groups) == ("vpc-1", "subnet-1", ("sg-cluster",))
    assert (found.address, found.public_address) == (IPv4Address("10.0.1.9"), "")
    with pytest.raises(Unavailable, match=r"no network interface of 10\.0\.1\.9"):
        await learn(Interface, on_fargate(describe_network_interfaces={"NetworkInterfaces": []}))
    nameless = Host("x", "aws:///us-west-2a/0123456789-abcdef/fargate-x", "amd64", "linux", ())
    with pytest.raises(Unavailable, match="address of the pod"):
        await learn(Interface, on_fargate(), nameless)


async def test_an_auto_mode_node_is_an_instance_that_has_to_be_asked_for() -> None:
    aws = in_auto_mode()
    found: Puller = await learn(Puller, aws, AUTO, host_kind="nodepool/general-purpose")
    assert found.how == "i-0abc has the instance profile eks-node"
    assert (await learn(Instance, in_auto_mode(), AUTO, host_kind="node")).profile_arn


async def test_an_auto_mode_instance_that_is_not_shown_has_the_clusters_role() -> None:
    aws = in_auto_mode(describe_instances=NotFound("InvalidInstanceID.NotFound"))
    found: Puller = await learn(Puller, aws, AUTO, host_kind="node")
    assert (found.role_arn, found.session, found.kind) == (NODE_ROLE, "i-0abc", Kind.NODE)
    assert "EKS Auto Mode in demo" in found.how


async def test_another_node_class_has_another_role() -> None:
    labels = (("eks.amazonaws.com/compute-type", "auto"), ("eks.amazonaws.com/nodeclass", "gpu"))
    host = Host("i-0abc", "aws:///us-west-2a/i-0abc", "amd64", "linux", labels)
    aws = in_auto_mode(describe_instances=NotFound("InvalidInstanceID.NotFound"))
    with pytest.raises(Unavailable, match="which role pulls"):
        await learn(Puller, aws, host, host_kind="node")
    assert "describe_cluster" not in aws.asked


async def test_a_node_of_no_auto_mode_is_not_looked_up_in_the_cluster() -> None:
    aws = in_auto_mode(describe_instances=instances(""))
    with pytest.raises(NotApplicable):
        await learn(Puller, aws, EC2_NODE, host_kind="node")
    assert "describe_cluster" not in aws.asked


async def test_an_auto_mode_nodes_policies_take_no_round_more_than_a_managed_ones() -> None:
    aws = in_auto_mode()
    await learn(RolePolicies, aws, AUTO, host_kind="node")
    assert aws.rounds == 4
