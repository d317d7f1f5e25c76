"""What EC2 does and moto does not, and how a VPC looks before and after."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from bot.clouds._aws import AwsHands
from bot.demo.aws_world import ACCOUNT


@contextmanager
def aws_at(url: str) -> Iterator[None]:
    """boto3 finds this AWS and nothing else; for what several tests share. ``aws_url`` is for one."""
    settings = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    with pytest.MonkeyPatch.context() as variables:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            variables.delenv(name)
        for name, value in settings.items():
            variables.setenv(name, value)
        yield


class Ec2Hands:
    """The port ``AwsWriter`` on moto: changes of an endpoint also change its names and its routes."""

    def __init__(self, hands: AwsHands, ec2: Any) -> None:
        self._hands, self._ec2 = hands, ec2

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        answer = await self._hands(service, operation, region=region, account=account, **params)
        if operation == "modify_vpc_endpoint":
            self._finish(region, params)
        return answer

    def _finish(self, region: str, params: Mapping[str, Any]) -> None:
        ec2, endpoint = self._ec2, params["VpcEndpointId"]
        if "PrivateDnsEnabled" in params:
            set_private_dns(region, endpoint, on=params["PrivateDnsEnabled"])
        for table in params.get("AddRouteTableIds", ()):
            ec2.create_route(RouteTableId=table, DestinationPrefixListId=s3_list(ec2), GatewayId=endpoint)
        for table in params.get("RemoveRouteTableIds", ()):
            ec2.delete_route(RouteTableId=table, DestinationPrefixListId=s3_list(ec2))


def set_private_dns(region: str, endpoint: str, *, on: bool) -> None:
    """moto's server is in this process; what its API cannot do is done to what it holds."""
    backend: Any = ec2_backends[ACCOUNT][region]
    backend.vpc_end_points[endpoint].private_dns_enabled = on


def s3_list(ec2: Any) -> str:
    """The prefix list of S3."""
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    return next(str(one["PrefixListId"]) for one in lists if one["PrefixListName"].endswith(".s3"))


def described(ec2: Any, vpc: str) -> str:
    """All that is described of a VPC and may be changed, in one text; what is deleted is left out."""
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    parts = [
        ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"],
        ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"],
        ec2.describe_route_tables(Filters=of_vpc)["RouteTables"],
        [one for one in endpoints if one["State"] != "deleted"],
        [
            ec2.describe_vpc_attribute(VpcId=vpc, Attribute=one)[f"E{one[1:]}"]
            for one in ("enableDnsSupport", "enableDnsHostnames")
        ],
    ]
    return json.dumps(_ordered(parts), indent=1, default=str)


def _ordered(value: Any) -> Any:
    """Lists of EC2 have no order."""
    if isinstance(value, dict):
        return {key: _ordered(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return sorted((_ordered(one) for one in value), key=lambda one: json.dumps(one, default=str))
    return value
