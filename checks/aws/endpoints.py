"""The VPC's endpoints: doors to AWS services that need no way to the internet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.facts import Aws, Grant
from checks.aws.interface import VpcId
from checks.graph import fact

GRANTS = (Grant(("ec2:DescribeVpcEndpoints",)),)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``gateway``: reached by a route (``route_tables``); otherwise by its name, in its ``subnets``.

    ``private_dns``: the service's usual name leads to it within the VPC. ``policy`` is the JSON, "" if none.
    """

    id: str
    service: str
    service_region: str
    gateway: bool
    state: str
    private_dns: bool
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    route_tables: tuple[str, ...]
    policy: str

    @property
    def available(self) -> bool:
        return self.state == "available"


@dataclass(frozen=True, slots=True, eq=False)  # large, and read once for each VPC
class Endpoints:
    items: tuple[Endpoint, ...]


@fact()
async def endpoints(vpc: VpcId, aws: Aws) -> Endpoints:
    answer = await aws("ec2", "describe_vpc_endpoints", region=vpc.region, Filters=vpc.filters)
    found = [_endpoint(one) for one in answer.get("VpcEndpoints", ())]
    # Working ones first: of a service that was made anew the failed one may still be listed.
    return Endpoints(tuple(sorted(found, key=lambda one: (not one.available, one.id))))


def _endpoint(one: Mapping[str, Any]) -> Endpoint:
    for_others = one.get("DnsOptions", {}).get("PrivateDnsOnlyForInboundResolverEndpoint", False)
    policy = one.get("PolicyDocument") or ""
    return Endpoint(
        id=one["VpcEndpointId"],
        service=one.get("ServiceName", ""),
        service_region=one.get("ServiceRegion", ""),
        gateway=one.get("VpcEndpointType") == "Gateway",
        state=one.get("State", "").lower(),  # the model says Available, the wire available
        private_dns=bool(one.get("PrivateDnsEnabled")) and not for_others,
        subnets=tuple(sorted(one.get("SubnetIds", ()))),
        security_groups=tuple(sorted(group["GroupId"] for group in one.get("Groups", ()))),
        route_tables=tuple(sorted(one.get("RouteTableIds", ()))),
        policy=policy if isinstance(policy, str) else json.dumps(policy),
    )
