"""The VPC's two DNS attributes: which have to be turned on first, so that endpoints get private names."""

from __future__ import annotations

from checks.aws.connection import Connection
from handlers.remedies.aws.vpc_steps import DnsAttribute, SetVpcDns
from handlers.remedy import Refused


def both_on(now: Connection) -> tuple[tuple[SetVpcDns, ...], Connection]:
    """The steps it takes, in the order that EC2 wants, and the connection with both attributes on.

    :raises Refused: whether they are on is not known.
    """
    attributes = now.network.attributes
    if attributes.unread:
        raise Refused(f"whether the VPC's DNS is on is not known: {attributes.unread}")
    steps = []
    if not attributes.support:
        steps.append(turned_on(DnsAttribute.SUPPORT, now))
    if not attributes.hostnames:
        steps.append(turned_on(DnsAttribute.HOSTNAMES, now))
    return tuple(steps), now.with_dns(support=True, hostnames=True)


def turned_on(attribute: DnsAttribute, now: Connection) -> SetVpcDns:
    return SetVpcDns(now.interface.region, now.vpc.id, attribute, on=True)
