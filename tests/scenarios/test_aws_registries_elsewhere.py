"""Pulls from registries that are none of ECR: the way to the internet is judged, no endpoint is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model import Status
from tests.fakes.aws_account import ACCOUNT
from tests.fakes.aws_door import Door
from tests.fakes.aws_network import (
    ALL,
    Network,
    account,
    dhcp_options,
    endpoint_network,
    entry,
    nat_network,
    of,
    routes_of,
    rule,
)
from tests.fakes.aws_world import FARGATE, HOST, World, on_eks
from tests.fakes.aws_world import Seen as Found
from tests.fakes.ecs_worlds import EcsAndAll, ecs_account, on_ecs, stop

QUAY = "quay.io/acme/web:1"
OWN = "registry.acme.example:5000/web:1"
ROUTE, NAT = "aws/subnet_routes_out", "aws/nat_gateway_works"
GROUP, ACL = "aws/security_group_lets_out", "aws/network_acl_lets_through"
ADDRESS = "aws/task_has_public_ip"
NETWORK = {
    NAT, ACL, "aws/public_access_is_not_blocked", GROUP, ROUTE, "aws/vpc_dns_is_on",
}  # fmt: skip


def timeout(host: str = "quay.io", address: str = "34.226.69.105:443") -> str:
    return f'failed to do request: Head "https://{host}/v2/": dial tcp {address}: i/o timeout'


SILENCE = (
    'failed to do request: Head "https://quay.io/v2/": net/http: request canceled while waiting for '
    "connection (Client.Timeout exceeded while awaiting headers)"
)
HUB_TIMEOUT = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
    f"docker.io/library/nginx:1: {timeout('registry-1.docker.io')}"
)


async def seen(network: Network, message: str, image: str = QUAY, **more: Any) -> Found:
    world = on_eks(account(network), message, kind="nodegroup/default", image=image, **more)
    return await at(world)


async def at(world: World) -> Found:
    return await world.look(Door(world.aws))


def causes(found: Found) -> set[str]:
    return {check for check, one in found.findings.items() if one.is_cause}


def aws(found: Found, *statuses: Status) -> set[str]:
    return {
        check
        for check, one in found.findings.items()
        if check.startswith("aws/") and one.verdict.status in statuses
    }


def all_aws(found: Found) -> set[str]:
    return aws(found, *Status)


def offered(found: Found) -> set[str]:
    return {one.remedy for one in found.offers}


def broken_nat() -> Network:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    return network


def fargate_account(image: str = "docker.io/library/nginx:1") -> EcsAndAll:
    return ecs_account(image=image)


async def test_a_healthy_way_out_is_accused_of_nothing() -> None:
    found = await seen(nat_network(), timeout())
    assert aws(found, Status.PASS) == all_aws(found) == NETWORK


async def test_a_nat_gateway_that_failed_stops_pulls_from_quay() -> None:
    found = await seen(broken_nat(), timeout())
    assert causes(found) == {NAT} == aws(found, Status.FAIL)
    assert "nat-1 is failed: the registry cannot be reached" in found.findings[NAT].verdict.summary


async def test_it_does_so_too_where_the_message_names_no_address() -> None:
    assert causes(await seen(broken_nat(), SILENCE)) == {NAT}


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/nginx:1",
        "public.ecr.aws/nginx/nginx:1",
        "ghcr.io/acme/web:1",
        "us-docker.pkg.dev/a/b:1",
    ],
)
async def test_endpoints_are_never_what_a_registry_elsewhere_lacks(image: str) -> None:
    host = image.partition("/")[0]
    found = await seen(endpoint_network(), timeout(host), image)
    assert causes(found) == {ROUTE} == aws(found, Status.FAIL)
    assert not {one for one in all_aws(found) if "endpoint" in one}
    assert not {one for one in offered(found) if "endpoint" in one}


async def test_a_security_group_that_lets_no_https_out() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [rule("10.0.0.0/16")]
    found = await seen(network, timeout())
    assert causes(found) == {GROUP} == aws(found, Status.FAIL)
    [plan] = [one.plan for one in found.offers if one.remedy == "aws/open_security_group" and one.plan]
    assert "0.0.0.0/0" in str(plan.steps)


async def test_a_network_acl_that_lets_no_answers_in() -> None:
    network = nat_network()
    of(network, "describe_network_acls", "acl-a")["Entries"] = [entry(100, egress=True, protocol="-1")]
    assert causes(await seen(network, timeout())) == {ACL}


async def test_a_task_on_fargate_without_a_public_address_does_not_reach_docker_hub() -> None:
    task = fargate_account()
    stop(task, HUB_TIMEOUT, in_container=True)
    found = await at(await on_ecs(task))
    assert causes(found) == {ADDRESS} == aws(found, Status.FAIL)
    assert {remedy for remedy, _ in found.plans} == {"aws/assign_public_ip"}


async def test_on_fargate_nobody_has_a_proxy_so_that_no_route_is_a_cause_without_an_address() -> None:
    task = on_fargate("CannotPullContainerError: context deadline exceeded", "docker.io/library/nginx:1")
    assert causes(await at(await on_ecs(task))) == {ROUTE}


async def test_a_node_without_a_route_may_have_a_proxy() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = []
    found = await seen(network, SILENCE)
    assert aws(found, Status.FAIL) == set()
    assert "to a proxy at most" in found.findings[ROUTE].verdict.summary
    assert causes(await seen(network, timeout())) == {ROUTE}


async def test_a_private_address_is_not_judged_by_routes_to_the_internet() -> None:
    message = timeout("registry.acme.example:5000", "10.8.0.9:5000")
    found = await seen(broken_nat(), message, OWN)
    assert aws(found, Status.FAIL) == set()
    assert "10.8.0.9 was dialled" in found.findings[ROUTE].verdict.summary
    found = await seen(
        broken_nat(), message.replace("registry.acme.example", "10.8.0.9"), "10.8.0.9:5000/web:1"
    )
    assert aws(found, Status.FAIL) == set()


async def test_a_security_group_that_does_not_let_out_to_the_private_address_that_was_dialled() -> None:
    network = nat_network()
    group = of(network, "describe_security_groups", "sg-1")
    group["IpPermissionsEgress"] = [rule(ALL), rule("10.0.0.0/16", ports=(5000, 5000))]
    message = timeout("registry.acme.example:5000", "10.8.0.9:5000")
    found = await seen(network, message, OWN)
    assert causes(found) == {GROUP}
    assert "no TCP 5000 out to 10.8.0.9" in found.findings[GROUP].verdict.summary
    [refused] = [one for one in found.offers if one.remedy == "aws/open_security_group"]
    assert refused.plan is None
    group["IpPermissionsEgress"] = [rule("10.8.0.0/16", ports=(5000, 5010))]
    assert aws(await seen(network, message, OWN), Status.FAIL) == set()


async def test_no_acl_applies_within_the_nodes_own_subnet() -> None:
    network = nat_network()
    of(network, "describe_network_acls", "acl-a")["Entries"] = []
    message = timeout("registry.acme.example:5000", "10.0.1.9:5000")
    assert aws(await seen(network, message, OWN), Status.FAIL) == set()
    assert causes(await seen(network, message.replace("10.0.1.9", "10.0.9.9"), OWN)) == {ACL}


async def test_a_host_that_nobody_knows_is_judged_only_by_the_address_that_was_dialled() -> None:
    unnamed = SILENCE.replace("quay.io", "registry.acme.example:5000")
    found = await seen(broken_nat(), unnamed, OWN)
    assert aws(found, Status.FAIL) == set()
    assert "whether registry.acme.example is on the internet" in found.findings[ROUTE].verdict.summary
    named = timeout("registry.acme.example:5000", "34.226.69.105:5000")
    assert causes(await seen(broken_nat(), named, OWN)) == {NAT}


@pytest.mark.parametrize("hidden", ["dns", "zone"])
async def test_a_name_that_may_be_answered_within_the_network_accuses_nobody(hidden: str) -> None:
    network = broken_nat()
    if hidden == "dns":
        network["describe_dhcp_options"] = {"DhcpOptions": [dhcp_options("10.0.0.53")]}
    else:
        network["list_hosted_zones_by_vpc"] = {"HostedZoneSummaries": [{"Name": "quay.io."}]}
    assert aws(await seen(network, SILENCE), Status.FAIL) == set()
    assert causes(await seen(network, timeout())) == {NAT}


async def test_a_mirror_without_an_address_is_nobodys_internet() -> None:
    found = await seen(broken_nat(), SILENCE.replace("quay.io", "mirror.acme.example"))
    assert causes(found) == set()


async def test_layers_from_another_host_take_the_same_way() -> None:
    found = await seen(broken_nat(), timeout("cdn.example.net"))
    assert causes(found) == {NAT}


async def test_what_a_registry_answered_is_no_networks_doing() -> None:
    found = await seen(broken_nat(), "quay.io/acme/web:1: not found")
    assert all_aws(found) == {"aws/vpc_dns_is_on"} == aws(found, Status.PASS)


async def test_the_switch_for_endpoints_names_does_not_matter_elsewhere() -> None:
    network = nat_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    for message in (timeout(), "quay.io/acme/web:1: not found"):
        found = await seen(network, message)
        assert found.findings["aws/vpc_dns_is_on"].verdict.status is Status.PASS


async def test_a_pod_on_fargate_of_eks_is_judged_alike() -> None:
    network = broken_nat()
    network["describe_fargate_profile"] = {
        "fargateProfile": {
            "fargateProfileArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:fargateprofile/demo/fp/1",
            "subnets": ["subnet-a"],
        }
    }
    network["describe_network_interfaces"] = {
        "NetworkInterfaces": [
            {"OwnerId": ACCOUNT, "VpcId": "vpc-1", "SubnetId": "subnet-a", "Groups": [{"GroupId": "sg-1"}]}
        ]
    }
    world = on_eks(account(network), SILENCE, image=QUAY, host=FARGATE, kind="fargate/fp")
    assert causes(await at(world)) == {NAT}


def on_fargate(message: str, image: str) -> EcsAndAll:
    """In a private subnet whose route table leads nowhere."""
    task = fargate_account(image)
    for one in task.ecs.services.values():
        one["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = ["subnet-a"]
    routes_of(task.account.answers, "rtb-a")[1:] = []
    stop(task, message, subnet="subnet-a", in_container=True)
    return task


@pytest.mark.parametrize("image", ["docker.io/library/nginx:1", f"{HOST}/app:1.2.1"])
async def test_that_fargate_gave_up_is_explained_by_a_network_without_a_way_out(image: str) -> None:
    found = await at(await on_ecs(on_fargate("CannotPullContainerError: context canceled", image)))
    assert ROUTE in causes(found)


async def test_a_runtime_that_gave_up_elsewhere_is_not_explained_by_the_network() -> None:
    assert not causes(await seen(broken_nat(), "failed to pull image: context canceled")) & NETWORK
