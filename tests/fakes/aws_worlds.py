"""Whole small worlds on an AWS of dictionaries, each with one failed pull: what is tried in all of them.

``Door`` stands before an AWS, notes the IAM action of each call, and fails those that a test wants to fail.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from bot.clouds._aws import iam_action
from bot.clouds._aws_errors import translated
from bot.watch.ecs import EcsEyes
from bot.watch.ecs_book import StoppedTasks
from checks.aws.ecs_tasks import TaskBook
from checks.aws.facts import Aws
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.image.symptom import classify
from checks.model import FailedPull, Finding, NotFound, Since
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import load_remedies
from tests.fakes.aws_account import ACCOUNT, Account, policy
from tests.fakes.aws_network import (
    account,
    endpoint_network,
    endpoint_of,
    nat_network,
    of,
    routes_of,
    without_endpoint,
)
from tests.fakes.ecs import EcsAccount
from tests.fakes.ecs_shop import NO_SECRET
from tests.fakes.ecs_shop import TIMEOUT as NO_ADDRESS

REGION = "us-west-2"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{HOST}/app:1.2.1"
NODE = Host(
    "ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", (("eks.amazonaws.com/nodegroup", "default"),)
)
SELF_MANAGED = Host("ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())
AUTO = Host(
    "i-0abc", "aws:///us-west-2a/i-0abc", "amd64", "linux", (("eks.amazonaws.com/compute-type", "auto"),)
)
_FARGATE_NAME = "fargate-ip-10-0-1-9.us-west-2.compute.internal"
FARGATE = Host(
    _FARGATE_NAME,
    f"aws:///us-west-2a/0123456789-abcdef/{_FARGATE_NAME}",
    "amd64",
    "linux",
    (("eks.amazonaws.com/compute-type", "fargate"),),
)
FORBIDDEN = f'failed to do request: Head "https://{HOST}/v2/app/manifests/1.2.1": 403 Forbidden'
TIMEOUT = f'failed to do request: Head "https://{HOST}/v2/": dial tcp 10.0.9.9:443: i/o timeout'
SILENCE = (
    f'failed to do request: Head "https://{HOST}/v2/": net/http: request canceled while waiting for '
    "connection (Client.Timeout exceeded while awaiting headers)"
)
UNAUTHORIZED = (
    f"failed to authorize: failed to fetch anonymous token: https://{HOST}/token/: 401 Unauthorized"
)
BUCKET = f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com"
NO_LAYERS = (
    "failed to copy: httpReadSeeker: failed open: failed to do request: "
    f'Get "https://{BUCKET}/x": dial tcp 52.92.1.1:443: i/o timeout'
)
MISSING_TAG = f"{IMAGE}: not found"
_EVERY = Catalog.load()
# Kubernetes is not there to be asked.
CATALOG = Catalog(_EVERY.facts, tuple(one for one in _EVERY.checks if not one.id.startswith("kubernetes/")))
REMEDIES = tuple(one for one in load_remedies() if one.id.startswith("aws/"))


@dataclass(eq=False)  # a client is itself: facts are remembered by it
class Door:
    """The port ``Aws``. ``failing``: what is raised instead of an answer, by IAM action."""

    inner: Aws
    failing: Mapping[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        action = iam_action(service, operation)
        self.asked.append(action)
        if action in self.failing:
            await asyncio.sleep(0)
            raise self.failing[action]
        return await self.inner(service, operation, region=region, account=account, **params)


@dataclass(frozen=True)
class Failure:
    """What AWS answers instead, in the words that the bot's own client makes of it."""

    code: str
    status: int
    message: str

    def __call__(self, action: str) -> Exception:
        answer: Any = {
            "Error": {"Code": self.code, "Message": self.message.format(action=action)},
            "ResponseMetadata": {"HTTPStatusCode": self.status},
        }
        return translated(ClientError(answer, action.partition(":")[2]), action, "")


DENIED = Failure(
    "AccessDenied",
    403,
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/pullbot-read/x is not authorized to perform: {{action}}",
)
THROTTLED = Failure("ThrottlingException", 400, "Rate exceeded")
BROKEN = Failure("InternalFailure", 500, "The request processing has failed because of an unknown error")


