"""What nobody expects of AWS or of people: nothing crashes, and only what the data accuses is accused.

Each world is looked at as it is and with one thing spoilt. ``may_fail`` names the checks whose failure the
spoilt data itself justifies.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from checks.model import Status
from tests.fakes import aws_network_worlds, aws_rights_worlds
from tests.fakes.aws_account import Account
from tests.fakes.aws_door import Door
from tests.fakes.aws_network import Network, endpoint_of, entry, of, routes_of, rule
from tests.fakes.aws_world import Seen, World

NETWORK_OF_NAT = frozenset({"aws/subnet_routes_out"})
NETWORK_OF_ENDPOINTS = frozenset({"aws/endpoints_are_complete", "aws/subnet_routes_out"})

MALFORMED = {
    "empty": "",
    "nothing": "{}",
    "a-list": "[]",
    "a-text": '"Allow"',
    "null": "null",
    "no-json": "Version: 2012-10-17",
    "cut-off": '{"Version": "2012-10-17", "Statement": [{"Effect": "All',
    "statements-of-text": '{"Version": "2012-10-17", "Statement": ["Allow"]}',
    "a-statement-of-nothing": '{"Version": "2012-10-17", "Statement": [{}]}',
    "an-effect-nobody-knows": '{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "*"}]}',
    "numbers": '{"Version": 3, "Statement": [{"Effect": "Allow", "Action": 7, "Resource": 8}]}',
    "too-deep": "[" * 100_000,
}
ANYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
UNKNOWN = {"StringResembles": {"aws:SourceVpc": "vpc-1"}}


def written(statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


OPEN = {
    "one-statement-without-a-list": written(ANYTHING),
    "texts-for-lists": written([ANYTHING]),
    "huge": written([ANYTHING] + [{**ANYTHING, "Sid": f"s{one}", "Action": "s3:*"} for one in range(5000)]),
}
UNJUDGED = {
    "an-allow-nobody-can-judge": written([{**ANYTHING, "Condition": UNKNOWN}]),
    "a-deny-nobody-can-judge": written([ANYTHING, {**ANYTHING, "Effect": "Deny", "Condition": UNKNOWN}]),
}


def healthy(*, endpoints: bool = False) -> World:
    """Nothing is wrong in it but what the message says."""
    world = aws_network_worlds.shut_endpoint_unnamed() if endpoints else aws_rights_worlds.repository_deny()
    network = answers_of(world)
    if endpoints:
        of(network, "describe_security_groups", "sg-ep")["IpPermissions"] = [rule("10.0.0.0/16")]
    else:
        network["get_repository_policy"] = {"policyText": written([])}
    return world


def answers_of(world: World) -> Network:
    assert isinstance(world.aws, Account)
    return world.aws.answers


# ---- where a policy may be


def repository(text: str, network: Network) -> None:
    network["get_repository_policy"] = {"policyText": text}


def managed(text: str, network: Network) -> None:
    network["get_policy_version"] = {"PolicyVersion": {"Document": text}}


def inline(text: str, network: Network) -> None:
    network["list_role_policies"] = {"PolicyNames": ["inline"]}
    network["get_role_policy"] = {"PolicyDocument": text}


def registry(text: str, network: Network) -> None:
    network["get_registry_policy"] = {"policyText": text}


def endpoint(text: str, network: Network) -> None:
    endpoint_of(network, "vpce-dkr")["PolicyDocument"] = text


def s3_endpoint(text: str, network: Network) -> None:
    endpoint_of(network, "vpce-s3")["PolicyDocument"] = text


PLACES: dict[Callable[[str, Network], None], str] = {
    repository: "aws/repository_policy_allows_pull",
    managed: "aws/role_can_pull",
    inline: "aws/role_can_pull",
    registry: "aws/registry_policy_allows_pull",
    endpoint: "aws/endpoint_policy_allows_pull",
    s3_endpoint: "aws/s3_endpoint_policy_allows_layers",
}


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", [*MALFORMED, *OPEN, *UNJUDGED])
async def test_a_strange_policy_is_unknown_and_accuses_nobody(
    place: Callable[[str, Network], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = (MALFORMED | OPEN | UNJUDGED)[name]
    of_endpoint = place in (endpoint, s3_endpoint)
    before, after = await spoilt(healthy(endpoints=of_endpoint), lambda network: place(text, network))
    is_unharmed(before, after, caplog)
    harmless = name in OPEN
    # An endpoint without a policy is open; who may pull by another policy needs no further Allow.
    harmless |= (name == "empty" and of_endpoint) or (name == "an-allow-nobody-can-judge" and place is inline)
    assert after.findings[PLACES[place]].verdict.status is (Status.PASS if harmless else Status.UNKNOWN)


# ---- what a network may look like


@dataclass(frozen=True)
class Spoilt:
    name: str
    spoil: Callable[[Network], object]
    endpoints: bool = False
    may_fail: frozenset[str] = frozenset()


def table(network: Network, id: str) -> dict[str, Any]:
    return of(network, "describe_route_tables", id)


def acl(network: Network, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = of(network, "describe_network_acls", name)["Entries"]
    return entries


def emptied(key: Any, answer: Any) -> Callable[[Network], None]:
    return lambda network: network.update({key: answer})


def in_state(id: str, state: str) -> Callable[[Network], None]:
    return lambda network: endpoint_of(network, id).update(State=state)


no_tables = emptied("describe_route_tables", {"RouteTables": []})
STATES = ("pending", "pendingAcceptance", "deleting", "rejected", "failed", "expired", "deleted", "")


NETWORKS = (
    # A subnet without an association has the main table, which leads nowhere here.
    Spoilt("no-association", lambda n: table(n, "rtb-a").update(Associations=[]), may_fail=NETWORK_OF_NAT),
    Spoilt(
        "no-association-with-endpoints",
        lambda n: table(n, "rtb-a").update(Associations=[]),
        endpoints=True,
        may_fail=NETWORK_OF_ENDPOINTS,
    ),
    Spoilt("no-tables", no_tables),
    Spoilt("no-tables-with-endpoints", no_tables, endpoints=True),
    Spoilt("a-route-of-ipv6", lambda n: routes_of(n, "rtb-a").append({"DestinationIpv6CidrBlock": "::/0"})),
    Spoilt(
        "a-route-to-what-nobody-knows",
        lambda n: routes_of(n, "rtb-a").append({"DestinationCidrBlock": "34.0.0.0/8", "OdbNetworkArn": "x"}),
    ),
    Spoilt(
        "the-same-number-twice",
        lambda n: acl(n, "acl-a").extend([entry(100, egress=one, protocol="-1") for one in (True, False)]),
    ),
    Spoilt(
        "the-same-number-allowed-and-denied",
        lambda n: acl(n, "acl-a").append(entry(100, egress=True, protocol="-1", action="deny")),
        may_fail=frozenset({"aws/network_acl_lets_through"}),
    ),
    Spoilt("entries-in-any-order", lambda n: acl(n, "acl-a").reverse()),
    Spoilt("no-ports", lambda n: acl(n, "acl-a").insert(0, entry(1, egress=True, protocol="6"))),
    Spoilt("ipv6-only", lambda n: acl(n, "acl-a").insert(0, _v6(entry(1, egress=True, action="deny")))),
    Spoilt("no-acls", lambda n: n.update(describe_network_acls={"NetworkAcls": []})),
    Spoilt("no-groups", lambda n: n.update(describe_security_groups={"SecurityGroups": []})),
    Spoilt("no-subnets", lambda n: n.update(describe_subnets={"Subnets": []})),
    Spoilt("no-gateways", lambda n: n.update(describe_nat_gateways={"NatGateways": []})),
    Spoilt("no-dhcp-options", lambda n: n.update(describe_dhcp_options={"DhcpOptions": []}), endpoints=True),
    Spoilt("no-vpc", lambda n: n.update(describe_vpcs={"Vpcs": []}), endpoints=True),
    Spoilt("no-groups-at-endpoints", lambda n: endpoint_of(n, "vpce-dkr").update(Groups=[]), endpoints=True),
    Spoilt(
        "no-subnets-of-endpoints", lambda n: endpoint_of(n, "vpce-dkr").update(SubnetIds=[]), endpoints=True
    ),
    *(
        Spoilt(f"{id}-{state or 'no-state'}", in_state(id, state), True, NETWORK_OF_ENDPOINTS)
        for id in ("vpce-dkr", "vpce-s3")
        for state in STATES
    ),
    Spoilt(
        "a-state-in-capitals", lambda n: endpoint_of(n, "vpce-dkr").update(State="Available"), endpoints=True
    ),
)


def _v6(one: dict[str, Any]) -> dict[str, Any]:
    del one["CidrBlock"]
    return {**one, "Ipv6CidrBlock": "::/0"}


@pytest.mark.parametrize("case", NETWORKS, ids=lambda one: one.name)
async def test_a_strange_network_accuses_nobody(case: Spoilt, caplog: pytest.LogCaptureFixture) -> None:
    before, after = await spoilt(healthy(endpoints=case.endpoints), case.spoil)
    is_unharmed(before, after, caplog, case.may_fail)


# Images are asked for with a filter, and a subnet without endpoints has no way out here.
NONE_IS_AN_ANSWER = {
    "describe_images": {"registry/tag_exists"},
    "describe_vpc_endpoints": {"aws/subnet_routes_out"},
}


@pytest.mark.parametrize("endpoints", [False, True], ids=["nat", "endpoints"])
async def test_an_answer_without_anything_in_it_accuses_nobody(
    endpoints: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Every operation in turn. A fact that trips over it says that it is not known."""
    caplog.set_level(logging.CRITICAL)
    for key in answers_of(healthy(endpoints=endpoints)):
        _, after = await spoilt(healthy(endpoints=endpoints), emptied(key, {}))
        new = failing(after)
        assert new <= NONE_IS_AN_ANSWER.get(key, set()), f"{key}: {new}"


async def spoilt(world: World, spoil: Callable[[Network], object]) -> tuple[Seen, Seen]:
    """What is told before and after."""
    before = await world.look(Door(world.aws))
    assert failing(before) == set()
    other = copy.deepcopy(answers_of(world))
    spoil(other)
    aws = Account(other)
    return before, await replace(world, aws=aws, run=aws.run).look(Door(aws))


def failing(seen: Seen) -> set[str]:
    return {name for name, one in seen.findings.items() if one.verdict.status is Status.FAIL}


def is_unharmed(
    before: Seen, after: Seen, caplog: pytest.LogCaptureFixture, may_fail: frozenset[str] = frozenset()
) -> None:
    new = failing(after)
    assert new <= may_fail, {name: after.findings[name].verdict.summary for name in new}
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
    if not new:
        assert after.plans <= before.plans
