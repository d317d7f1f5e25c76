"""The network interface that really pulls.

On an EC2 node kubelet and the runtime live in the host's network namespace, so it is the instance's primary
interface, whatever pods have: security groups for pods and other subnets for pods do not matter. Where a
pod or a task has the only interface (Fargate), another fact gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from checks.aws.nodes import Instance
from checks.graph import fact
from checks.host import Host
from checks.model import Unavailable

LINUX_PORTS = (32768, 60999)  # net.ipv4.ip_local_port_range
WINDOWS_PORTS = (49152, 65535)


@dataclass(frozen=True, slots=True)
class Interface:
    """``account`` owns it; in a shared VPC that is not the account of the network.

    ``public_address`` is empty where it has none. Answers come back to one of ``ports``.
    ``how`` says in words whose interface it is. ``unread``: why its security groups and its public address
    are not known, or "". ``managed``: AWS runs the host, so nobody has set up a proxy there.
    """

    account: str
    region: str
    vpc: str
    subnet: str
    security_groups: tuple[str, ...]
    address: IPv4Address | None
    public_address: str
    ports: tuple[int, int]
    how: str
    unread: str = ""
    managed: bool = False


@fact()
def node_interface(instance: Instance, host: Host) -> Interface:
    return primary_interface(instance, windows=host.operating_system == "windows")


def primary_interface(instance: Instance, *, windows: bool) -> Interface:
    """:raises Unavailable: EC2 shows none."""
    if not instance.vpc or not instance.subnet:
        raise Unavailable(f"EC2 shows no network interface of {instance.id} (it may be starting or stopped)")
    return Interface(
        account=instance.account,
        region=instance.region,
        vpc=instance.vpc,
        subnet=instance.subnet,
        security_groups=instance.security_groups,
        address=IPv4Address(instance.address) if instance.address else None,
        public_address=instance.public_address,
        ports=WINDOWS_PORTS if windows else LINUX_PORTS,
        how=f"the primary interface of {instance.id}",
    )


@dataclass(frozen=True, slots=True)
class VpcId:
    """Everything that is read of a VPC depends on this alone, so a hundred nodes share each read."""

    region: str
    id: str

    @property
    def filters(self) -> list[dict[str, object]]:
        return [{"Name": "vpc-id", "Values": [self.id]}]


@fact()
def vpc_id(interface: Interface) -> VpcId:
    return VpcId(interface.region, interface.vpc)