@dataclass
class World:
    """``roots`` but for ``Aws``. ``run`` keeps an AWS going that answers in rounds."""

    aws: Aws
    roots: dict[Any, object]
    pull: FailedPull
    run: Callable[[Awaitable[Any]], Awaitable[Any]]

    async def look(self, door: Door) -> Seen:
        memo: Memo = {}
        roots = {**self.roots, Aws: door}

        async def seen() -> Seen:
            found = [one async for one in diagnose(CATALOG, [self.pull], roots, memo)]
            offers = await offers_for(
                [self.pull], found, catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=memo
            )
            return Seen({one.check: one for one in found}, offers)

        answer: Seen = await self.run(seen())
        return answer


@dataclass(frozen=True)
class Seen:
    """All that is told of a pull, by check, and what is offered."""

    findings: Mapping[str, Finding]
    offers: tuple[Offer, ...]

    @property
    def plans(self) -> set[tuple[str, str]]:
        """The remedy and the digest of each plan."""
        return {(one.remedy, one.digest) for one in self.offers if one.plan is not None}


def failed_pull(message: str, *, image: str = IMAGE, host: Host = NODE, kind: str = "node") -> FailedPull:
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=(host.name,),
        host_kind=kind,
        image=image,
        symptom=classify(message).symptom,
        message=message,
    )


def on_eks(aws: Account, message: str, *, image: str = IMAGE, host: Host = NODE, kind: str = "node") -> World:
    roots: dict[Any, object] = {Cluster: Cluster("demo", "eks", REGION, "demo"), Host: host}
    return World(aws, roots, failed_pull(message, image=image, host=host, kind=kind), aws.run)


# ---- the worlds


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


def shut_endpoint(message: str = TIMEOUT) -> World:
    """No way but endpoints, whose security group lets nobody in."""
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = []
    return on_eks(account(network), message, kind="nodegroup/default")


def shut_endpoint_unnamed() -> World:
    """The message does not tell which address was dialled."""
    return shut_endpoint(SILENCE)


