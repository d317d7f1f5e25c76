"""A pod on EKS Fargate: its profile names the role that pulls, and its network interface is its own.

What stands for a node is no instance, and no node group has a say. The node's object tells that it is
Fargate, which anybody's label on a pod does not; the pod's label then names the profile.
(docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from checks.aws.facts import Aws, Grant
from checks.aws.interface import LINUX_PORTS, Interface
from checks.aws.nodes import COMPUTE_TYPE_LABEL, EksCluster
from checks.graph import fact
from checks.host import Host
from checks.model import FailedPull, NotApplicable, NotFound, Unavailable

GRANTS = (
    Grant(("eks:DescribeFargateProfile",), "arn:{partition}:eks:*:*:fargateprofile/*"),
    Grant(("ec2:DescribeNetworkInterfaces",)),
)

_HOST_KIND = "fargate/"
# aws:///us-west-2a/0123456789-abcdef/fargate-ip-10-0-1-9.us-west-2.compute.internal; nodes are named alike.
_ADDRESS = re.compile(r"(?:^|/)fargate-ip-(\d+)-(\d+)-(\d+)-(\d+)(?:\.|$)")


def is_fargate(host: Host) -> bool:
    return host.label(COMPUTE_TYPE_LABEL) == "fargate" or "/fargate-" in host.provider_id


@dataclass(frozen=True, slots=True)
class ProfileName:
    """The Fargate profile that took the pod."""

    name: str


@fact()
def profile_name(pull: FailedPull, host: Host) -> ProfileName:
    if not is_fargate(host):
        raise NotApplicable(f"{host.name} is no Fargate node")
    if not pull.host_kind.startswith(_HOST_KIND):
        raise Unavailable(f"no label of the pods on {host.name} names their Fargate profile")
    return ProfileName(pull.host_kind.removeprefix(_HOST_KIND))


@dataclass(frozen=True, slots=True)
class FargateProfile:
    """``role_arn`` is the pod execution role. ``issues``: what EKS itself complains of."""

    cluster: str
    region: str
    name: str
    arn: str
    role_arn: str
    subnets: tuple[str, ...]
    issues: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def any_profile(self) -> str:
        """What a trust policy compares ``aws:SourceArn`` with: every profile of the cluster."""
        return f"{self.arn.partition('/')[0]}/{self.cluster}/*"


@fact()
async def fargate_profile(wanted: ProfileName, cluster: EksCluster | None, aws: Aws) -> FargateProfile:
    if cluster is None:
        raise Unavailable(
            f"the cluster's name in EKS is not known, so the Fargate profile {wanted.name} is not"
        )
    try:
        answer = await aws(
            "eks",
            "describe_fargate_profile",
            region=cluster.region,
            clusterName=cluster.name,
            fargateProfileName=wanted.name,
        )
    except NotFound:
        raise Unavailable(f"EKS knows no Fargate profile {wanted.name} in {cluster.name}") from None
    profile = answer["fargateProfile"]
    return FargateProfile(
        cluster=cluster.name,
        region=cluster.region,
        name=wanted.name,
        arn=profile.get("fargateProfileArn", ""),
        role_arn=profile.get("podExecutionRoleArn", ""),
        subnets=tuple(sorted(profile.get("subnets", ()))),
        issues=tuple(sorted(one["code"] for one in profile.get("health", {}).get("issues", ()))),
    )


@fact()
async def fargate_interface(profile: FargateProfile, host: Host, aws: Aws) -> Interface:
    """Found by its address, which is in the node's name. Its security groups are not those of any node."""
    found = _ADDRESS.search(host.provider_id) or _ADDRESS.search(host.name)
    if found is None:
        raise Unavailable(
            f"the address of the pod on {host.name} is not known, so its network interface is not"
        )
    address = ".".join(found.groups())
    answer = await aws(
        "ec2",
        "describe_network_interfaces",
        region=profile.region,
        Filters=[
            {"Name": "addresses.private-ip-address", "Values": [address]},
            {"Name": "subnet-id", "Values": list(profile.subnets)},
        ],
    )
    for one in answer.get("NetworkInterfaces", ()):
        return Interface(
            account=one.get("OwnerId", ""),
            region=profile.region,
            vpc=one["VpcId"],
            subnet=one["SubnetId"],
            security_groups=tuple(sorted(group["GroupId"] for group in one.get("Groups", ()))),
            address=IPv4Address(address),
            public_address=one.get("Association", {}).get("PublicIp", ""),
            ports=LINUX_PORTS,
            how=f"the network interface of the Fargate pod at {address}",
            managed=True,
        )
    raise Unavailable(f"EC2 shows no network interface of {address} in the subnets of {profile.name}")
