"""Make a VPC endpoint, and take away the one that was made.

EC2 accepts at once, and the endpoint is there a few minutes later: the step is done when it was accepted,
and the verification waits. What pullbot makes bears a tag, and only what bears it may its role delete.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from checks.aws.facts import Grant
from checks.model import NotFound, Unavailable
from handlers.remedies.aws.security_group_steps import TAG
from handlers.remedies.aws.steps import AwsWriter, same_policy
from handlers.remedy import Conflict, Diff, Standing, Step

_GONE = frozenset({"deleted", "deleting", "expired", "failed", "rejected"})
_SERVICES = tuple(
    f"{prefix}com.amazonaws.*.{service}"
    for prefix in ("", "cn.")
    for service in ("ecr.api", "ecr.dkr", "s3", "sts")
)
_ENDPOINTS = "arn:{partition}:ec2:*:*:vpc-endpoint/*"


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An interface endpoint has subnets and security groups, a gateway endpoint route tables.

    ``id`` and ``policy`` are what EC2 gave it.
    """

    region: str
    vpc: str
    service: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    id: str = ""
    policy: str = ""

    @property
    def gateway(self) -> bool:
        return not self.subnets

    @property
    def kind(self) -> str:
        return "Gateway" if self.gateway else "Interface"

    def __str__(self) -> str:
        lines = [f"{self.kind} endpoint for {self.service}"]
        if self.gateway:
            return "\n".join([*lines, f"route tables: {', '.join(self.route_tables)}"])
        lines += [f"subnets: {', '.join(self.subnets)}"]
        return "\n".join([*lines, f"security groups: {', '.join(self.security_groups)}", "private DNS: on"])

    @property
    def params(self) -> dict[str, Any]:
        how: dict[str, Any] = {"RouteTableIds": list(self.route_tables)}
        if not self.gateway:
            how = {"SubnetIds": list(self.subnets), "SecurityGroupIds": list(self.security_groups)}
            how["PrivateDnsEnabled"] = True
        return {"VpcId": self.vpc, "VpcEndpointType": self.kind, "ServiceName": self.service, **how}

    async def find(self, aws: AwsWriter) -> Mapping[str, Any] | None:
        """The endpoint of this id, or before it has one any of this kind, as EC2 describes it."""
        vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        answer = await aws("ec2", "describe_vpc_endpoints", region=self.region, Filters=vpc)
        for one in answer.get("VpcEndpoints", ()):
            alike = (one["ServiceName"], one.get("VpcEndpointType")) == (self.service, self.kind)
            alive = one.get("State", "").lower() not in _GONE
            if alike and alive and self.id in ("", one["VpcEndpointId"]):
                found: Mapping[str, Any] = one
                return found
        return None

    def is_described_by(self, one: Mapping[str, Any]) -> bool:
        groups = {group["GroupId"] for group in one.get("Groups", ())}
        return (
            set(one.get("SubnetIds", ())) == set(self.subnets)
            and groups == set(self.security_groups)
            and set(one.get("RouteTableIds", ())) == set(self.route_tables)
            and (self.gateway or bool(one.get("PrivateDnsEnabled")))
            and (not self.policy or same_policy(one.get("PolicyDocument") or "", self.policy))
        )

    def read_back(self, one: Mapping[str, Any]) -> NewEndpoint:
        return replace(self, id=one["VpcEndpointId"], policy=one.get("PolicyDocument") or "")


