"""Worlds in which who pulls may not, or what is pulled is not there."""

from __future__ import annotations

import json

from checks.model import NotFound
from tests.fakes.aws_account import ACCOUNT, Account, policy
from tests.fakes.aws_door import DENIED
from tests.fakes.aws_network import (
    account,
    nat_network,
)
from tests.fakes.aws_world import (
    AUTO,
    FARGATE,
    FORBIDDEN,
    HOST,
    IMAGE,
    MISSING_TAG,
    NO_MATCH,
    REGION,
    SELF_MANAGED,
    UNAUTHORIZED,
    World,
    on_eks,
)

DENY = {"Sid": "Freeze", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}


def repository_deny() -> World:
    """By a NAT gateway; the repository denies everybody."""
    aws = account(nat_network())
    aws.answers["get_repository_policy"] = {"policyText": policy(DENY)}
    return on_eks(aws, FORBIDDEN, kind="nodegroup/default")


def role_denied() -> World:
    """The repository's policy says nothing but that this role may not pull."""
    aws = account(nat_network())
    named = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/eks-node"}
    aws.answers["get_repository_policy"] = {"policyText": policy({**DENY, "Principal": named})}
    return on_eks(aws, FORBIDDEN, kind="nodegroup/default")


def accused_role() -> World:
    """As before, and the registry says who was denied and by what."""
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc"
    said = (
        f"{FORBIDDEN}: denied: User: {who} is not authorized to perform: ecr:BatchGetImage on resource: "
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app with an explicit deny in a resource-based policy"
    )
    aws = repository_deny().aws
    assert isinstance(aws, Account)
    return on_eks(aws, said, kind="nodegroup/default")


def unread_profile() -> World:
    """The instance profile is not ours to read; the node group names the role, which is denied."""
    world = repository_deny()
    assert isinstance(world.aws, Account)
    world.aws.answers["get_instance_profile"] = DENIED("iam:GetInstanceProfile")
    return world


def many_policies() -> World:
    """Inline policies that say nothing of pulls, within a boundary that allows them."""
    role = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
    boundary = {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary"}
    aws = account(nat_network())
    aws.answers |= {
        "get_role": {"Role": {"Arn": role, "RoleId": "AROAEKSNODE", "PermissionsBoundary": boundary}},
        "list_attached_role_policies": {"AttachedPolicies": []},
        "list_role_policies": {"PolicyNames": ["inline"]},
        "get_role_policy": {
            "PolicyDocument": json.loads(policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
        },
    }
    return on_eks(aws, UNAUTHORIZED, host=SELF_MANAGED)


def fargate_without_policy() -> World:
    role = f"arn:aws:iam::{ACCOUNT}:role/fargate"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "eks-fargate-pods.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    aws = account(nat_network())
    aws.answers |= {
        "describe_fargate_profile": {
            "fargateProfile": {
                "fargateProfileArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:fargateprofile/demo/fp/0ab1",
                "podExecutionRoleArn": role,
                "subnets": ["subnet-a"],
            }
        },
        "describe_network_interfaces": {
            "NetworkInterfaces": [
                {
                    "OwnerId": ACCOUNT,
                    "VpcId": "vpc-1",
                    "SubnetId": "subnet-a",
                    "Groups": [{"GroupId": "sg-1"}],
                }
            ]
        },
        "get_role": {
            "Role": {"Arn": role, "RoleId": "AROAF", "AssumeRolePolicyDocument": json.loads(policy(trust))}
        },
        "list_attached_role_policies": {"AttachedPolicies": []},
    }
    return on_eks(aws, UNAUTHORIZED, host=FARGATE, kind="fargate/fp")


def fargate_without_trust() -> World:
    """Its trust was made for a cluster that is gone."""
    world = fargate_without_policy()
    assert isinstance(world.aws, Account)
    gone = f"arn:aws:eks:{REGION}:{ACCOUNT}:fargateprofile/gone/*"
    document = world.aws.answers["get_role"]["Role"]["AssumeRolePolicyDocument"]
    document["Statement"][0]["Condition"] = {"ArnLike": {"aws:SourceArn": gone}}
    return world


def hidden_auto_mode() -> World:
    """EC2 does not show the instance; the cluster names the role."""
    aws = account(nat_network())
    aws.answers |= {
        "describe_cluster": {
            "cluster": {
                "computeConfig": {"enabled": True, "nodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/eks-node"}
            }
        },
        "describe_instances": NotFound("InvalidInstanceID.NotFound"),
        "get_repository_policy": {"policyText": policy(DENY)},
    }
    return on_eks(aws, FORBIDDEN, host=AUTO, kind="nodepool/general-purpose")


def another_account() -> World:
    """The repository is of an account that does not let the role in."""
    aws = account(nat_network())
    aws.answers["get_account_setting"] = {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}
    aws.answers["get_registry_policy"] = {"policyText": policy()}
    return on_eks(aws, FORBIDDEN, image=IMAGE.replace(ACCOUNT, "210987654321"), kind="nodegroup/default")


def frozen_registry() -> World:
    """The policy of the whole registry denies pulls."""
    aws = account(nat_network())
    aws.answers["get_account_setting"] = {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}
    aws.answers["get_registry_policy"] = {"policyText": policy({**DENY, "Resource": "*"})}
    return on_eks(aws, FORBIDDEN, kind="nodegroup/default")


def missing_tag() -> World:
    aws = account(nat_network())
    aws.answers["describe_images"] = NotFound("ImageNotFoundException")
    return on_eks(aws, MISSING_TAG, kind="nodegroup/default")


def archived_image() -> World:
    aws = account(nat_network())
    aws.answers["describe_images"] = {
        "imageDetails": [{"imageDigest": "sha256:1", "imageStatus": "ARCHIVED"}]
    }
    return on_eks(aws, MISSING_TAG, kind="nodegroup/default")


def image_for_arm() -> World:
    """An index that has nothing for the node's architecture."""
    kind = "application/vnd.oci.image.index.v1+json"
    entry = {"digest": "sha256:1", "platform": {"os": "linux", "architecture": "arm64"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]})
    aws = account(nat_network())
    aws.answers["batch_get_image"] = {
        "images": [{"imageManifest": index, "imageManifestMediaType": kind}],
        "failures": [],
    }
    return on_eks(aws, NO_MATCH, kind="nodegroup/default")


def missing_repository() -> World:
    aws = account(nat_network())
    for one in ("describe_images", "get_repository_policy", "list_images"):
        aws.answers[one] = NotFound("RepositoryNotFoundException")
    return on_eks(aws, MISSING_TAG, kind="nodegroup/default")


def cache_without_secret() -> World:
    """A pull-through cache whose credentials were deleted."""
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
    aws = account(nat_network())
    for one in ("describe_images", "get_repository_policy", "list_images"):
        aws.answers[one] = NotFound("RepositoryNotFoundException")
    aws.answers |= {
        "describe_pull_through_cache_rules": {
            "pullThroughCacheRules": [
                {
                    "ecrRepositoryPrefix": "hub",
                    "upstreamRegistryUrl": "registry-1.docker.io",
                    "credentialArn": secret,
                }
            ]
        },
        "describe_secret": NotFound("ResourceNotFoundException"),
    }
    return on_eks(aws, MISSING_TAG, image=f"{HOST}/hub/library/nginx:1", kind="nodegroup/default")