def shut_node() -> World:
    """Nothing gets out of the node."""
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def shut_subnet() -> World:
    """The network ACL of the endpoints' subnet denies everything."""
    network = endpoint_network()
    of(network, "describe_network_acls", "acl-e")["Entries"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def missing_endpoint() -> World:
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def hardly_any_endpoint() -> World:
    """One is there that nobody is let into, another is missing, nothing leads to the third; DNS is off."""
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = []
    del routes_of(network, "rtb-a")[1:]
    endpoint_of(network, "vpce-s3")["RouteTableIds"] = []
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def unrouted_layers() -> World:
    """The route table does not lead to the endpoint for S3."""
    network = endpoint_network()
    del routes_of(network, "rtb-a")[1:]
    endpoint_of(network, "vpce-s3")["RouteTableIds"] = []
    return on_eks(account(network), NO_LAYERS, kind="nodegroup/default")


def own_buckets_only() -> World:
    """The endpoint for S3 lets nobody at ECR's layers."""
    network = endpoint_network()
    own = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/*"}
    endpoint_of(network, "vpce-s3")["PolicyDocument"] = policy(own)
    said = f"failed to copy: httpReadSeeker: failed open: unexpected status https://{BUCKET}/x: 403 Forbidden"
    return on_eks(account(network), said, kind="nodegroup/default")


def no_vpc_dns() -> World:
    network = endpoint_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def no_names_at_all() -> World:
    world = no_vpc_dns()
    assert isinstance(world.aws, Account)
    for id in ("vpce-api", "vpce-dkr"):
        endpoint_of(world.aws.answers, id)["PrivateDnsEnabled"] = False
    return world


def no_private_dns() -> World:
    """An endpoint that nobody finds by its name."""
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = False
    return on_eks(account(network), SILENCE, kind="nodegroup/default")


def broken_nat_gateway() -> World:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    return on_eks(account(network), TIMEOUT.replace("10.0.9.9", "34.210.1.1"), host=SELF_MANAGED)


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


# ---- ECS


@dataclass(eq=False)
class EcsAndAll:
    """The port ``Aws``: ECS in memory, and everything else of an account."""

    ecs: EcsAccount
    account: Account

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        asked = self.ecs if service == "ecs" else self.account
        return await asked(service, operation, region=region, account=account, **params)


EXECUTION = f"arn:aws:iam::{ACCOUNT}:role/web-execution"


async def _on_ecs(aws: EcsAndAll, *, since: str = "") -> World:
    """The first task that failed, as it is watched for."""
    book, cluster = StoppedTasks(), Cluster("prod", "ecs", REGION)
    eyes = EcsEyes(aws, cluster, book)
    [pull] = await aws.account.run(eyes.failing_now("", "ecs:shop"))
    roots: dict[Any, object] = {Cluster: cluster, TaskBook: book}
    if since:
        roots[Since] = Since(since)
    return World(aws, roots, pull, aws.account.run)


def ecs_account(*, secret: str = "", image: str = IMAGE, **more: Any) -> EcsAndAll:
    """A service ``web`` of one task in a public subnet; its execution role may nothing."""
    account_ = account(nat_network())
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    account_.answers |= {
        "get_role": {
            "Role": {
                "Arn": EXECUTION,
                "RoleId": "AROAW",
                "AssumeRolePolicyDocument": json.loads(policy(trust)),
            }
        },
        "list_attached_role_policies": {"AttachedPolicies": []},
    }
    for one in account_.answers["describe_subnets"]["Subnets"]:
        one["VpcId"] = "vpc-1"
    box: dict[str, Any] = {"name": "web", "image": image}
    if secret:
        box["repositoryCredentials"] = {"credentialsParameter": secret}
    ecs = EcsAccount()
    ecs.serve(ecs.define(image, **{"executionRoleArn": EXECUTION, "containerDefinitions": [box], **more}))
    return EcsAndAll(ecs, account_)


def _stop(aws: EcsAndAll, reason: str, **more: Any) -> None:
    definition = next(iter(aws.ecs.definitions.values()))
    aws.ecs.ecs.stop(definition, "shop", reason, service="web", subnet="subnet-p", **more)


async def ecs_two_faults() -> World:
    """On Fargate without a public address, and with a role that may not pull."""
    aws = ecs_account()
    _stop(aws, NO_ADDRESS)
    return await _on_ecs(aws)


async def ecs_on_instance() -> World:
    """On an instance, whose role may not pull."""
    aws = ecs_account(executionRoleArn="")
    aws.ecs.instances = [{"ec2InstanceId": "i-0abc"}]
    aws.account.answers |= {
        "get_role": {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/eks-node", "RoleId": "AROAEKSNODE"}}
    }
    _stop(
        aws,
        f"CannotPullContainerError: {FORBIDDEN}",
        in_container=True,
        launchType="EC2",
        attachments=[],
        containerInstanceArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/shop/ci",
    )
    return await _on_ecs(aws)


async def ecs_private_registry() -> World:
    """A secret that the role may not read."""
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf"
    aws = ecs_account(secret=secret, image="quay.example/web:1")
    aws.account.answers |= {"describe_secret": {"ARN": secret}, "get_resource_policy": {}}
    _stop(aws, NO_SECRET)
    return await _on_ecs(aws)


async def ecs_fixed() -> World:
    """After a fix: a newer task runs."""
    aws = ecs_account()
    fixed = datetime.now(UTC)
    _stop(aws, NO_ADDRESS, at=fixed - timedelta(minutes=5))
    world = await _on_ecs(aws, since=fixed.isoformat())
    definition = next(iter(aws.ecs.definitions.values()))
    aws.ecs.ecs.run(definition, "shop", service="web", subnet="subnet-p", at=fixed + timedelta(minutes=5))
    return world


Maker = Callable[[], World] | Callable[[], Awaitable[World]]
EKS: tuple[Callable[[], World], ...] = (
    repository_deny,
    role_denied,
    accused_role,
    shut_endpoint,
    shut_endpoint_unnamed,
    shut_node,
    shut_subnet,
    missing_endpoint,
    hardly_any_endpoint,
    unrouted_layers,
    own_buckets_only,
    no_vpc_dns,
    no_names_at_all,
    no_private_dns,
    broken_nat_gateway,
    unread_profile,
    many_policies,
    fargate_without_policy,
    fargate_without_trust,
    hidden_auto_mode,
    another_account,
    frozen_registry,
    missing_tag,
    archived_image,
    missing_repository,
    cache_without_secret,
)
ECS: tuple[Callable[[], Awaitable[World]], ...] = (
    ecs_two_faults,
    ecs_on_instance,
    ecs_private_registry,
    ecs_fixed,
)
ALL: tuple[Maker, ...] = (*EKS, *ECS)


async def made(maker: Maker) -> World:
    world = maker()
    return world if isinstance(world, World) else await world