@dataclass(frozen=True, slots=True)
class CreateEndpoint(Step):
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeVpcEndpoints",)),
        Grant(
            ("ec2:CreateVpcEndpoint",),
            _ENDPOINTS,
            (
                ("StringEquals", "aws:RequestTag/pullbot", (TAG["Value"],)),
                ("StringLike", "ec2:VpceServiceName", _SERVICES),
            ),
        ),
        *(
            Grant(("ec2:CreateVpcEndpoint",), f"arn:{{partition}}:ec2:*:*:{kind}/*")
            for kind in ("route-table", "security-group", "subnet", "vpc")
        ),
        Grant(
            ("ec2:CreateTags",), _ENDPOINTS, (("StringEquals", "ec2:CreateAction", ("CreateVpcEndpoint",)),)
        ),
        Grant(
            ("ec2:DeleteVpcEndpoints",),
            _ENDPOINTS,
            (("StringEquals", "aws:ResourceTag/pullbot", (TAG["Value"],)),),
        ),
    )

    endpoint: NewEndpoint

    def diff(self) -> Diff:
        return Diff(f"{self.endpoint.vpc} ({self.endpoint.region})", "", str(self.endpoint))

    def commands(self) -> tuple[str, ...]:
        one = self.endpoint
        words = ["aws", "ec2", "create-vpc-endpoint", "--region", one.region, "--vpc-id", one.vpc]
        words += ["--vpc-endpoint-type", one.kind, "--service-name", one.service]
        if one.gateway:
            return (shlex.join([*words, "--route-table-ids", *one.route_tables]),)
        words += ["--subnet-ids", *one.subnets, "--security-group-ids", *one.security_groups]
        return (shlex.join([*words, "--private-dns-enabled"]),)

    def inverse(self) -> DeleteEndpoint:
        return DeleteEndpoint(self.endpoint)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await self.endpoint.find(aws)
        if found is None:
            return Standing.BEFORE
        return Standing.AFTER if self.endpoint.is_described_by(found) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> CreateEndpoint:
        tags = [{"ResourceType": "vpc-endpoint", "Tags": [TAG]}]
        try:
            answer = await aws(
                "ec2", "create_vpc_endpoint", region=self.endpoint.region,
                TagSpecifications=tags, **self.endpoint.params,
            )  # fmt: skip
        except NotFound as why:
            raise Conflict(f"what the endpoint should be in is gone: {why}") from None
        except Unavailable:
            # The answer may have been lost after it was made; undo needs its id.
            found = await self.endpoint.find(aws)
            if found is None or not self.endpoint.is_described_by(found):
                raise
            return CreateEndpoint(self.endpoint.read_back(found))
        return CreateEndpoint(self.endpoint.read_back(answer["VpcEndpoint"]))


@dataclass(frozen=True, slots=True)
class DeleteEndpoint(Step):
    """Only ever the way back from ``CreateEndpoint``; no remedy plans it."""

    endpoint: NewEndpoint

    def diff(self) -> Diff:
        return Diff(f"{self.endpoint.vpc} ({self.endpoint.region})", str(self.endpoint), "")

    def commands(self) -> tuple[str, ...]:
        words = ["aws", "ec2", "delete-vpc-endpoints", "--region", self.endpoint.region]
        return (shlex.join([*words, "--vpc-endpoint-ids", self.endpoint.id or "ENDPOINT"]),)

    def inverse(self) -> CreateEndpoint:
        return CreateEndpoint(replace(self.endpoint, id="", policy=""))

    async def look(self, aws: AwsWriter) -> Standing:
        found = await self.endpoint.find(aws)
        if found is None:
            return Standing.AFTER
        return Standing.BEFORE if self.endpoint.is_described_by(found) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> DeleteEndpoint:
        region, id = self.endpoint.region, self.endpoint.id
        if not id:
            found = await self.endpoint.find(aws)
            if found is None:
                raise Conflict(f"the endpoint for {self.endpoint.service} is gone already")
            id = str(found["VpcEndpointId"])
        answer = await aws("ec2", "delete_vpc_endpoints", region=region, VpcEndpointIds=[id])
        for one in answer.get("Unsuccessful", ()):  # with 200 OK
            error = one.get("Error", {})
            raise Unavailable(f"EC2 does not delete {id}: {error.get('Code')} {error.get('Message')}")
        return self
