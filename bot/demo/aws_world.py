"""A small AWS on moto: one EKS cluster with a node group, and an ECR repository that its nodes pull from.

Everything is healthy after ``seed``; what breaks it is done by the caller, with ``deny_pull`` or any
call of boto3. moto keeps it all in memory, under account 123456789012 (``ACCOUNT``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.demo.aws_network import Vpc, make_vpc

ACCOUNT = "123456789012"
PULL_POLICY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
_OTHER_POLICIES = (
    "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
)
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 7023,
        "digest": f"sha256:{'a' * 64}",
    },
    "layers": [
        {
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": 32654,
            "digest": f"sha256:{'b' * 64}",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class World:
    """Names and ARNs of what was made. ``image`` is the full reference of the pushed image."""

    endpoint: str
    region: str
    cluster: str
    nodegroup: str
    role_name: str
    role_arn: str
    profile_name: str
    instance_id: str
    provider_id: str
    subnet_id: str
    repository: str
    repository_arn: str
    repository_uri: str
    image: str
    vpc_id: str = ""
    route_table_id: str = ""

    def client(self, service: str, account: str = ACCOUNT) -> Any:
        """A boto3 client of this world, in any of its accounts."""
        return client(self.endpoint, service, self.region, account)


def client(endpoint: str, service: str, region: str, account: str = ACCOUNT) -> Any:
    import boto3  # noqa: PLC0415  heavy; only the demo and tests come here

    keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    if account != ACCOUNT:
        sts = boto3.client("sts", endpoint_url=endpoint, region_name=region, **keys)
        assumed = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/owner", RoleSessionName="seed")
        keys = {
            "aws_access_key_id": assumed["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": assumed["Credentials"]["SecretAccessKey"],
            "aws_session_token": assumed["Credentials"]["SessionToken"],
        }
    make: Any = boto3.client
    return make(service, endpoint_url=endpoint, region_name=region, **keys)


def seed(
    endpoint: str,
    region: str = "us-west-2",
    *,
    cluster: str = "demo",
    nodegroup: str = "default",
    role: str = "eks-node",
    repository: str = "app",
    tag: str = "1.2.1",
) -> World:
    """Make the cluster, its node's role and instance, and the repository with one image, all healthy."""
    role_arn, profile = _node_role(endpoint, region, role)
    instance, zone, vpc = _node(endpoint, region, profile, cluster, nodegroup)
    eks = client(endpoint, "eks", region)
    eks.create_cluster(
        name=cluster,
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks-cluster",
        resourcesVpcConfig={"subnetIds": [vpc.private_subnet]},
    )
    eks.create_nodegroup(
        clusterName=cluster,
        nodegroupName=nodegroup,
        nodeRole=role_arn,
        subnets=[vpc.private_subnet],
        scalingConfig={},
    )
    arn, uri = push(endpoint, region, repository, tag)
    return World(
        endpoint=endpoint,
        region=region,
        cluster=cluster,
        nodegroup=nodegroup,
        role_name=role,
        role_arn=role_arn,
        profile_name=role,
        instance_id=instance,
        provider_id=f"aws:///{zone}/{instance}",
        subnet_id=vpc.private_subnet,
        repository=repository,
        repository_arn=arn,
        repository_uri=uri,
        image=f"{uri}:{tag}",
        vpc_id=vpc.id,
        route_table_id=vpc.table,
    )


def push(endpoint: str, region: str, repository: str, tag: str, account: str = ACCOUNT) -> tuple[str, str]:
    """Make the repository and put one image into it. Gives its ARN and its URI."""
    ecr = client(endpoint, "ecr", region, account)
    made = ecr.create_repository(repositoryName=repository)["repository"]
    ecr.put_image(repositoryName=repository, imageManifest=json.dumps(_MANIFEST), imageTag=tag)
    return made["repositoryArn"], made["repositoryUri"]


def deny_pull(world: World, sid: str = "new policy") -> str:
    """Deny the node's role nearly everything in the repository; gives the policy as it is stored."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": {"AWS": world.role_arn},
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchDeleteImage",
                    "ecr:BatchGetImage",
                    "ecr:CompleteLayerUpload",
                    "ecr:DeleteRepository",
                    "ecr:DeleteRepositoryPolicy",
                    "ecr:DescribeRepositories",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:GetRepositoryPolicy",
                    "ecr:InitiateLayerUpload",
                    "ecr:ListImages",
                    "ecr:PutImage",
                    "ecr:SetRepositoryPolicy",
                    "ecr:UploadLayerPart",
                ],
            }
        ],
    }
    ecr = world.client("ecr")
    ecr.set_repository_policy(repositoryName=world.repository, policyText=json.dumps(policy, indent=2))
    return str(ecr.get_repository_policy(repositoryName=world.repository)["policyText"])


def _node_role(endpoint: str, region: str, role: str) -> tuple[str, str]:
    iam = client(endpoint, "iam", region)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    for policy in (PULL_POLICY, *_OTHER_POLICIES):
        iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    profile = iam.create_instance_profile(InstanceProfileName=role)["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    return arn, profile


def _node(endpoint: str, region: str, profile: str, cluster: str, nodegroup: str) -> tuple[str, str, Vpc]:
    ec2 = client(endpoint, "ec2", region)
    zone = f"{region}a"
    vpc = make_vpc(ec2, zone)
    # By name: all that moto knows of would take a second.
    named = [{"Name": "name", "Values": ["amzn2-ami-hvm*"]}]
    image = ec2.describe_images(Owners=["amazon"], Filters=named)["Images"][0]["ImageId"]
    tags = [{"Key": "eks:cluster-name", "Value": cluster}, {"Key": "eks:nodegroup-name", "Value": nodegroup}]
    made = ec2.run_instances(
        ImageId=image,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=vpc.private_subnet,
        IamInstanceProfile={"Arn": profile},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    return made["Instances"][0]["InstanceId"], zone, vpc
