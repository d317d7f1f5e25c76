"""One fault at a time in two healthy networks: its check fails, and no other is led astray."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from checks.aws.facts import Aws
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, Finding, Leg, Status, Symptom, causes
from tests.fakes.aws_account import ACCOUNT, PULL, Account
from tests.fakes.aws_network import (
    ALL,
    NODE,
    READS,
    Network,
    NoCluster,
    account,
    dhcp_options,
    endpoint_network,
    endpoint_of,
    entry,
    failed_pull,
    nat_network,
    of,
    routes_of,
    rule,
    without_endpoint,
)

REGISTRY = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
API = "api.ecr.us-west-2.amazonaws.com"
S3 = "prod-us-west-2-starport-layer-bucket.s3.us-west-2.amazonaws.com"
CATALOG = Catalog.load()
NETWORK = frozenset({
    "aws/endpoint_policy_allows_pull", "aws/endpoint_private_dns_is_on",
    "aws/endpoint_security_group_lets_in", "aws/endpoints_are_complete",
    "aws/nat_gateway_works", "aws/network_acl_lets_through",
    "aws/public_access_is_not_blocked", "aws/s3_endpoint_policy_allows_layers",
    "aws/security_group_lets_out", "aws/subnet_routes_out", "aws/vpc_dns_is_on",
})  # fmt: skip
OF_NAT = {
    "aws/nat_gateway_works",
    "aws/network_acl_lets_through",
    "aws/public_access_is_not_blocked",
    "aws/security_group_lets_out",
    "aws/subnet_routes_out",
    "aws/vpc_dns_is_on",
}
OF_ENDPOINTS = NETWORK - {
    "aws/nat_gateway_works",
    "aws/public_access_is_not_blocked",
    "aws/subnet_routes_out",
}


def timeout(address: str = "34.210.1.1", host: str = REGISTRY) -> str:
    return f'failed to do request: Head "https://{host}/v2/": dial tcp {address}:443: i/o timeout'


async def look(aws: Account, failure: FailedPull | None = None, host: Host = NODE) -> dict[str, Finding]:
    roots = {Aws: aws, Host: host, Cluster: Cluster("demo"), Kube: NoCluster()}
    found = diagnose(CATALOG, [failure or failed_pull()], roots, {})

    async def collected() -> dict[str, Finding]:
        return {one.check: one async for one in found if one.check.startswith("aws/")}

    findings: dict[str, Finding] = await aws.run(collected())
    return findings


def with_status(findings: dict[str, Finding], status: Status) -> set[str]:
    return {name for name, one in findings.items() if one.verdict.status is status}


def explained(findings: dict[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(findings.values()))]


async def fails_alone(check: str, network: Network, failure: FailedPull | None = None) -> Finding:
    """Nothing else of AWS fails, and nothing is unknown."""
    findings = await look(account(network), failure)
    assert with_status(findings, Status.FAIL) == {check}, told(findings)
    assert with_status(findings, Status.UNKNOWN) == set(), told(findings)
    return findings[check]


async def fails_alone_but_for_unknowns(check: str, network: Network, failure: FailedPull) -> Finding:
    findings = await look(account(network), failure)
    assert with_status(findings, Status.FAIL) == {check}, told(findings)
    return findings[check]


async def is_unknown(check: str, network: Network, failure: FailedPull | None = None) -> str:
    findings = await look(account(network), failure)
    assert with_status(findings, Status.FAIL) == set(), told(findings)
    assert findings[check].verdict.status is Status.UNKNOWN, told(findings)
    return findings[check].verdict.summary


def told(findings: dict[str, Finding]) -> str:
    return "\n".join(
        f"{one.check} {one.verdict.status.value}: {one.verdict.summary}" for one in findings.values()
    )


@pytest.mark.parametrize(
    ("network", "expected"),
    [(nat_network, OF_NAT), (endpoint_network, OF_ENDPOINTS)],
    ids=["nat", "endpoints"],
)
async def test_a_healthy_network_is_accused_of_nothing(
    network: Callable[[], Network], expected: set[str]
) -> None:
    findings = await look(account(network()))
    assert with_status(findings, Status.PASS) == set(findings)
    assert set(findings) & NETWORK == expected


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("network", [nat_network, endpoint_network], ids=["nat", "endpoints"])
async def test_a_denied_read_leaves_its_checks_unknown_and_accuses_nobody(
    network: Callable[[], Network], read: str
) -> None:
    healthy = await look(account(network()))
    aws = account(network())
    aws.denied.add(read)
    findings = await look(aws)
    assert with_status(findings, Status.FAIL) == set()
    for name, one in findings.items():
        if one.verdict.status is Status.UNKNOWN:
            assert read in one.verdict.summary, name
        else:
            assert name in healthy


# Routes


async def test_no_default_route() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = []
    found = await fails_alone("aws/subnet_routes_out", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.verdict.about == "rtb-a"


async def test_a_default_route_into_a_blackhole() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1]["State"] = "blackhole"
    found = await fails_alone("aws/subnet_routes_out", network)
    assert "0.0.0.0/0 to nat-1 in rtb-a is a blackhole" in found.verdict.summary


async def test_an_internet_gateway_without_a_public_address() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": ALL, "GatewayId": "igw-1"}
    found = await fails_alone("aws/subnet_routes_out", network)
    assert "no public address" in found.verdict.summary


async def test_an_endpoint_for_s3_alone_makes_no_private_network() -> None:
    network = endpoint_network()
    network["describe_vpc_endpoints"]["VpcEndpoints"][:2] = []
    found = await fails_alone("aws/subnet_routes_out", network)
    assert "layers" not in found.verdict.summary


@pytest.mark.parametrize("target", [{"TransitGatewayId": "tgw-1"}, {"GatewayId": "vpce-firewall"}])
async def test_a_network_that_we_do_not_see_is_not_accused(target: dict[str, str]) -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": ALL, "State": "active", **target}
    assert next(iter(target.values())) in await is_unknown("aws/subnet_routes_out", network)


async def test_an_image_of_another_region_has_no_use_for_the_endpoints_of_this_one() -> None:
    image = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/app:1.2.1"
    await fails_alone("aws/subnet_routes_out", endpoint_network(), failed_pull(image=image))


# NAT gateways


@pytest.mark.parametrize("state", ["pending", "failed", "deleting", "deleted"])
async def test_a_nat_gateway_that_is_not_available(state: str) -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1").update(State=state, FailureCode="Gateway.NotAttached")
    found = await fails_alone("aws/nat_gateway_works", network)
    assert found.verdict.about == "nat-1"
    assert "Gateway.NotAttached" in found.verdict.summary


@pytest.mark.parametrize(
    "routes",
    [
        [],
        [{"DestinationCidrBlock": ALL, "NatGatewayId": "nat-1"}],
        [{"DestinationCidrBlock": ALL, "GatewayId": "igw-1", "State": "blackhole"}],
    ],
)
async def test_a_nat_gateway_in_a_subnet_that_leads_nowhere(routes: list[dict[str, str]]) -> None:
    network = nat_network()
    routes_of(network, "rtb-p")[1:] = routes
    await fails_alone("aws/nat_gateway_works", network)


async def test_a_nat_gateway_in_the_subnet_that_it_serves() -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["SubnetId"] = "subnet-a"
    await fails_alone("aws/nat_gateway_works", network)


async def test_within_its_own_subnet_a_nat_gateway_meets_no_acl() -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["SubnetId"] = "subnet-a"
    ingress(network, "acl-a", entry(100, ports=(32768, 65535)))
    await fails_alone("aws/nat_gateway_works", network)


async def test_a_private_nat_gateway_before_an_internet_gateway() -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["ConnectivityType"] = "private"
    await fails_alone("aws/nat_gateway_works", network)
    routes_of(network, "rtb-p")[1] = {"DestinationCidrBlock": ALL, "TransitGatewayId": "tgw-1"}
    assert "tgw-1" in await is_unknown("aws/nat_gateway_works", network)


async def test_a_regional_nat_gateway_is_in_no_subnet() -> None:
    network = nat_network()
    del of(network, "describe_nat_gateways", "nat-1")["SubnetId"]
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings)


# Security groups


@pytest.mark.parametrize(
    "rules",
    [[], [rule(ALL, ports=(80, 80))], [rule(ALL, protocol="udp")], [rule("10.0.0.0/8", protocol="-1")]],
)
async def test_a_security_group_that_lets_no_https_out(rules: list[Any]) -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = rules
    found = await fails_alone("aws/security_group_lets_out", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.verdict.about == "sg-1"


@pytest.mark.parametrize(
    "rules",
    [
        [rule(ALL)],
        [rule(ALL, ports=(1, 65535))],
        [rule(ALL, protocol="6")],
        [rule("0.0.0.0/1"), rule("128.0.0.0/1")],
    ],
)
async def test_a_security_group_that_lets_https_out_to_everywhere(rules: list[Any]) -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = rules
    assert with_status(await look(account(network)), Status.FAIL) == set()


async def test_what_several_groups_let_out_adds_up() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    interface = network["describe_instances"]["Reservations"][0]["Instances"][0]["NetworkInterfaces"][1]
    interface["Groups"].append({"GroupId": "sg-ep"})
    assert with_status(await look(account(network)), Status.FAIL) == set()


@pytest.mark.parametrize("rules", [[rule("52.0.0.0/8")], [rule(lists=("pl-own",))]])
async def test_a_narrow_opening_may_or_may_not_be_enough(rules: list[Any]) -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = rules
    await is_unknown("aws/security_group_lets_out", network)


async def test_a_narrow_opening_is_too_narrow_for_the_address_that_was_dialled() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [rule("52.0.0.0/8")]
    found = await fails_alone_but_for_unknowns("aws/security_group_lets_out", network, failed_pull(timeout()))
    assert found.is_cause
    await is_unknown("aws/security_group_lets_out", network, failed_pull(timeout("52.1.1.1")))


@pytest.mark.parametrize(
    "rules",
    [
        [rule(groups=("sg-ep",)), rule(lists=("pl-s3",))],
        [rule("10.0.9.0/24"), rule(lists=("pl-s3",))],
        [rule("10.0.0.0/16", protocol="-1"), rule(lists=("pl-s3",))],
    ],
)
async def test_a_security_group_need_only_reach_the_endpoints(rules: list[Any]) -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = rules
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings), told(findings)


async def test_a_security_group_that_forgets_the_layers() -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [rule("10.0.0.0/16")]
    found = await fails_alone("aws/security_group_lets_out", network, failed_pull(timeout("52.218.1.1", S3)))
    assert found.is_cause
    assert "vpce-s3" in found.verdict.summary
    found = await fails_alone("aws/security_group_lets_out", network, failed_pull(timeout("10.0.9.20")))
    assert not found.is_cause


async def test_a_security_group_that_forgets_the_interface_endpoints() -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [rule(lists=("pl-s3",))]
    found = await fails_alone("aws/security_group_lets_out", network, failed_pull(timeout("10.0.9.20")))
    assert found.is_cause


async def test_a_group_that_reaches_part_of_the_endpoints_subnet() -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [
        rule("10.0.9.0/28"),
        rule(lists=("pl-s3",)),
    ]
    await is_unknown("aws/security_group_lets_out", network)


async def test_a_group_that_is_not_shown_may_open_more() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["GroupId"] = "sg-other"
    assert "sg-1" in await is_unknown("aws/security_group_lets_out", network)


# Network ACLs


def ingress(network: Network, acl: str, *entries: dict[str, Any], egress: bool = False) -> None:
    """Replace the entries of one direction; the implicit one stays."""
    found = of(network, "describe_network_acls", acl)
    others = [one for one in found["Entries"] if one["Egress"] is not egress]
    found["Entries"] = [*others, *entries, entry(32767, egress=egress, protocol="-1", action="deny")]


async def test_answers_are_not_let_back_in() -> None:
    network = nat_network()
    ingress(network, "acl-a", entry(90, ports=(443, 443)), entry(100, block="10.0.0.0/16", protocol="-1"))
    found = await fails_alone("aws/network_acl_lets_through", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.verdict.about == "acl-a"
    assert (
        "the implicit rule 32767 (*) of acl-a denies inbound TCP 32768-60999 at subnet-a"
        in found.verdict.summary
    )


async def test_questions_are_not_let_out() -> None:
    network = nat_network()
    ingress(
        network,
        "acl-a",
        entry(80, egress=True, action="deny", ports=(400, 500)),
        entry(100, egress=True, protocol="-1"),
        egress=True,
    )
    found = await fails_alone("aws/network_acl_lets_through", network)
    assert "rule 80 of acl-a denies outbound TCP 443 at subnet-a" in found.verdict.summary


@pytest.mark.parametrize(
    "entries",
    [
        [entry(100, ports=(1024, 65535))],
        [entry(100, ports=(32768, 65535))],
        [entry(100, ports=(1024, 40000)), entry(110, ports=(40001, 65535))],
        [entry(100, ports=(32768, 60999)), entry(110, action="deny", protocol="-1")],
        [entry(100, block="0.0.0.0/1", protocol="-1"), entry(101, block="128.0.0.0/1", protocol="-1")],
        [entry(90, action="deny", protocol="17", ports=(0, 65535)), entry(100, protocol="-1")],
        [entry(90, action="deny", ports=(22, 22)), entry(100, protocol="-1")],
        [entry(90, action="deny", block="10.9.0.0/16", protocol="-1"), entry(100, protocol="-1")],
    ],
)
async def test_rules_that_let_answers_back_in(entries: list[dict[str, Any]]) -> None:
    network = nat_network()
    ingress(network, "acl-a", *entries)
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings), told(findings)


@pytest.mark.parametrize(
    ("entries", "rule_number"),
    [
        ([entry(100, ports=(1024, 32767))], "32767"),
        ([entry(100, ports=(32768, 50000))], "32767"),
        ([entry(90, action="deny", ports=(40000, 40000)), entry(100, protocol="-1")], "rule 90"),
        ([entry(100, protocol="-1", action="deny"), entry(110, protocol="-1")], "rule 100"),
        ([entry(100, block="10.0.0.0/8", protocol="-1")], "32767"),
    ],
)
async def test_rules_that_lose_answers(entries: list[dict[str, Any]], rule_number: str) -> None:
    network = nat_network()
    ingress(network, "acl-a", *entries)
    found = await fails_alone("aws/network_acl_lets_through", network)
    assert rule_number in found.verdict.summary


async def test_windows_asks_from_higher_ports() -> None:
    network = nat_network()
    ingress(network, "acl-a", entry(100, ports=(49152, 65535)))
    windows = Host(NODE.name, NODE.provider_id, "amd64", "windows", ())
    assert with_status(await look(account(network), host=windows), Status.FAIL) == set()
    await fails_alone("aws/network_acl_lets_through", network)


async def test_a_deny_for_some_addresses_is_judged_by_the_one_that_was_dialled() -> None:
    network = nat_network()
    ingress(
        network,
        "acl-a",
        entry(50, egress=True, action="deny", block="34.208.0.0/12", protocol="-1"),
        entry(100, egress=True, protocol="-1"),
        egress=True,
    )
    assert "rule 50" in await is_unknown("aws/network_acl_lets_through", network)
    found = await fails_alone_but_for_unknowns(
        "aws/network_acl_lets_through", network, failed_pull(timeout())
    )
    assert found.is_cause
    await is_unknown("aws/network_acl_lets_through", network, failed_pull(timeout("3.1.1.1")))


@pytest.mark.parametrize(
    ("egress", "entries", "words"),
    [
        (False, [entry(100, ports=(1024, 65535))], "inbound TCP 443"),
        (False, [entry(100, ports=(443, 443)), entry(110, ports=(32768, 65535))], "inbound TCP 1024-32767"),
        (True, [entry(100, egress=True, block="10.0.0.0/16", protocol="-1")], "outbound TCP 443"),
        (True, [entry(100, egress=True, ports=(443, 443))], "outbound TCP 32768-60999"),
    ],
)
async def test_the_nat_gateways_subnet_needs_the_mirror_image(
    egress: bool, entries: list[dict[str, Any]], words: str
) -> None:
    network = nat_network()
    ingress(network, "acl-p", *entries, egress=egress)
    found = await fails_alone("aws/network_acl_lets_through", network)
    assert found.verdict.about == "acl-p"
    assert words in found.verdict.summary


@pytest.mark.parametrize(
    ("egress", "entries", "words"),
    [
        (False, [entry(100, ports=(1024, 65535))], "inbound TCP 443"),
        (False, [entry(100, block="10.0.2.0/24", protocol="-1")], "inbound TCP 443"),
        (True, [entry(100, egress=True, ports=(443, 443))], "outbound TCP 32768-60999"),
    ],
)
async def test_the_endpoints_subnet_needs_the_mirror_image(
    egress: bool, entries: list[dict[str, Any]], words: str
) -> None:
    network = endpoint_network()
    ingress(network, "acl-e", *entries, egress=egress)
    found = await fails_alone("aws/network_acl_lets_through", network, failed_pull(timeout("10.0.9.20")))
    assert found.is_cause
    assert found.verdict.about == "acl-e"
    assert words in found.verdict.summary
    # What was lost on the way to a public address is not explained by it.
    found = await fails_alone("aws/network_acl_lets_through", network, failed_pull(timeout("52.218.1.1", S3)))
    assert not found.is_cause


async def test_within_a_subnet_no_acl_applies() -> None:
    network = endpoint_network()
    for id in ("vpce-api", "vpce-dkr"):
        endpoint_of(network, id)["SubnetIds"] = ["subnet-a"]
    ingress(network, "acl-a", entry(100, block="52.0.0.0/8", protocol="-1"))
    ingress(network, "acl-e")
    findings = await look(account(network))
    assert with_status(findings, Status.FAIL) == set(), told(findings)


async def test_an_endpoint_with_one_closed_subnet_of_two_is_closed_only_where_it_was_dialled() -> None:
    network = endpoint_network()
    for id in ("vpce-api", "vpce-dkr"):
        endpoint_of(network, id)["SubnetIds"] = ["subnet-e", "subnet-p"]
    ingress(network, "acl-e")
    await is_unknown("aws/network_acl_lets_through", network)
    found = await fails_alone_but_for_unknowns(
        "aws/network_acl_lets_through", network, failed_pull(timeout("10.0.9.20"))
    )
    assert found.is_cause


async def test_layers_come_from_public_addresses_through_a_gateway_endpoint_too() -> None:
    network = endpoint_network()
    ingress(network, "acl-a", entry(100, block="10.0.0.0/16", protocol="-1"))
    found = await fails_alone("aws/network_acl_lets_through", network, failed_pull(timeout("52.218.1.1", S3)))
    assert found.is_cause


# Endpoints


@pytest.mark.parametrize(
    ("id", "host"), [("vpce-api", API), ("vpce-dkr", REGISTRY), ("vpce-s3", S3)], ids=["api", "dkr", "s3"]
)
async def test_a_missing_endpoint(id: str, host: str) -> None:
    network = without_endpoint(endpoint_network(), id)
    if id == "vpce-s3":
        routes_of(network, "rtb-a")[1:] = []
    found = await fails_alone("aws/endpoints_are_complete", network, failed_pull(timeout(host=host)))
    assert found.is_cause
    others = {API, REGISTRY, S3} - {host}
    for other in others:
        found = await fails_alone("aws/endpoints_are_complete", network, failed_pull(timeout(host=other)))
        assert not found.is_cause


async def test_where_an_endpoint_is_missing_a_narrow_security_group_is_not_to_blame() -> None:
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    narrow = [rule(groups=("sg-ep",)), rule("10.0.0.0/16"), rule(lists=("pl-s3",))]
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = narrow
    await fails_alone("aws/endpoints_are_complete", network)


@pytest.mark.parametrize("state", ["pending", "Deleting", "rejected", "failed", "expired"])
async def test_an_endpoint_that_is_not_available(state: str) -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["State"] = state
    found = await fails_alone("aws/endpoints_are_complete", network)
    assert found.verdict.about == "vpce-dkr"
    assert state.lower() in found.verdict.summary


async def test_a_gateway_endpoint_that_is_going_away_takes_layers_with_it() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-s3")["State"] = "deleting"
    found = await fails_alone("aws/endpoints_are_complete", network)
    assert found.verdict.about == "vpce-s3"


async def test_a_gateway_endpoint_in_another_route_table() -> None:
    network = endpoint_network()
    routes_of(network, "rtb-a")[1:] = []
    found = await fails_alone("aws/endpoints_are_complete", network)
    assert "rtb-a does not lead to vpce-s3" in found.verdict.summary


async def test_with_a_nat_gateway_no_endpoint_is_a_must() -> None:
    for id in ("vpce-api", "vpce-dkr", "vpce-s3"):
        network = without_endpoint(endpoint_network(), id)
        network["describe_nat_gateways"] = nat_network()["describe_nat_gateways"]
        routes = routes_of(network, "rtb-a")
        routes[:] = [one for one in routes if one.get("GatewayId") != id]
        routes.append({"DestinationCidrBlock": ALL, "NatGatewayId": "nat-1", "State": "active"})
        findings = await look(account(network))
        assert with_status(findings, Status.PASS) == set(findings), told(findings)


async def test_a_missing_endpoint_may_be_one_of_a_hub() -> None:
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    routes_of(network, "rtb-a").append({"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1"})
    assert "tgw-1" in await is_unknown("aws/endpoints_are_complete", network)


async def test_private_dns_is_off() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = False
    found = await fails_alone("aws/endpoint_private_dns_is_on", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.leg is Leg.NAME
    assert found.verdict.about == "vpce-dkr"


async def test_private_dns_is_off_but_a_hosted_zone_does_its_work() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = False
    network["list_hosted_zones_by_vpc"] = {"HostedZoneSummaries": [{"Name": f"{REGISTRY}."}]}
    assert REGISTRY in await is_unknown("aws/endpoint_private_dns_is_on", network)


async def test_private_dns_is_off_and_who_else_answers_is_not_known() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PrivateDnsEnabled"] = False
    aws = account(network)
    aws.denied.add("list_hosted_zones_by_vpc")
    findings = await look(aws)
    assert with_status(findings, Status.FAIL) == set()
    found = findings["aws/endpoint_private_dns_is_on"].verdict
    assert found.status is Status.UNKNOWN
    assert "list_hosted_zones_by_vpc" in found.summary


async def test_a_group_of_an_endpoint_that_is_not_shown_may_let_in() -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-ep")["GroupId"] = "sg-other"
    findings = await look(account(network))
    assert with_status(findings, Status.FAIL) == set()
    assert findings["aws/endpoint_security_group_lets_in"].verdict.status is Status.UNKNOWN


async def test_the_endpoints_security_group_has_forgotten_443() -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = [rule(ALL, ports=(80, 80))]
    found = await fails_alone(
        "aws/endpoint_security_group_lets_in", network, failed_pull(timeout("10.0.9.20"))
    )
    assert found.is_cause
    assert found.verdict.about == "sg-ep"
    found = await fails_alone(
        "aws/endpoint_security_group_lets_in", network, failed_pull(timeout("34.1.1.1"))
    )
    assert not found.is_cause


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ([rule("10.0.1.7/32")], Status.PASS),
        ([rule("10.0.1.0/24", ports=(0, 65535))], Status.PASS),
        ([rule(groups=("sg-1",))], Status.PASS),
        ([rule("10.0.2.0/24"), rule(groups=("sg-other",))], Status.FAIL),
        ([rule("10.0.1.8/32")], Status.FAIL),
        ([rule(lists=("pl-own",))], Status.UNKNOWN),
    ],
)
async def test_whom_the_endpoints_security_group_lets_in(rules: list[Any], status: Status) -> None:
    network = endpoint_network()
    of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = rules
    findings = await look(account(network))
    assert findings["aws/endpoint_security_group_lets_in"].verdict.status is status
    assert {one.verdict.status for one in findings.values()} <= {Status.PASS, status}


# Names


async def test_the_resolver_is_off() -> None:
    network = nat_network()
    network["describe_vpc_attribute", "enableDnsSupport"] = {"EnableDnsSupport": {"Value": False}}
    message = f"dial tcp: lookup {API} on 10.0.0.2:53: no such host"
    found = await fails_alone("aws/vpc_dns_is_on", network, failed_pull(message, Symptom.DNS_FAILURE))
    assert found.is_cause
    found = await fails_alone("aws/vpc_dns_is_on", network, failed_pull(timeout()))
    assert not found.is_cause


async def test_the_resolver_is_off_where_endpoints_are_all_there_is() -> None:
    network = endpoint_network()
    network["describe_vpc_attribute", "enableDnsSupport"] = {"EnableDnsSupport": {"Value": False}}
    await fails_alone("aws/vpc_dns_is_on", network)


async def test_host_names_are_off_and_endpoints_are_all_there_is() -> None:
    network = endpoint_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    found = await fails_alone("aws/vpc_dns_is_on", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.verdict.about == "vpc-1"


async def test_host_names_are_off_and_nobody_needs_them() -> None:
    network = nat_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings)


@pytest.mark.parametrize("options", ["default", ""])
async def test_a_vpc_without_a_set_of_dhcp_options_asks_nobody_but_amazon(options: str) -> None:
    network = endpoint_network()
    of(network, "describe_vpcs", "vpc-1")["DhcpOptionsId"] = options
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings)


async def test_where_no_dhcp_options_are_handed_out_a_node_may_know_no_dns_server() -> None:
    network = nat_network()
    of(network, "describe_vpcs", "vpc-1")["DhcpOptionsId"] = "default"
    failure = failed_pull(f"dial tcp: lookup {API}: no such host", Symptom.DNS_FAILURE)
    assert "DHCP" in await is_unknown("aws/vpc_dns_is_on", network, failure)
    told = failed_pull(f"dial tcp: lookup {API} on 10.0.0.2:53: no such host", Symptom.DNS_FAILURE)
    assert (await look(account(network), told))["aws/vpc_dns_is_on"].verdict.status is Status.PASS
    network["describe_vpc_attribute", "enableDnsSupport"] = {"EnableDnsSupport": {"Value": False}}
    assert (await fails_alone("aws/vpc_dns_is_on", network, failure)).is_cause


async def test_own_dns_servers_are_not_accused() -> None:
    network = nat_network()
    network["describe_dhcp_options"] = {"DhcpOptions": [dhcp_options("10.0.0.53")]}
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings)
    message = f"dial tcp: lookup {API} on 10.0.0.53:53: server misbehaving"
    summary = await is_unknown("aws/vpc_dns_is_on", network, failed_pull(message, Symptom.DNS_FAILURE))
    assert "10.0.0.53" in summary


@pytest.mark.parametrize(
    "rules", [[rule(ALL)], [rule(ALL), rule("10.0.0.54/32", protocol="udp", ports=(53, 53))]]
)
async def test_a_security_group_that_does_not_let_own_dns_servers_be_asked(rules: list[Any]) -> None:
    network = nat_network()
    network["describe_dhcp_options"] = {"DhcpOptions": [dhcp_options("10.0.0.53")]}
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = rules
    message = f"dial tcp: lookup {API} on 10.0.0.53:53: read udp: i/o timeout"
    failure = failed_pull(message, Symptom.DNS_FAILURE)
    check = "aws/security_group_lets_out"
    assert (await fails_alone_but_for_unknowns(check, network, failure)).is_cause
    assert not (await fails_alone_but_for_unknowns(check, network, failed_pull(timeout()))).is_cause
    rules.append(rule("10.0.0.0/24", protocol="udp", ports=(53, 53)))
    assert with_status(await look(account(network), failure), Status.FAIL) == set()


async def test_a_security_group_does_not_filter_the_vpcs_own_resolver() -> None:
    network = nat_network()
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = [rule(ALL)]
    findings = await look(account(network), failed_pull("lookup x: no such host", Symptom.DNS_FAILURE))
    assert with_status(findings, Status.PASS) == set(findings)


# Block Public Access


@pytest.mark.parametrize("subnets", [["subnet-p"], ["subnet-a", "subnet-p"]])
async def test_public_access_is_blocked(subnets: list[str]) -> None:
    network = nat_network()
    for one in subnets:
        of(network, "describe_subnets", one)["BlockPublicAccessStates"] = {
            "InternetGatewayBlockMode": "block-bidirectional"
        }
    found = await fails_alone("aws/public_access_is_not_blocked", network, failed_pull(timeout()))
    assert found.is_cause
    assert found.verdict.about == "subnet-p"


@pytest.mark.parametrize("mode", ["off", "block-ingress"])
async def test_what_is_asked_from_within_is_not_blocked(mode: str) -> None:
    network = nat_network()
    for one in ("subnet-a", "subnet-p"):
        of(network, "describe_subnets", one)["BlockPublicAccessStates"] = {"InternetGatewayBlockMode": mode}
    findings = await look(account(network))
    assert with_status(findings, Status.PASS) == set(findings)


async def test_a_nat_gateway_that_is_excepted_from_the_block() -> None:
    network = nat_network()
    of(network, "describe_subnets", "subnet-a")["BlockPublicAccessStates"] = {
        "InternetGatewayBlockMode": "block-bidirectional"
    }
    await is_unknown("aws/public_access_is_not_blocked", network)


# Policies of endpoints

ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
ON_APP = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
STARPORT = "arn:aws:s3:::prod-us-west-2-starport-layer-bucket/*"
FORBIDDEN = f"unexpected status from HEAD request to https://{REGISTRY}/v2/app/manifests/1.2.1: 403 Forbidden"
LAYER_FORBIDDEN = f"httpReadSeeker: failed open: unexpected status code https://{S3}/x: 403 Forbidden"
ANONYMOUS = "pull access denied: authorization failed: no basic auth credentials"


def allow(actions: Any, principal: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource, **more}


def deny(actions: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*", **more}


def policy_of(network: Network, id: str, *statements: dict[str, Any]) -> Network:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    endpoint_of(network, id)["PolicyDocument"] = json.dumps(document)
    return network


@pytest.mark.parametrize(
    "statements",
    [
        [allow("ecr:*")],
        [allow(ON_APP, principal={"AWS": ROLE}, resource=f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/app")],
        [allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})],
        [allow("*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})],
        [allow("*"), deny("ecr:PutImage")],
    ],
)
async def test_policies_of_the_endpoint_for_ecr_that_let_the_role_pull(statements: list[Any]) -> None:
    findings = await look(account(policy_of(endpoint_network(), "vpce-dkr", *statements)))
    assert with_status(findings, Status.PASS) == set(findings), told(findings)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow("ecr:BatchGetImage")],
        [allow(ON_APP, principal={"AWS": f"{ROLE}-other"})],
        [allow(ON_APP, resource=f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/other")],
        [allow("*"), deny("ecr:*", Sid="no", Condition={"StringEquals": {"aws:PrincipalArn": ROLE}})],
        [allow("*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-2"}})],
    ],
)
async def test_policies_of_the_endpoint_for_ecr_that_shut_the_role_out(statements: list[Any]) -> None:
    network = policy_of(endpoint_network(), "vpce-dkr", *statements)
    check = "aws/endpoint_policy_allows_pull"
    found = await fails_alone(check, network, failed_pull(FORBIDDEN, Symptom.FORBIDDEN))
    assert found.is_cause
    assert found.leg is Leg.RIGHTS
    assert found.verdict.about == "vpce-dkr"
    for message, symptom in ((LAYER_FORBIDDEN, Symptom.FORBIDDEN), (ANONYMOUS, Symptom.UNAUTHORIZED)):
        found = await fails_alone(check, network, failed_pull(message, symptom))
        assert not found.is_cause


async def test_a_policy_that_forgets_the_registrys_token() -> None:
    network = policy_of(endpoint_network(), "vpce-api", allow(ON_APP))
    check = "aws/endpoint_policy_allows_pull"
    assert (await fails_alone(check, network, failed_pull(ANONYMOUS, Symptom.UNAUTHORIZED))).is_cause
    assert not (await fails_alone(check, network, failed_pull(FORBIDDEN, Symptom.FORBIDDEN))).is_cause


async def test_conditions_that_we_cannot_judge() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    network = policy_of(endpoint_network(), "vpce-dkr", allow("*", Condition=condition))
    await is_unknown("aws/endpoint_policy_allows_pull", network)


async def test_a_denial_of_another_role_convicts_no_endpoint_and_acquits_none() -> None:
    denial = (
        f"denied: User: arn:aws:sts::{ACCOUNT}:assumed-role/other/x is not authorized to perform: "
        f"ecr:BatchGetImage on resource: arn:aws:ecr:us-west-2:{ACCOUNT}:repository/app because no VPC "
        "endpoint policy allows the ecr:BatchGetImage action"
    )
    for statement in (allow("s3:*"), allow(["ecr:*"])):
        network = policy_of(endpoint_network(), "vpce-dkr", statement)
        findings = await look(account(network), failed_pull(denial, Symptom.FORBIDDEN))
        found = findings["aws/endpoint_policy_allows_pull"]
        assert found.verdict.status is Status.UNKNOWN
        assert "role/other was denied" in found.verdict.summary


async def test_the_registrys_words_convict_a_policy_that_we_cannot_judge() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    network = policy_of(endpoint_network(), "vpce-dkr", allow("*", Condition=condition))
    message = (
        f"denied: User: arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc is not authorized to perform: "
        f"ecr:BatchGetImage on resource: arn:aws:ecr:us-west-2:{ACCOUNT}:repository/app because no VPC "
        "endpoint policy allows the ecr:BatchGetImage action"
    )
    findings = await look(account(network), failed_pull(message, Symptom.FORBIDDEN))
    assert explained(findings) == ["aws/endpoint_policy_allows_pull"]


@pytest.mark.parametrize(
    "statements",
    [
        [allow("s3:GetObject", resource=STARPORT)],
        [allow("s3:*", resource="arn:aws:s3:::own/*"), allow("s3:Get*", resource="arn:aws:s3:::prod-*")],
        [allow("*"), deny("s3:PutObject")],
        [
            allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}),
            allow("s3:GetObject", resource=STARPORT),
        ],
    ],
)
async def test_policies_of_the_endpoint_for_s3_that_let_layers_through(statements: list[Any]) -> None:
    findings = await look(account(policy_of(endpoint_network(), "vpce-s3", *statements)))
    assert with_status(findings, Status.PASS) == set(findings), told(findings)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow("s3:*", resource="arn:aws:s3:::own/*")],
        [allow("s3:GetObject", resource=STARPORT.replace("us-west-2", "eu-west-1"))],
        [allow("s3:GetObject", principal={"AWS": ROLE}, resource=STARPORT)],
        [allow("s3:GetObject", principal={"AWS": ACCOUNT}, resource=STARPORT)],
        [allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})],
        [allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
        [allow("*", Condition={"StringEquals": {"aws:ResourceAccount": ACCOUNT}})],
        [allow("*"), deny("*", Condition={"StringNotEquals": {"aws:ResourceOrgID": "o-1"}})],
    ],
)
async def test_policies_of_the_endpoint_for_s3_that_shut_layers_out(statements: list[Any]) -> None:
    network = policy_of(endpoint_network(), "vpce-s3", *statements)
    check = "aws/s3_endpoint_policy_allows_layers"
    found = await fails_alone(check, network, failed_pull(LAYER_FORBIDDEN, Symptom.FORBIDDEN))
    assert found.is_cause
    assert found.leg is Leg.LAYERS
    assert found.verdict.about == "vpce-s3"
    found = await fails_alone(check, network, failed_pull(FORBIDDEN, Symptom.FORBIDDEN))
    assert not found.is_cause


async def test_a_condition_of_s3_that_we_cannot_judge() -> None:
    condition = {"Bool": {"aws:PrincipalIsAWSService": "false"}}
    await is_unknown(
        "aws/s3_endpoint_policy_allows_layers",
        policy_of(endpoint_network(), "vpce-s3", allow("*"), deny("*", Condition=condition)),
    )


# What the message tells


def all_shut(network: Network) -> Network:
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    return network


@pytest.mark.parametrize(
    ("message", "symptom", "is_cause"),
    [
        (timeout(), Symptom.CONNECT_TIMEOUT, True),
        ("context deadline exceeded", Symptom.CONNECT_TIMEOUT, True),
        ("Back-off pulling image", Symptom.BACKOFF_ONLY, True),
        ("", Symptom.STALLED, True),
        (timeout("10.0.9.20"), Symptom.CONNECT_TIMEOUT, False),
        (timeout(host="mirror.example"), Symptom.CONNECT_TIMEOUT, False),
        (FORBIDDEN, Symptom.FORBIDDEN, False),
        (ANONYMOUS, Symptom.UNAUTHORIZED, False),
        ("not found", Symptom.TAG_NOT_FOUND, False),
    ],
)
async def test_a_shut_security_group_explains_what_got_no_answer(
    message: str, symptom: Symptom, is_cause: bool
) -> None:
    """Whoever answered 401 or 403 was reached: then something else is the cause."""
    findings = await look(account(all_shut(nat_network())), failed_pull(message, symptom))
    found = findings["aws/security_group_lets_out"]
    assert found.verdict.status is Status.FAIL
    assert found.is_cause is is_cause


async def test_a_dead_way_to_the_token_alone_explains_an_anonymous_pull() -> None:
    network = without_endpoint(endpoint_network(), "vpce-api")
    found = await fails_alone(
        "aws/endpoints_are_complete", network, failed_pull(ANONYMOUS, Symptom.UNAUTHORIZED)
    )
    assert found.is_cause
    network = without_endpoint(endpoint_network(), "vpce-dkr")
    found = await fails_alone(
        "aws/endpoints_are_complete", network, failed_pull(ANONYMOUS, Symptom.UNAUTHORIZED)
    )
    assert not found.is_cause


async def test_two_faults_are_both_told_root_first() -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    aws = account(all_shut(network))
    aws.answers["get_policy_version"] = {"PolicyVersion": {"Document": {**PULL, "Statement": []}}}
    findings = await look(aws, failed_pull(timeout()))
    assert explained(findings) == ["aws/nat_gateway_works", "aws/security_group_lets_out"]
    assert findings["aws/role_can_pull"].verdict.status is Status.FAIL


async def test_registries_of_aws_itself_are_reached_the_same_way() -> None:
    image = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/pause:3.9"
    findings = await look(account(all_shut(nat_network())), failed_pull(timeout(), image=image))
    assert with_status(findings, Status.FAIL) == {"aws/security_group_lets_out"}


async def test_of_other_registries_all_is_judged_but_endpoints() -> None:
    image = "docker.io/library/nginx:1"
    findings = await look(account(all_shut(nat_network())), failed_pull(timeout(), image=image))
    assert set(findings) & NETWORK == OF_NAT


async def test_faults_on_one_leg_are_told_as_packets_meet_them() -> None:
    network = nat_network()
    of(network, "describe_nat_gateways", "nat-1")["State"] = "failed"
    of(network, "describe_security_groups", "sg-1")["IpPermissionsEgress"] = []
    of(network, "describe_network_acls", "acl-a")["Entries"] = []
    findings = await look(account(network), failed_pull(timeout()))
    assert explained(findings) == [
        "aws/nat_gateway_works",
        "aws/security_group_lets_out",
        "aws/network_acl_lets_through",
    ]
