"""The EC2 instance behind a node, and the role that its instance profile hands to the kubelet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.host import Cluster, Host
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("ec2:DescribeInstances", "eks:DescribeNodegroup", "iam:GetInstanceProfile")),)

# fargate, auto or hybrid; other nodes do not carry it.
COMPUTE_TYPE_LABEL = "eks.amazonaws.com/compute-type"

# aws:///us-west-2a/i-0abc; local zones are called us-west-2-lax-1a.
_PROVIDER_ID = re.compile(r"aws:///(?P<zone>(?P<region>[a-z]+(?:-[a-z]+)+-\d+)[a-z0-9-]*)/(?P<id>[^/]+)")
_NODEGROUP_LABEL = "eks.amazonaws.com/nodegroup"
_CLUSTER_TAGS = ("eks:cluster-name", "aws:eks:cluster-name", "alpha.eksctl.io/cluster-name")


@dataclass(frozen=True, slots=True)
class InstanceId:
    """``managed``: AWS runs it (EKS Auto Mode), and may show it only to those who ask for such too."""

    region: str
    zone: str
    id: str
    managed: bool = False


@fact()
def instance_id(host: Host) -> InstanceId:
    found = _PROVIDER_ID.match(host.provider_id)
    if found is None:
        raise NotApplicable(f"{host.name} is no node in AWS")
    if not found["id"].startswith("i-"):
        raise NotApplicable(f"{host.name} is a Fargate node: it has no EC2 instance")
    managed = host.label(COMPUTE_TYPE_LABEL) == "auto"
    return InstanceId(found["region"], found["zone"], found["id"], managed)


@dataclass(frozen=True, slots=True)
class NodeRegion:
    """Where a node in AWS is, whatever it runs on."""

    region: str


@fact()
def node_region(host: Host) -> NodeRegion:
    found = _PROVIDER_ID.match(host.provider_id)
    if found is None:
        raise NotApplicable(f"{host.name} is no node in AWS")
    return NodeRegion(found["region"])


@dataclass(frozen=True, slots=True)
class Instance:
    """``profile_arn`` is empty where the instance has no instance profile.

    Subnet, security groups and addresses are those of its primary network interface, which is the one that
    kubelet and the runtime use; further ones are for pods. ``public_address`` is empty where it has none.
    ``metadata``: whether it may ask its metadata service, which hands out the role's credentials.
    """

    id: str
    region: str
    account: str
    vpc: str
    subnet: str
    security_groups: tuple[str, ...]
    profile_arn: str
    tags: tuple[tuple[str, str], ...]
    address: str = ""
    public_address: str = ""
    metadata: bool = True


@dataclass(frozen=True, slots=True)
class Described:
    """EC2's answer. ``instance`` is ``None`` where it shows none of this id: that is an answer, too.

    ``unread`` says why there is no answer; what else is known of the instance may do instead.
    """

    instance: Instance | None
    unread: str = ""


@fact()
async def described(where: InstanceId, aws: Aws) -> Described:
    hidden: dict[str, Any] = {"IncludeManagedResources": True} if where.managed else {}
    try:
        answer = await aws("ec2", "describe_instances", region=where.region, InstanceIds=[where.id], **hidden)
    except NotFound:
        return Described(None)
    except Unavailable as why:
        return Described(None, unread=str(why))
    for reservation in answer.get("Reservations", ()):
        for one in reservation.get("Instances", ()):
            return Described(_instance(where, reservation.get("OwnerId", ""), one))
    return Described(None)


@fact()
def instance(where: InstanceId, found: Described) -> Instance:
    if found.instance is None:
        raise Unavailable(found.unread or unseen(where))
    return found.instance


def unseen(where: InstanceId) -> str:
    """Why EC2 may have no such instance."""
    owner = "managed by AWS" if where.managed else "of another account than these credentials'"
    return f"EC2 does not show the instance {where.id} (terminated, or {owner})"


def _instance(where: InstanceId, account: str, one: Mapping[str, Any]) -> Instance:
    primary = _primary_interface(one)
    groups = primary.get("Groups") or one.get("SecurityGroups", ())
    public = primary.get("Association", {}).get("PublicIp") or one.get("PublicIpAddress")
    return Instance(
        id=where.id,
        region=where.region,
        account=account,
        vpc=primary.get("VpcId") or one.get("VpcId", ""),
        subnet=primary.get("SubnetId") or one.get("SubnetId", ""),
        security_groups=tuple(sorted(group["GroupId"] for group in groups)),
        profile_arn=one.get("IamInstanceProfile", {}).get("Arn", ""),
        tags=tuple(sorted((tag["Key"], tag["Value"]) for tag in one.get("Tags", ()))),
        address=primary.get("PrivateIpAddress") or one.get("PrivateIpAddress", ""),
        public_address=public or "",
        metadata=one.get("MetadataOptions", {}).get("HttpEndpoint") != "disabled",
    )


def _primary_interface(instance: Mapping[str, Any]) -> Mapping[str, Any]:
    for one in instance.get("NetworkInterfaces", ()):
        attachment = one.get("Attachment", {})
        if (attachment.get("DeviceIndex"), attachment.get("NetworkCardIndex", 0)) == (0, 0):
            found: Mapping[str, Any] = one
            return found
    return {}


@dataclass(frozen=True, slots=True)
class ProfileArn:
    """The instance profile of the node; a fact of its own so that nodes with one profile share it."""

    arn: str
    region: str
    unread: str = ""


@fact()
def profile_arn(where: InstanceId, found: Described) -> ProfileArn:
    if found.instance is None:
        return ProfileArn("", where.region, unread=found.unread or unseen(where))
    return ProfileArn(found.instance.profile_arn, where.region)


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """``role_arn`` is empty where there is no role to be had: no profile, a deleted one, an empty one.

    ``unread`` says why the profile could not be read; what else is known of the role may do instead.
    It is asked for with the credentials that showed the instance, so it is of the instance's account.
    """

    arn: str
    exists: bool
    role_arn: str
    unread: str = ""


@fact()
async def instance_profile(profile: ProfileArn, aws: Aws) -> InstanceProfile:
    if profile.unread:
        return InstanceProfile("", exists=True, role_arn="", unread=profile.unread)
    if not profile.arn:
        return InstanceProfile("", exists=False, role_arn="")
    name = profile.arn.rpartition("/")[2]
    try:
        answer = await aws("iam", "get_instance_profile", region=profile.region, InstanceProfileName=name)
    except NotFound:
        return InstanceProfile(profile.arn, exists=False, role_arn="")
    except Unavailable as why:
        return InstanceProfile(profile.arn, exists=True, role_arn="", unread=str(why))
    roles = answer["InstanceProfile"].get("Roles", ())  # none or one, says IAM's API reference
    return InstanceProfile(profile.arn, exists=True, role_arn=roles[0]["Arn"] if roles else "")


@dataclass(frozen=True, slots=True)
class EksCluster:
    """The cluster under the name that EKS knows it by."""

    name: str
    region: str


@fact()
def configured_cluster(cluster: Cluster, where: NodeRegion) -> EksCluster:
    """Tried before ``tagged_cluster``: it needs no call."""
    if not cluster.cloud_name:
        raise NotApplicable("the cluster's name in EKS is not configured")
    return EksCluster(cluster.cloud_name, cluster.region or where.region)


@fact()
def tagged_cluster(instance: Instance) -> EksCluster:
    tags = dict(instance.tags)
    for tag in _CLUSTER_TAGS:
        if tag in tags:
            return EksCluster(tags[tag], instance.region)
    raise NotApplicable(f"no tag of {instance.id} names its EKS cluster")


@dataclass(frozen=True, slots=True)
class NodegroupName:
    name: str


@fact()
def nodegroup_name(host: Host) -> NodegroupName:
    name = host.label(_NODEGROUP_LABEL)
    if not name:
        raise NotApplicable(f"{host.name} belongs to no managed node group")
    return NodegroupName(name)


@dataclass(frozen=True, slots=True)
class Nodegroup:
    """``issues``: what EKS itself complains of, e.g. ``IamNodeRoleNotFound``.

    ``unread`` says why nothing is known of it but its name.
    """

    cluster: str
    region: str
    name: str
    role_arn: str
    ami_type: str
    issues: tuple[str, ...] = ()
    unread: str = ""


@fact()
async def nodegroup(cluster: EksCluster, wanted: NodegroupName, aws: Aws) -> Nodegroup:
    try:
        answer = await aws(
            "eks",
            "describe_nodegroup",
            region=cluster.region,
            clusterName=cluster.name,
            nodegroupName=wanted.name,
        )
    except NotFound:
        raise NotApplicable(f"EKS knows no node group {wanted.name} in {cluster.name}") from None
    except Unavailable as why:
        return Nodegroup(cluster.name, cluster.region, wanted.name, "", "", unread=str(why))
    group = answer["nodegroup"]
    return Nodegroup(
        cluster=cluster.name,
        region=cluster.region,
        name=wanted.name,
        role_arn=group.get("nodeRole", ""),
        ami_type=group.get("amiType", ""),
        issues=tuple(sorted(one["code"] for one in group.get("health", {}).get("issues", ()))),
    )
