"""Which rule of an Azure Firewall decides: ``firewall_lets_through`` asks it of the one on the way."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from checks.azure.firewall_rules import Ruled, Ruling, classic, of_policy
from checks.azure.outbound_errands import Destination, Errand
from checks.azure.security_rules import Lets
from tests.fakes.azure_network import by_address, by_name, collection, group

NODES = (IPv4Network("10.1.0.0/22"),)
REGISTRY = Destination(
    Errand.REGISTRY, "contoso.azurecr.io", tag="AzureContainerRegistry", region="westeurope"
)
LAYERS = Destination(Errand.LAYERS, "*.blob.core.windows.net", tag="Storage", region="westeurope")
TOKEN = Destination(Errand.TOKEN, "login.microsoftonline.com", tag="AzureActiveDirectory")
ENDPOINT = Destination(Errand.REGISTRY, "contoso.azurecr.io", private=True, address="10.10.0.4")


def ruled(*collections: dict[str, Any], to: Destination = REGISTRY) -> Ruled:
    return of_policy([[group("g", 100, *collections)]]).decide(to, NODES)


def allowed(*rules: dict[str, Any], to: Destination = REGISTRY) -> Lets:
    return ruled(collection("c", 100, "Allow", *rules), to=to).lets


def test_what_no_rule_names_is_denied() -> None:
    assert ruled() == Ruled(Lets.NO)


@pytest.mark.parametrize("name", ["contoso.azurecr.io", "*.azurecr.io", "*", "*.io", "CONTOSO.azurecr.io"])
def test_an_application_rule_allows_by_name(name: str) -> None:
    assert allowed(by_name("r", name)) is Lets.YES


@pytest.mark.parametrize(
    "name", ["azurecr.io", "other.azurecr.io", "*.data.azurecr.io", "contoso.azurecr.io.evil.example"]
)
def test_another_name_is_not_meant(name: str) -> None:
    assert allowed(by_name("r", name)) is Lets.NO


def test_the_layers_come_from_storage_of_many_names() -> None:
    assert allowed(by_name("r", "*.azurecr.io"), to=LAYERS) is Lets.NO
    assert allowed(by_name("r", "*.blob.core.windows.net"), to=LAYERS) is Lets.YES
    assert allowed(by_name("r", "weuman.blob.core.windows.net"), to=LAYERS) is Lets.MAYBE
    told = replace(LAYERS, host="weuman.blob.core.windows.net")
    assert allowed(by_name("r", "weuman.blob.core.windows.net"), to=told) is Lets.YES


def test_the_tag_of_aks_is_for_what_clusters_need_and_no_registry() -> None:
    tagged = by_name("r", fqdnTags=["AzureKubernetesService"])
    assert allowed(tagged, to=TOKEN) is Lets.YES
    assert allowed(tagged) is Lets.NO


@pytest.mark.parametrize(
    "protocols", [[{"protocolType": "Http", "port": 80}], [{"protocolType": "Https", "port": 8443}], []]
)
def test_an_application_rule_for_something_else_than_https_does_not_help(protocols: list[Any]) -> None:
    assert allowed(by_name("r", "*", protocols=protocols)) is Lets.NO


@pytest.mark.parametrize(
    "to", ["*", "AzureContainerRegistry", "AzureContainerRegistry.WestEurope", "AzureCloud"]
)
def test_a_network_rule_allows_by_address_or_tag(to: str) -> None:
    assert allowed(by_address("r", to)) is Lets.YES


@pytest.mark.parametrize(
    "more",
    [
        {"ipProtocols": ["UDP"]},
        {"destinationPorts": ["80", "8000-9000"]},
        {"sourceAddresses": ["10.2.0.0/16"]},
    ],
)
def test_a_network_rule_for_other_packets_does_not_help(more: dict[str, Any]) -> None:
    assert allowed(by_address("r", "*", **more)) is Lets.NO


@pytest.mark.parametrize(
    "rule",
    [
        by_address("r", "20.0.0.0/8"),
        by_name("r", webCategories=["ComputersAndTechnology"]),
    ],
)
def test_what_is_not_looked_into_may_allow_it(rule: dict[str, Any]) -> None:
    assert allowed(rule) is Lets.MAYBE


@pytest.mark.parametrize(
    ("known", "lets"),
    [
        ({"/acr": ("10.10.0.4",), "/nodes": ("10.1.0.0/16",)}, Lets.YES),
        ({"/acr": ("10.10.0.5",), "/nodes": ("10.1.0.0/16",)}, Lets.NO),
        ({"/acr": ("10.10.0.4",), "/nodes": ("10.2.0.0/16",)}, Lets.NO),
        ({"/acr": "denied", "/nodes": ("10.1.0.0/16",)}, Lets.MAYBE),
        ({"/acr": ("10.10.0.4",), "/nodes": "denied"}, Lets.MAYBE),
        ({"/acr": "denied", "/nodes": ("10.2.0.0/16",)}, Lets.NO),
    ],
)
def test_groups_of_addresses_count_as_far_as_they_are_known(
    known: dict[str, tuple[str, ...] | str], lets: Lets
) -> None:
    rule = by_address("r", sourceAddresses=[], sourceIpGroups=["/Nodes"], destinationIpGroups=["/ACR"])
    ruling = of_policy([[group("g", 100, collection("c", 100, "Allow", rule))]])
    assert ruling.groups == {"/acr", "/nodes"}
    assert ruling.with_groups(known).decide(ENDPOINT, NODES).lets is lets


def test_a_network_rule_names_hosts_too() -> None:
    assert allowed(by_address("r", destinationFqdns=["contoso.azurecr.io"])) is Lets.YES


def test_an_earlier_denial_is_the_end_of_it() -> None:
    deny = collection("deny", 100, "Deny", by_name("no", "*.azurecr.io"))
    allow = collection("allow", 200, "Allow", by_name("yes", "*"))
    found = ruled(allow, deny)
    assert (found.lets, str(found.rule)) == (Lets.NO, "no in deny")
    assert ruled(collection("deny", 300, "Deny", by_name("no", "*")), allow).lets is Lets.YES


def test_network_rules_go_before_application_rules_whatever_their_priority() -> None:
    network = collection("net", 4000, "Deny", by_address("no", "*"))
    names = collection("app", 100, "Allow", by_name("yes", "*"))
    assert ruled(names, network).lets is Lets.NO


def test_the_parents_rules_go_before_the_childs() -> None:
    parent = [group("company", 9000, collection("c", 9000, "Deny", by_name("no", "*.azurecr.io")))]
    child = [group("team", 100, collection("c", 100, "Allow", by_name("yes", "*")))]
    assert of_policy([parent, child]).decide(REGISTRY, NODES).lets is Lets.NO
    assert of_policy([child]).decide(REGISTRY, NODES).lets is Lets.YES


def test_translations_of_what_comes_in_are_none_of_our_business() -> None:
    nat = {
        **collection("in", 100, "Dnat", by_address("r", "*")),
        "ruleCollectionType": "FirewallPolicyNatRuleCollection",
    }
    assert ruled(nat).lets is Lets.NO


def test_a_private_endpoint_has_to_be_allowed_by_a_network_rule() -> None:
    assert allowed(by_name("r", "*.azurecr.io"), to=ENDPOINT) is Lets.NO
    assert allowed(by_address("r", "AzureContainerRegistry"), to=ENDPOINT) is Lets.NO
    for to in ("10.10.0.4", "10.10.0.0/24", "10.10.0.1-10.10.0.9", "*"):
        assert allowed(by_address("r", to), to=ENDPOINT) is Lets.YES


def classic_rules(kind: str, action: str, rule: dict[str, Any]) -> Ruling:
    properties = {"priority": 100, "action": {"type": action}, "rules": [rule]}
    return classic({kind: [{"name": "c", "properties": properties}]})


def test_classic_rules_are_read_alike() -> None:
    names = {
        "name": "r",
        "sourceAddresses": ["*"],
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.azurecr.io"],
    }
    found = classic_rules("applicationRuleCollections", "Allow", names).decide(REGISTRY, NODES)
    assert (found.lets, str(found.rule)) == (Lets.YES, "r in c")
    network = {
        "name": "r",
        "protocols": ["TCP"],
        "sourceAddresses": ["10.1.0.0/16"],
        "destinationAddresses": ["10.10.0.4"],
        "destinationPorts": ["443"],
    }
    assert classic_rules("networkRuleCollections", "Allow", network).decide(ENDPOINT, NODES).lets is Lets.YES
    assert classic_rules("networkRuleCollections", "Deny", network).decide(ENDPOINT, NODES).lets is Lets.NO
