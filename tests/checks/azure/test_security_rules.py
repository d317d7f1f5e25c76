"""Which rule of a security group decides: ``nsg_lets_out`` asks it of every group on the way."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from checks.azure.facts import ResourceId
from checks.azure.outbound_errands import Destination, Errand
from checks.azure.security_rules import Decision, Flow, Lets, security_group
from tests.fakes.azure_network import rule

NODES = (IPv4Network("10.1.0.0/22"),)
REGISTRY = Destination(
    Errand.REGISTRY, "contoso.azurecr.io", tag="AzureContainerRegistry", region="westeurope"
)
LAYERS = Destination(Errand.LAYERS, "*.blob.core.windows.net", tag="Storage", region="westeurope")
ENDPOINT = Destination(Errand.REGISTRY, "contoso.azurecr.io", private=True, address="10.10.0.4")


def decided(*rules: dict[str, Any], to: Destination = REGISTRY, **flow: bool) -> Decision:
    group = security_group({"properties": {"securityRules": list(rules)}}, ResourceId("/nsg"))
    return group.decide(Flow(to, NODES, **flow))


def deny(to: str, priority: int = 200, **more: Any) -> dict[str, Any]:
    return rule("deny", priority, "Deny", to, **more)


def allow(to: str, priority: int = 100, **more: Any) -> dict[str, Any]:
    return rule("allow", priority, "Allow", to, **more)


def test_without_rules_of_ones_own_the_internet_and_the_network_are_open() -> None:
    assert decided().lets is Lets.YES
    assert decided(to=ENDPOINT).lets is Lets.YES


@pytest.mark.parametrize("to", ["*", "0.0.0.0/0", "Internet", "AzureCloud", "AzureCloud.WestEurope",
                                "AzureContainerRegistry", "AzureContainerRegistry.westeurope"])  # fmt: skip
def test_a_denial_of_everything_that_the_registry_is_part_of_counts(to: str) -> None:
    ruled = decided(deny(to))
    assert (ruled.lets, str(ruled.rule)) == (Lets.NO, "deny (priority 200)")


@pytest.mark.parametrize(
    "to", ["Storage", "Sql", "AzureContainerRegistry.EastUS", "VirtualNetwork", "10.0.0.0/8"]
)
def test_a_denial_of_something_else_does_not(to: str) -> None:
    assert decided(deny(to)).lets is Lets.YES


def test_the_storage_behind_a_registry_has_a_tag_of_its_own() -> None:
    rules = (allow("AzureContainerRegistry"), deny("Internet"))
    assert decided(*rules).lets is Lets.YES
    assert decided(*rules, to=LAYERS).lets is Lets.NO
    assert decided(allow("Storage.WestEurope"), deny("*"), to=LAYERS).lets is Lets.YES


def test_the_lowest_number_decides_in_whatever_order_they_stand() -> None:
    assert decided(deny("*", 300), allow("Internet", 200)).lets is Lets.YES
    assert decided(allow("Internet", 300), deny("*", 200)).lets is Lets.NO


@pytest.mark.parametrize(
    "more",
    [
        {"protocol": "Udp"},
        {"direction": "Inbound"},
        {"destinationPortRange": "80"},
        {"destinationPortRange": None, "destinationPortRanges": ["80", "1000-2000"]},
        {"sourceAddressPrefix": "10.9.0.0/16"},
        {"destinationAddressPrefix": None, "destinationAddressPrefixes": ["10.0.0.0/8", "192.168.0.0/16"]},
        {"destinationApplicationSecurityGroups": [{"id": "/asg"}], "destinationAddressPrefix": None},
    ],
)
def test_what_is_not_for_this_packet_is_passed_over(more: dict[str, Any]) -> None:
    assert decided(deny("Internet", **more)).lets is Lets.YES


@pytest.mark.parametrize(
    "more",
    [
        {"destinationPortRange": None, "destinationPortRanges": ["80", "400-500"]},
        {"sourceAddressPrefix": "10.1.0.0/16"},
        {"sourceAddressPrefix": "VirtualNetwork"},
        {"destinationAddressPrefix": None, "destinationAddressPrefixes": ["10.0.0.0/8", "0.0.0.0/0"]},
    ],
)
def test_every_spelling_of_what_is_meant_counts(more: dict[str, Any]) -> None:
    assert decided(deny("Internet", **more)).lets is Lets.NO


@pytest.mark.parametrize(
    "rules",
    [
        (deny("20.0.0.0/8"),),
        (allow("20.0.0.0/8"), deny("Internet")),
        (deny("Internet", sourceAddressPrefix="10.1.0.0/24"),),
        (deny("Internet", sourceApplicationSecurityGroups=[{"id": "/asg"}], sourceAddressPrefix=None),),
    ],
)
def test_what_depends_on_an_address_that_is_not_known_accuses_nobody(
    rules: tuple[dict[str, Any], ...],
) -> None:
    assert decided(*rules).lets is Lets.MAYBE


def test_the_address_that_was_dialled_decides() -> None:
    dialled = replace(REGISTRY, address="20.61.97.128")
    assert decided(deny("20.0.0.0/8"), to=dialled).lets is Lets.NO
    assert decided(deny("20.62.0.0/16"), to=dialled).lets is Lets.YES
    assert decided(allow("AzureContainerRegistry"), deny("Internet"), to=dialled).lets is Lets.YES


def test_a_region_counts_only_where_the_registry_surely_answers_there() -> None:
    somewhere = replace(REGISTRY, region="")
    assert decided(deny("AzureContainerRegistry.WestEurope"), to=somewhere).lets is Lets.MAYBE


def test_a_route_for_everything_makes_everything_part_of_the_virtual_network() -> None:
    rules = (allow("VirtualNetwork"), deny("Internet"))
    assert decided(*rules).lets is Lets.NO
    assert decided(*rules, wide=True).lets is Lets.MAYBE


@pytest.mark.parametrize("to", ["Internet", "AzureContainerRegistry", "AzureCloud"])
def test_tags_of_public_addresses_are_not_for_private_endpoints(to: str) -> None:
    assert decided(deny(to), to=ENDPOINT).lets is Lets.YES


@pytest.mark.parametrize("to", ["VirtualNetwork", "10.10.0.0/24", "10.10.0.4"])
def test_a_private_endpoint_is_denied_by_its_address(to: str) -> None:
    assert decided(deny(to), to=ENDPOINT).lets is Lets.NO


def test_into_the_endpoints_subnet_it_is_the_nodes_who_come() -> None:
    closed = rule("closed", 200, "Deny", "*", direction="Inbound", sourceAddressPrefix="10.1.0.0/16")
    assert decided(closed, to=ENDPOINT, inbound=True).lets is Lets.NO
    assert decided(deny("*"), to=ENDPOINT, inbound=True).lets is Lets.YES
