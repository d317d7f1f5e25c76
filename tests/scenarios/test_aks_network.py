"""The way of a pull from AKS to ACR: who is admitted, what is let out, where routes and firewalls lead."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from bot.demo import azure_world as world
from checks.model import Finding, Status
from handlers.decision import Offer
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Conflict, Standing
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import IMAGE, Aks, root_causes
from tests.fakes.azure_private import private_world

FIREWALL = "azure/registry_firewall_admits_cluster"
GROUPS = "azure/nsg_lets_out"
ROUTES = "azure/routes_reach_registry"
APPLIANCE = "azure/firewall_lets_through"
ADMIT, OPEN = "azure/admit_cluster_address", "azure/open_nsg"
OURS = {FIREWALL, GROUPS, ROUTES, APPLIANCE}

_FAILED = (
    f'Failed to pull image "{IMAGE}": failed to pull and unpack image "{IMAGE}": failed to resolve reference '
    f'"{IMAGE}": '
)
_MANIFEST = "https://contoso.azurecr.io/v2/shop/web/manifests/1.4"
BARE = f"{_FAILED}failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden"
TIMEOUT = f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp 20.61.97.128:443: i/o timeout'
CUT_OFF = f'{_FAILED}failed to do request: Head "{_MANIFEST}": EOF'
LAYERS = (
    f'Failed to pull image "{IMAGE}": failed to pull and unpack image "{IMAGE}": failed to copy: '
    'httpReadSeeker: failed open: failed to do request: Get "https://weuman.blob.core.windows.net/layer?sig=x"'
    ": dial tcp 20.60.1.1:443: i/o timeout"
)


def turned_away(address: str) -> str:
    return (
        f"{_FAILED}unexpected status from HEAD request to {_MANIFEST}: 403 Forbidden: "
        f'{{"errors":[{{"code":"DENIED","message":"client with IP \'{address}\' is not allowed access. '
        'Refer https://aka.ms/acr/firewall to grant access."}]}'
    )


def failing(findings: Mapping[str, Finding]) -> set[str]:
    return {name for name, one in findings.items() if one.verdict.status is Status.FAIL}


def steps_of(offer: Offer) -> tuple[Any, ...]:
    assert offer.plan is not None
    return offer.plan.steps


@pytest.fixture
def shop(aks: Aks) -> Aks:
    net.own_network(aks.azure)
    return aks


async def test_where_nothing_is_wrong_nothing_fails(shop: Aks) -> None:
    shop.says(TIMEOUT)
    found, offers = await shop.look()
    assert {name for name in OURS if name in found} == {FIREWALL, GROUPS, ROUTES}
    assert {found[name].verdict.status for name in (FIREWALL, GROUPS, ROUTES)} == {Status.PASS}
    assert failing(found) == set()
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_a_registry_that_admits_others_only_is_told_by_the_load_balancers_address(shop: Aks) -> None:
    net.restrict(shop.azure, "198.51.100.7")
    shop.says(BARE)
    found, _ = await shop.look()
    assert failing(found) == {FIREWALL}
    assert root_causes(found) == [FIREWALL]
    verdict = found[FIREWALL].verdict
    assert verdict.summary == (
        f"the firewall of contoso.azurecr.io does not admit {world.OUTBOUND_IP}, which the nodes come from"
    )
    assert ("Admitted", "198.51.100.7") in verdict.evidence
    assert ("The nodes leave with", f"{world.OUTBOUND_IP} (the load balancer of prod)") in verdict.evidence


# ---- the registry's firewall


@pytest.mark.parametrize("message", [BARE, turned_away("20.1.1.2")], ids=["bare", "told"])
async def test_one_of_several_addresses_that_is_missing_is_named_and_makes_pulls_fail_now_and_then(
    shop: Aks, message: str
) -> None:
    first, second = (net.address(shop.azure, f"out{n}", f"20.1.1.{n}") for n in (1, 2))
    net.leave_with(shop.azure, first, second)
    net.restrict(shop.azure, "20.1.1.1")
    shop.says(message)
    found, _ = await shop.look()
    assert failing(found) == {FIREWALL}
    assert found[FIREWALL].verdict.summary == (
        "the firewall of contoso.azurecr.io admits 20.1.1.1 but not 20.1.1.2: the nodes leave with all of "
        "them, so pulls fail now and then"
    )


@pytest.mark.parametrize("admitted", ["20.1.1.1", "20.1.1.0/24", "20.1.1.1/32"])
async def test_an_address_is_admitted_by_itself_or_in_a_block(shop: Aks, admitted: str) -> None:
    net.restrict(shop.azure, "198.51.100.7", admitted)
    shop.says(BARE)
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_prefix_has_to_be_admitted_as_a_whole(shop: Aks) -> None:
    net.leave_with(shop.azure, net.address(shop.azure, "out", "20.5.0.0/28"))
    net.restrict(shop.azure, "20.5.0.0/29")
    shop.says(BARE)
    found, _ = await shop.look()
    assert root_causes(found) == [FIREWALL]
    net.restrict(shop.azure, "20.5.0.0/28")
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_nat_gateway_on_the_subnet_goes_before_the_load_balancer(shop: Aks) -> None:
    net.through_nat(
        shop.azure, net.address(shop.azure, "a", "20.6.0.1"), net.address(shop.azure, "b", "20.6.1.0/28")
    )
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(BARE)
    found, _ = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert ("The nodes leave with", "20.6.0.1, 20.6.1.0/28 (the NAT gateway out)") in found[
        FIREWALL
    ].verdict.evidence
    net.restrict(shop.azure, "20.6.0.1", "20.6.1.0/28")
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_behind_a_firewall_its_addresses_are_those_that_the_registry_sees(shop: Aks) -> None:
    net.egress(shop.azure)
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(turned_away("20.9.9.9"))
    found, _ = await shop.look()
    assert failing(found) == {FIREWALL}
    assert "20.9.9.9" in found[FIREWALL].verdict.summary


async def test_behind_somebodys_appliance_the_address_is_not_guessed(shop: Aks) -> None:
    net.routes(shop.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(BARE)
    found, _ = await shop.look()
    assert failing(found) == set()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert "10.1.200.4" in found[FIREWALL].verdict.summary


async def test_what_the_registry_says_of_who_came_beats_what_is_not_known(shop: Aks) -> None:
    net.routes(shop.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(turned_away("203.0.113.80"))
    found, _ = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert "203.0.113.80" in found[FIREWALL].verdict.summary


async def test_nodes_with_addresses_of_their_own_are_looked_at_one_by_one(shop: Aks) -> None:
    shop.azure.get(world.AKS)["properties"]["agentPoolProfiles"][0]["enableNodePublicIP"] = True
    for n in (1, 2):
        id = f"{net.SCALE_SET}/publicipaddresses/pub{n}"
        shop.azure.put({"id": id, "name": f"pub{n}", "properties": {"ipAddress": f"20.7.0.{n}"}})
    net.restrict(shop.azure, "20.7.0.1")
    shop.says(BARE)
    found, _ = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert "20.7.0.2" in found[FIREWALL].verdict.summary


async def test_behind_a_proxy_the_clusters_own_addresses_do_not_matter(shop: Aks) -> None:
    shop.azure.get(world.AKS)["properties"]["httpProxyConfig"] = {
        "httpsProxy": "http://proxy.example:8080",
        "noProxy": ["10.0.0.0/8"],
    }
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(BARE)
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert "proxy.example" in found[FIREWALL].verdict.summary


async def test_a_registry_without_public_access_and_without_an_endpoint_admits_nobody(shop: Aks) -> None:
    shop.azure.get(world.ACR)["properties"]["publicNetworkAccess"] = "Disabled"
    net.restrict(shop.azure, world.OUTBOUND_IP)  # which then holds for nobody
    shop.says(turned_away(world.OUTBOUND_IP))
    found, _ = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert "public access to contoso.azurecr.io is disabled" in found[FIREWALL].verdict.summary


async def test_the_missing_addresses_are_admitted_and_dismissed_again(shop: Aks) -> None:
    first, second = (net.address(shop.azure, f"out{n}", f"20.1.1.{n}") for n in (1, 2))
    net.leave_with(shop.azure, first, second)
    rules = net.restrict(shop.azure, "198.51.100.0/24", "20.1.1.1")["networkRuleSet"]
    before = deepcopy(rules)
    shop.azure.slow["Microsoft.ContainerRegistry/registries"] = 1
    shop.says(BARE)
    offers = await shop.plans()
    assert list(offers) == [ADMIT]
    [step] = steps_of(offers[ADMIT])
    assert step.commands() == (
        f"az acr network-rule add --name contoso --subscription {world.SUBSCRIPTION} --ip-address 20.1.1.2",
    )
    await shop.carry_out(offers[ADMIT])
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS
    await shop.undo(offers[ADMIT])
    assert shop.azure.get(world.ACR)["properties"]["networkRuleSet"] == before
    assert shop.azure.get(world.ACR)["properties"]["publicNetworkAccess"] == "Enabled"


async def test_a_list_that_somebody_else_changed_is_left_alone(shop: Aks) -> None:
    net.restrict(shop.azure, "198.51.100.7")
    shop.says(BARE)
    offer = (await shop.plans())[ADMIT]
    net.restrict(shop.azure, "198.51.100.8")
    with pytest.raises(AssertionError):
        await shop.carry_out(offer)
    hands: Any = shop.clients.hands[ArmWriter]
    [step] = steps_of(offer)
    assert await step.look(hands) is Standing.ELSEWHERE
    with pytest.raises(Conflict):
        await step.write(hands)
    assert [one["value"] for one in shop.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]] == [
        "198.51.100.8"
    ]


async def test_what_others_admitted_since_stays_when_it_is_undone(shop: Aks) -> None:
    net.restrict(shop.azure)
    shop.says(BARE)
    offer = (await shop.plans())[ADMIT]
    await shop.carry_out(offer)
    rules = shop.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]
    rules.append({"action": "Allow", "value": "198.51.100.8"})
    await shop.undo(offer)
    left = shop.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]
    assert [one["value"] for one in left] == ["198.51.100.8"]


async def test_nobody_is_admitted_on_a_messages_word(shop: Aks) -> None:
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(turned_away("203.0.113.80"))
    found, offers = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert offers[ADMIT].plan is None
    assert "none of the addresses that Azure names" in offers[ADMIT].refused
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert "the message says 203.0.113.80" in advice.words
    assert advice.commands[0].endswith("--ip-address ADDRESS")


async def test_addresses_that_come_and_go_are_for_people(shop: Aks) -> None:
    net.leave_with(shop.azure, net.address(shop.azure, "basic", "20.1.1.9", allocation="Dynamic"))
    net.restrict(shop.azure)
    shop.says(BARE)
    _, offers = await shop.look()
    assert "will not stay" in offers[ADMIT].refused
    assert offers["azure/open_registry_to_cluster"].by_hand is not None


async def test_two_hundred_rules_are_the_end(shop: Aks) -> None:
    net.restrict(shop.azure, *(f"198.51.100.{n}" for n in range(200)))
    shop.says(BARE)
    _, offers = await shop.look()
    assert "Azure allows 200" in offers[ADMIT].refused


async def test_what_shares_a_firewall_is_let_in_too_and_the_caution_says_so(shop: Aks) -> None:
    net.egress(shop.azure)
    net.restrict(shop.azure)
    shop.says(BARE)
    plan = (await shop.plans())[ADMIT].plan
    assert plan is not None
    assert plan.caution == "whatever else leaves through the firewall hub is let in, too"


async def test_a_registry_that_is_closed_to_the_internet_is_opened_by_people_only(shop: Aks) -> None:
    shop.azure.get(world.ACR)["properties"]["publicNetworkAccess"] = "Disabled"
    shop.says(BARE)
    _, offers = await shop.look()
    assert ADMIT not in offers
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert advice.commands[0] == (
        f"az acr update --name contoso --subscription {world.SUBSCRIPTION} --public-network-enabled true "
        "--default-action Deny"
    )


# ---- security groups


@pytest.mark.parametrize("group", [net.SUBNET_GROUP, net.NODE_GROUP], ids=["subnet", "node"])
async def test_a_group_that_denies_the_internet_is_named_with_its_rule(shop: Aks, group: str) -> None:
    net.guard(shop.azure, group, net.rule("no-internet", 400, "Deny", "Internet"))
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert failing(found) == {GROUPS}
    assert root_causes(found) == [GROUPS]
    verdict = found[GROUPS].verdict
    assert verdict.summary.startswith("the rule no-internet (priority 400) of ")
    assert verdict.about == group


async def test_a_group_is_opened_just_before_the_rule_that_denies_it_and_closed_again(shop: Aks) -> None:
    net.guard(
        shop.azure,
        net.SUBNET_GROUP,
        net.rule("mine", 399, "Allow", "Sql"),
        net.rule("no-internet", 400, "Deny", "Internet"),
    )
    before = deepcopy(shop.azure.resources)
    shop.says(TIMEOUT)
    offers = await shop.plans()
    assert list(offers) == [OPEN]
    plan = offers[OPEN].plan
    assert plan is not None
    assert [(one.name, one.priority, one.destinations) for one in steps_of(offers[OPEN])] == [
        ("pullbot-allow-AzureContainerRegistry-out", 398, ("AzureContainerRegistry",)),
        ("pullbot-allow-Storage-out", 397, ("Storage",)),
    ]
    assert "no-internet (priority 400) of nodes" in plan.caution
    assert plan.steps[0].commands() == (
        "az network nsg rule create --name pullbot-allow-AzureContainerRegistry-out --nsg-name nodes "
        f"--resource-group shop --subscription {world.SUBSCRIPTION} --priority 398 --direction Outbound "
        "--access Allow --protocol Tcp --source-address-prefixes VirtualNetwork --source-port-ranges '*' "
        "--destination-address-prefixes AzureContainerRegistry --destination-port-ranges 443",
    )
    await shop.carry_out(offers[OPEN])
    found, _ = await shop.look()
    assert found[GROUPS].verdict.status is Status.PASS
    await shop.undo(offers[OPEN])
    assert shop.azure.resources == before


async def test_a_priority_that_was_taken_meanwhile_is_left_to_whom_it_is(shop: Aks) -> None:
    net.guard(shop.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    shop.says(TIMEOUT)
    offer = (await shop.plans())[OPEN]
    net.guard(
        shop.azure,
        net.SUBNET_GROUP,
        net.rule("no-internet", 400, "Deny", "Internet"),
        net.rule("theirs", 399, "Deny", "Sql"),
    )
    step, _ = steps_of(offer)
    assert await step.look(shop.clients.hands[ArmWriter]) is Standing.ELSEWHERE


async def test_where_no_priority_is_free_people_have_to_make_room(shop: Aks) -> None:
    net.guard(shop.azure, net.SUBNET_GROUP, net.rule("no-internet", 100, "Deny", "Internet"))
    shop.says(TIMEOUT)
    _, offers = await shop.look()
    assert "no priority is free" in offers[OPEN].refused


async def test_a_group_of_akss_own_is_for_people(shop: Aks) -> None:
    net.guard(shop.azure, net.NODE_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    shop.says(TIMEOUT)
    _, offers = await shop.look()
    assert OPEN not in offers
    advice = offers["azure/mend_nsg_of_aks"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith("--name no-internet")


async def test_layers_that_are_denied_do_not_explain_a_manifest_that_was_not_reached(shop: Aks) -> None:
    net.guard(
        shop.azure,
        net.SUBNET_GROUP,
        net.rule("registry", 300, "Allow", "AzureContainerRegistry"),
        net.rule("no-internet", 400, "Deny", "Internet"),
    )
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert root_causes(found) == []
    shop.says(LAYERS)
    found, _ = await shop.look()
    assert root_causes(found) == [GROUPS]


# ---- routes


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "AzureContainerRegistry", "20.61.0.0/16"])
async def test_a_route_that_drops_is_named(shop: Aks, prefix: str) -> None:
    net.routes(shop.azure, hole=f"{prefix} None")
    shop.says(TIMEOUT)
    found, offers = await shop.look()
    assert failing(found) == {ROUTES}
    assert root_causes(found) == [ROUTES]
    assert f"hole ({prefix} to None) of nodes" in found[ROUTES].verdict.summary
    assert offers["azure/lead_to_registry"].by_hand is not None
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_where_a_gateway_leads_is_not_seen(shop: Aks) -> None:
    net.routes(shop.azure, office="0.0.0.0/0 VirtualNetworkGateway")
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert failing(found) == set()
    assert found[ROUTES].verdict.status is Status.UNKNOWN


@pytest.mark.parametrize("kind", ["none", "block"])
async def test_a_cluster_that_was_made_without_a_way_out_has_none(shop: Aks, kind: str) -> None:
    shop.azure.get(world.AKS)["properties"]["networkProfile"] = {"outboundType": kind}
    shop.says(TIMEOUT)
    found, offers = await shop.look()
    assert root_causes(found) == [ROUTES]
    assert f"outbound type is {kind}" in found[ROUTES].verdict.summary
    advice = offers["azure/lead_to_registry"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith("--outbound-type OUTBOUND_TYPE")


# ---- the firewall on the way


async def test_a_firewall_that_lets_the_pull_through_is_no_cause(shop: Aks) -> None:
    net.egress(shop.azure)
    shop.says(CUT_OFF)
    found, _ = await shop.look()
    assert failing(found) == set()
    assert {found[name].verdict.status for name in OURS} == {Status.PASS}


@pytest.mark.parametrize("message", [CUT_OFF, TIMEOUT], ids=["cut off", "timeout"])
async def test_a_name_that_no_rule_allows_is_told_with_the_command_for_its_owners(
    shop: Aks, message: str
) -> None:
    net.egress(shop.azure)
    net.put_group(shop.azure, net.POLICY, net.group("aks", 200))
    shop.says(message)
    found, offers = await shop.look()
    assert failing(found) == {APPLIANCE}
    assert root_causes(found) == [APPLIANCE]
    assert not [name for name, one in offers.items() if one.plan is not None]
    advice = offers["azure/allow_in_firewall"].by_hand
    assert advice is not None
    assert advice.commands == (
        "az network firewall policy rule-collection-group collection rule add --policy-name hub "
        f"--resource-group shop --subscription {world.SUBSCRIPTION} --rule-collection-group-name GROUP "
        "--collection-name COLLECTION --name acr --rule-type ApplicationRule --source-addresses 10.1.0.0/22 "
        "--target-fqdns contoso.azurecr.io '*.blob.core.windows.net' --protocols Https=443",
    )


async def test_layers_that_no_rule_allows_explain_layers_that_do_not_come(shop: Aks) -> None:
    net.egress(shop.azure)
    rule = net.by_name("acr", "*.azurecr.io")
    net.put_group(shop.azure, net.POLICY, net.group("aks", 200, net.collection("pulls", 100, "Allow", rule)))
    shop.says(LAYERS)
    found, _ = await shop.look()
    assert root_causes(found) == [APPLIANCE]
    assert "weuman.blob.core.windows.net" in found[APPLIANCE].verdict.summary
    shop.says(CUT_OFF)
    found, _ = await shop.look()
    assert root_causes(found) == []


async def test_a_parent_policy_that_denies_goes_before_the_child(shop: Aks) -> None:
    net.egress(shop.azure)
    shop.azure.get(net.POLICY)["properties"]["basePolicy"] = {"id": net.PARENT}
    shop.azure.put({"id": net.PARENT, "name": "company", "location": "westeurope", "properties": {}})
    deny = net.collection("never", 100, "Deny", net.by_name("registries", "*.azurecr.io"))
    net.put_group(shop.azure, net.PARENT, net.group("company", 100, deny))
    shop.says(CUT_OFF)
    found, _ = await shop.look()
    assert root_causes(found) == [APPLIANCE]
    assert "the rule registries in never of hub denies" in found[APPLIANCE].verdict.summary


async def test_an_appliance_that_is_no_azure_firewall_is_not_judged(shop: Aks) -> None:
    net.routes(shop.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert failing(found) == set()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


async def test_a_firewall_of_the_same_address_in_a_network_that_is_not_joined_is_another(shop: Aks) -> None:
    net.egress(shop.azure)
    net.firewall(shop.azure, network_id=f"{world.HOME}/providers/Microsoft.Network/virtualNetworks/elsewhere")
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


# ---- two faults at once


async def test_what_would_not_help_alone_says_what_else_is_to_be_mended(shop: Aks) -> None:
    net.guard(shop.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    net.restrict(shop.azure)
    shop.says(TIMEOUT)
    found, offers = await shop.look()
    assert failing(found) == {FIREWALL, GROUPS}
    assert root_causes(found) == [GROUPS]
    opening = offers[OPEN].plan
    assert opening is not None
    assert "alone it does not help: the firewall of contoso.azurecr.io does not admit" in opening.caution
    admission = offers[ADMIT].plan
    assert admission is not None
    assert admission.caution.startswith("alone it does not help: the rule no-internet")
    await shop.carry_out(offers[OPEN])
    await shop.carry_out(offers[ADMIT])
    found, _ = await shop.look()
    assert failing(found) == set()


# ---- the private way


@pytest.fixture
def inside(aks: Aks) -> Aks:
    private_world(aks.azure)
    aks.says(f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp {private.OWN}:443: i/o timeout')
    return aks


async def test_the_private_way_is_open_where_nothing_is_wrong(inside: Aks) -> None:
    found, _ = await inside.look()
    assert failing(found) == set()
    assert FIREWALL not in found
    assert {found[name].verdict.status for name in (GROUPS, ROUTES)} == {Status.PASS}


async def test_a_security_group_that_denies_the_endpoints_address_is_opened_for_it_alone(inside: Aks) -> None:
    deny = net.rule("no-hub", 200, "Deny", "10.10.0.0/16")
    net.guard(inside.azure, net.SUBNET_GROUP, deny)
    inside.azure.get(private.NODES)["properties"]["networkSecurityGroup"] = {"id": net.SUBNET_GROUP}
    found, offers = await inside.look()
    assert failing(found) == {GROUPS}
    assert root_causes(found) == [GROUPS]
    [step] = steps_of(offers[OPEN])
    assert (step.name, step.destinations, step.inbound) == (
        "pullbot-allow-registry-endpoint-out",
        (private.OWN, private.LAYERS),
        False,
    )


async def test_a_group_in_front_of_the_endpoint_counts_where_its_subnet_says_so(inside: Aks) -> None:
    group = f"{private.HUB_GROUP}/providers/Microsoft.Network/networkSecurityGroups/endpoints"
    closed = net.rule("closed", 300, "Deny", "*", direction="Inbound")
    net.rules_kept(inside.azure)
    net.guard(inside.azure, group, closed)
    subnet = inside.azure.get(private.ENDPOINTS)["properties"]
    subnet["networkSecurityGroup"] = {"id": group}
    found, _ = await inside.look()
    assert failing(found) == set()
    subnet["privateEndpointNetworkPolicies"] = "NetworkSecurityGroupEnabled"
    before = deepcopy(inside.azure.resources)
    found, offers = await inside.look()
    assert failing(found) == {GROUPS}
    assert root_causes(found) == [GROUPS]
    [step] = steps_of(offers[OPEN])
    assert (step.group, step.inbound, step.sources) == (group, True, ("10.1.0.0/22",))
    await inside.carry_out(offers[OPEN])
    found, _ = await inside.look()
    assert failing(found) == set()
    await inside.undo(offers[OPEN])
    assert inside.azure.resources == before


async def test_a_route_for_the_endpoints_very_address_leads_to_a_firewall_that_wants_a_network_rule(
    inside: Aks,
) -> None:
    net.routes(inside.azure, it=f"{private.OWN}/32 VirtualAppliance {net.FIREWALL_AT}")
    names = net.group("names", 200, net.collection("pulls", 100, "Allow", net.by_name("acr", "*.azurecr.io")))
    net.firewall(inside.azure, names, network_id=private.HUB)
    found, offers = await inside.look()
    assert failing(found) == {APPLIANCE}
    assert root_causes(found) == [APPLIANCE]
    assert "allows its name only" in found[APPLIANCE].verdict.summary
    advice = offers["azure/allow_in_firewall"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith(
        "--rule-type NetworkRule --source-addresses 10.1.0.0/22 --destination-addresses 10.10.0.4 "
        "--destination-ports 443 --ip-protocols TCP"
    )
    net.put_group(
        inside.azure,
        net.POLICY,
        net.group("addresses", 100, net.collection("acr", 100, "Allow", net.by_address("acr", private.OWN))),
    )
    found, _ = await inside.look()
    assert failing(found) == set()
    assert found[APPLIANCE].verdict.status is Status.PASS


async def test_a_route_that_drops_what_goes_to_the_endpoint_is_named(inside: Aks) -> None:
    net.routes(inside.azure, hole=f"{private.OWN}/32 None", all="10.0.0.0/8 None")
    found, _ = await inside.look()
    assert failing(found) == {ROUTES}
    assert root_causes(found) == [ROUTES]


async def test_nodes_that_come_over_the_internet_to_a_private_registry_are_not_let_in_there(
    inside: Aks,
) -> None:
    del inside.azure.resources[private.SPOKE_LINK.lower()]
    inside.says(turned_away(world.OUTBOUND_IP))
    found, offers = await inside.look()
    assert root_causes(found) == ["azure/private_dns_is_linked"]
    assert not OURS & failing(found)
    assert not {ADMIT, OPEN} & set(offers)


# ---- what is dialled, and by whom


async def test_a_service_principal_also_needs_entra_id(shop: Aks) -> None:
    net.egress(shop.azure)
    has = shop.azure.get(world.AKS)["properties"]
    has["servicePrincipalProfile"] = {"clientId": "6f1d2c3b-4a5e-4f60-9b7a-8c9d0e1f2a3b"}
    del has["identityProfile"]
    found, _ = await shop.look()  # kubelet pulled without a token, and got a 401
    verdict = found[APPLIANCE].verdict
    assert verdict.summary == "no rule of hub allows HTTPS to login.microsoftonline.com"
    assert APPLIANCE in root_causes(found)


async def test_what_a_proxy_is_asked_for_no_security_group_is_blamed(shop: Aks) -> None:
    shop.azure.get(world.AKS)["properties"]["httpProxyConfig"] = {"httpsProxy": "http://10.1.9.9:8080"}
    net.guard(shop.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    shop.says(TIMEOUT)
    found, _ = await shop.look()
    assert not {GROUPS, ROUTES, APPLIANCE} & set(found)


async def test_what_the_registry_and_the_cluster_agree_on_needs_no_routes(shop: Aks) -> None:
    del shop.azure.resources[private.NODES.lower()]
    net.restrict(shop.azure)
    shop.says(turned_away(world.OUTBOUND_IP))
    found, offers = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert found[ROUTES].verdict.status is Status.UNKNOWN
    assert offers[ADMIT].plan is not None


async def test_addresses_of_ipv6_do_not_matter_to_a_registry(shop: Aks) -> None:
    old = shop.azure.get(world.OUTBOUND)
    net.leave_with(shop.azure, old, net.address(shop.azure, "six", "2603:1020::1"))
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(BARE)
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_subnet_that_the_registry_admits_comes_by_its_service_endpoint(shop: Aks) -> None:
    shop.azure.get(private.NODES)["properties"]["serviceEndpoints"] = [
        {"service": "Microsoft.ContainerRegistry"}
    ]
    rules = net.restrict(shop.azure)["networkRuleSet"]
    shop.says(BARE)
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    rules["virtualNetworkRules"] = [{"id": private.NODES, "action": "Allow"}]
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_group_of_addresses_in_a_firewalls_rule_is_looked_into(shop: Aks) -> None:
    net.egress(shop.azure)
    nodes = net.ip_group(shop.azure, "nodes", "10.1.0.0/16")
    rule = net.by_name("registries", "*.azurecr.io", sourceAddresses=[], sourceIpGroups=[nodes])
    net.put_group(shop.azure, net.POLICY, net.group("no", 100, net.collection("no", 100, "Deny", rule)))
    shop.says(CUT_OFF)
    found, _ = await shop.look()
    assert root_causes(found) == [APPLIANCE]
    net.ip_group(shop.azure, "nodes", "10.2.0.0/16")
    found, _ = await shop.look()
    assert found[APPLIANCE].verdict.status is Status.PASS
    del shop.azure.resources[nodes.lower()]
    found, _ = await shop.look()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


async def test_a_403_of_the_storage_is_not_the_registrys(shop: Aks) -> None:
    net.restrict(shop.azure)
    shop.says(
        f'Failed to pull image "{IMAGE}": failed to copy: httpReadSeeker: failed open: unexpected status '
        "from GET request to https://weuman.blob.core.windows.net/layer?sig=x: 403 Forbidden"
    )
    found, _ = await shop.look()
    assert failing(found) == {FIREWALL}
    assert root_causes(found) == []


@pytest.mark.parametrize("route", ["0.0.0.0/0 VirtualNetworkGateway", "0.0.0.0/0 None"])
async def test_where_the_way_out_is_not_seen_the_load_balancers_addresses_prove_nothing(
    shop: Aks, route: str
) -> None:
    net.routes(shop.azure, everything=route)
    net.restrict(shop.azure)
    shop.says(BARE)
    found, _ = await shop.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert f"everything ({route.replace(' ', ' to ')})" in found[FIREWALL].verdict.summary


async def test_a_firewall_in_a_hub_of_another_subscription_is_found_by_the_peering(shop: Aks) -> None:
    hub = "/subscriptions/9a4f0d52-3c67-4c3e-8b1c-3f8e1c5a7d20/resourceGroups/hub/providers/Microsoft.Network"
    net.egress(shop.azure)
    made = shop.azure.resources.pop(net.FIREWALL.lower())
    made["id"] = f"{hub}/azureFirewalls/hub"
    subnet = {"id": f"{hub}/virtualNetworks/hub/subnets/AzureFirewallSubnet"}
    made["properties"]["ipConfigurations"][0]["properties"]["subnet"] = subnet
    shop.azure.put(made)
    shop.azure.put(private.peering(private.TO_HUB, f"{hub}/virtualNetworks/hub", "10.10.0.0/16"))
    shop.says(CUT_OFF)
    found, _ = await shop.look()
    assert found[APPLIANCE].verdict.status is Status.PASS
    net.put_group(shop.azure, net.POLICY, net.group("aks", 200))
    found, _ = await shop.look()
    assert root_causes(found) == [APPLIANCE]


async def test_nodes_that_come_by_a_service_endpoint_are_seen_with_their_own_addresses(shop: Aks) -> None:
    shop.azure.get(private.NODES)["properties"]["serviceEndpoints"] = [
        {"service": "Microsoft.ContainerRegistry"}
    ]
    net.restrict(shop.azure, world.OUTBOUND_IP)
    shop.says(turned_away("10.1.0.7"))
    found, offers = await shop.look()
    assert root_causes(found) == [FIREWALL]
    assert offers[ADMIT].plan is None
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith(f"--subnet {private.NODES}")


async def test_classic_rules_of_a_firewall_are_read_and_advised_upon(shop: Aks) -> None:
    net.egress(shop.azure)
    has = shop.azure.get(net.FIREWALL)["properties"]
    del has["firewallPolicy"]
    rule = {
        "name": "pulls",
        "sourceAddresses": ["10.1.0.0/16"],
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.azurecr.io"],
    }
    properties = {"priority": 100, "action": {"type": "Allow"}, "rules": [rule]}
    has["applicationRuleCollections"] = [{"name": "aks", "properties": properties}]
    shop.says(LAYERS)
    found, offers = await shop.look()
    assert root_causes(found) == [APPLIANCE]
    advice = offers["azure/allow_in_firewall"].by_hand
    assert advice is not None
    assert advice.commands == (
        "az network firewall application-rule create --firewall-name hub --resource-group shop "
        f"--subscription {world.SUBSCRIPTION} --collection-name COLLECTION --name acr --source-addresses 10.1.0.0/22 "
        "--target-fqdns '*.blob.core.windows.net' --protocols Https=443",
    )
    rule["targetFqdns"] = ["*.azurecr.io", "*.blob.core.windows.net"]
    found, _ = await shop.look()
    assert failing(found) == set()


async def test_where_a_group_of_akss_own_denies_it_too_ours_alone_is_not_opened(shop: Aks) -> None:
    for group in (net.SUBNET_GROUP, net.NODE_GROUP):
        net.guard(shop.azure, group, net.rule("no-internet", 400, "Deny", "Internet"))
    shop.says(TIMEOUT)
    _, offers = await shop.look()
    assert "is AKS's own" in offers[OPEN].refused
    assert offers["azure/mend_nsg_of_aks"].by_hand is not None
