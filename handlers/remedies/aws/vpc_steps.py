"""Switches of a VPC and of its endpoints: on or off, and back by the same call with the other word."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from checks.aws.facts import Grant
from checks.model import NotFound
from handlers.remedies.aws.steps import AwsWriter, pretty_policy, same_policy
from handlers.remedy import Conflict, Diff, Standing, Step

_ENDPOINTS = "arn:{partition}:ec2:*:*:vpc-endpoint/*"


class DnsAttribute(Enum):
    """As EC2 calls them; it takes one at a time, and host names only where there is support."""

    SUPPORT = "enableDnsSupport"
    HOSTNAMES = "enableDnsHostnames"

    @property
    def key(self) -> str:
        """The name of the parameter, and of what is answered."""
        return f"E{self.value[1:]}"

    @property
    def option(self) -> str:
        return {"enableDnsSupport": "dns-support", "enableDnsHostnames": "dns-hostnames"}[self.value]


@dataclass(frozen=True, slots=True)
class SetVpcDns(Step):
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeVpcAttribute",)),
        Grant(("ec2:ModifyVpcAttribute",), "arn:{partition}:ec2:*:*:vpc/*"),
    )

    region: str
    vpc: str
    attribute: DnsAttribute
    on: bool

    def diff(self) -> Diff:
        name = self.attribute.value
        return Diff(
            f"{self.vpc} ({self.region})", f"{name}: {_onoff(not self.on)}", f"{name}: {_onoff(self.on)}"
        )

    def commands(self) -> tuple[str, ...]:
        words = ["aws", "ec2", "modify-vpc-attribute", "--region", self.region, "--vpc-id", self.vpc]
        return (shlex.join([*words, f"--{'' if self.on else 'no-'}enable-{self.attribute.option}"]),)

    def inverse(self) -> SetVpcDns:
        return replace(self, on=not self.on)

    async def look(self, aws: AwsWriter) -> Standing:
        try:
            answer = await aws(
                "ec2", "describe_vpc_attribute", region=self.region,
                VpcId=self.vpc, Attribute=self.attribute.value,
            )  # fmt: skip
        except NotFound:
            raise Conflict(f"{self.vpc} is gone") from None
        return _standing(bool(answer[self.attribute.key]["Value"]) is self.on)

    async def write(self, aws: AwsWriter) -> SetVpcDns:
        params: dict[str, Any] = {"VpcId": self.vpc, self.attribute.key: {"Value": self.on}}
        try:
            await aws("ec2", "modify_vpc_attribute", region=self.region, **params)
        except NotFound:
            raise Conflict(f"{self.vpc} is gone") from None
        return self


@dataclass(frozen=True, slots=True)
class SetPrivateDns(Step):
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeVpcEndpoints",)),
        Grant(("ec2:ModifyVpcEndpoint",), _ENDPOINTS),
    )

    region: str
    endpoint: str
    on: bool

    def diff(self) -> Diff:
        return Diff(
            f"{self.endpoint} ({self.region})",
            f"private DNS: {_onoff(not self.on)}",
            f"private DNS: {_onoff(self.on)}",
        )

    def commands(self) -> tuple[str, ...]:
        option = f"--{'' if self.on else 'no-'}private-dns-enabled"
        return (_modify_command(self.region, self.endpoint, option),)

    def inverse(self) -> SetPrivateDns:
        return replace(self, on=not self.on)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await _endpoint(self.region, self.endpoint, aws)
        return _standing(bool(found.get("PrivateDnsEnabled")) is self.on)

    async def write(self, aws: AwsWriter) -> SetPrivateDns:
        await _modify(self.region, self.endpoint, aws, PrivateDnsEnabled=self.on)
        return self


@dataclass(frozen=True, slots=True)
class LeadToEndpoint(Step):
    """Whether a route table leads (``leads``) what goes to the service to a gateway endpoint."""

    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeVpcEndpoints",)),
        Grant(("ec2:ModifyVpcEndpoint",), _ENDPOINTS),
        Grant(("ec2:ModifyVpcEndpoint",), "arn:{partition}:ec2:*:*:route-table/*"),
    )

    region: str
    endpoint: str
    table: str
    leads: bool

    def diff(self) -> Diff:
        route = f"a route to {self.endpoint}"
        target = f"{self.table} ({self.region})"
        return Diff(target, "", route) if self.leads else Diff(target, route, "")

    def commands(self) -> tuple[str, ...]:
        option = f"--{'add' if self.leads else 'remove'}-route-table-ids"
        return (_modify_command(self.region, self.endpoint, option, self.table),)

    def inverse(self) -> LeadToEndpoint:
        return replace(self, leads=not self.leads)

    async def look(self, aws: AwsWriter) -> Standing:
        found = await _endpoint(self.region, self.endpoint, aws)
        return _standing((self.table in found.get("RouteTableIds", ())) is self.leads)

    async def write(self, aws: AwsWriter) -> LeadToEndpoint:
        key = "AddRouteTableIds" if self.leads else "RemoveRouteTableIds"
        await _modify(self.region, self.endpoint, aws, **{key: [self.table]})
        return self


@dataclass(frozen=True, slots=True)
class SetEndpointPolicy(Step):
    """``before`` and ``after`` are exact texts, compared by meaning."""

    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("ec2:DescribeVpcEndpoints",)),
        Grant(("ec2:ModifyVpcEndpoint",), _ENDPOINTS),
    )

    region: str
    endpoint: str
    before: str
    after: str

    def diff(self) -> Diff:
        return Diff(
            f"{self.endpoint} ({self.region}), policy", pretty_policy(self.before), pretty_policy(self.after)
        )

    def commands(self) -> tuple[str, ...]:
        return (_modify_command(self.region, self.endpoint, "--policy-document", self.after),)

    def inverse(self) -> SetEndpointPolicy:
        return replace(self, before=self.after, after=self.before)

    async def look(self, aws: AwsWriter) -> Standing:
        now = (await _endpoint(self.region, self.endpoint, aws)).get("PolicyDocument") or ""
        if same_policy(now, self.before):
            return Standing.BEFORE
        return Standing.AFTER if same_policy(now, self.after) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> SetEndpointPolicy:
        # Never ResetPolicy, which would open the endpoint to everything.
        await _modify(self.region, self.endpoint, aws, PolicyDocument=self.after)
        return self


async def _endpoint(region: str, endpoint: str, aws: AwsWriter) -> Mapping[str, Any]:
    try:
        answer = await aws("ec2", "describe_vpc_endpoints", region=region, VpcEndpointIds=[endpoint])
    except NotFound:
        raise Conflict(f"the endpoint {endpoint} is gone") from None
    for one in answer.get("VpcEndpoints", ()):
        if one.get("State", "").lower() not in ("deleted", "deleting"):
            found: Mapping[str, Any] = one
            return found
    raise Conflict(f"the endpoint {endpoint} is gone")


async def _modify(region: str, endpoint: str, aws: AwsWriter, **change: Any) -> None:
    try:
        await aws("ec2", "modify_vpc_endpoint", region=region, VpcEndpointId=endpoint, **change)
    except NotFound as why:
        raise Conflict(f"{endpoint} changed meanwhile: {why}") from None


def _modify_command(region: str, endpoint: str, *change: str) -> str:
    words = ["aws", "ec2", "modify-vpc-endpoint", "--region", region, "--vpc-endpoint-id", endpoint]
    return shlex.join([*words, *change])


def _standing(reached: bool) -> Standing:
    return Standing.AFTER if reached else Standing.BEFORE


def _onoff(on: bool) -> str:
    return "on" if on else "off"
