"""Security groups on the way from AKS to ACR: which rule denies it, and the rule that goes before that."""

from __future__ import annotations

from copy import deepcopy

import pytest

from bot.demo import azure_world as world
from checks.model import Status
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Standing
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import Aks, root_causes
from tests.fakes.aks_ways import (
    ADMIT,
    APPLIANCE,
    FIREWALL,
    GROUPS,
    LAYERS,
    OPEN,
    ROUTES,
    TIMEOUT,
    failing,
    steps_of,
)


@pytest.mark.parametrize("group", [net.SUBNET_GROUP, net.NODE_GROUP], ids=["subnet", "node"])
async def test_a_group_that_denies_the_internet_is_named_with_its_rule(own: Aks, group: str) -> None:
    net.guard(own.azure, group, net.rule("no-internet", 400, "Deny", "Internet"))
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert failing(found) == {GROUPS}
    assert root_causes(found) == [GROUPS]
    verdict = found[GROUPS].verdict
    assert verdict.summary.startswith("the rule no-internet (priority 400) of ")
    assert verdict.about == group


async def test_a_group_is_opened_just_before_the_rule_that_denies_it_and_closed_again(
    own: Aks,
) -> None:
    net.guard(
        own.azure,
        net.SUBNET_GROUP,
        net.rule("mine", 399, "Allow", "Sql"),
        net.rule("no-internet", 400, "Deny", "Internet"),
    )
    before = deepcopy(own.azure.resources)
    own.says(TIMEOUT)
    offers = await own.plans()
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
    await own.carry_out(offers[OPEN])
    found, _ = await own.look()
    assert found[GROUPS].verdict.status is Status.PASS
    await own.undo(offers[OPEN])
    assert own.azure.resources == before


async def test_a_priority_that_was_taken_meanwhile_is_left_to_whom_it_is(own: Aks) -> None:
    net.guard(own.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    own.says(TIMEOUT)
    offer = (await own.plans())[OPEN]
    net.guard(
        own.azure,
        net.SUBNET_GROUP,
        net.rule("no-internet", 400, "Deny", "Internet"),
        net.rule("theirs", 399, "Deny", "Sql"),
    )
    step, _ = steps_of(offer)
    assert await step.look(own.clients.hands[ArmWriter]) is Standing.ELSEWHERE


async def test_where_no_priority_is_free_people_have_to_make_room(own: Aks) -> None:
    net.guard(own.azure, net.SUBNET_GROUP, net.rule("no-internet", 100, "Deny", "Internet"))
    own.says(TIMEOUT)
    _, offers = await own.look()
    assert "no priority is free" in offers[OPEN].refused


async def test_a_group_of_akss_own_is_for_people(own: Aks) -> None:
    net.guard(own.azure, net.NODE_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    own.says(TIMEOUT)
    _, offers = await own.look()
    assert OPEN not in offers
    advice = offers["azure/mend_nsg_of_aks"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith("--name no-internet")


async def test_where_a_group_of_akss_own_denies_it_too_ours_alone_is_not_opened(own: Aks) -> None:
    for group in (net.SUBNET_GROUP, net.NODE_GROUP):
        net.guard(own.azure, group, net.rule("no-internet", 400, "Deny", "Internet"))
    own.says(TIMEOUT)
    _, offers = await own.look()
    assert "is AKS's own" in offers[OPEN].refused
    assert offers["azure/mend_nsg_of_aks"].by_hand is not None


async def test_layers_that_are_denied_do_not_explain_a_manifest_that_was_not_reached(
    own: Aks,
) -> None:
    net.guard(
        own.azure,
        net.SUBNET_GROUP,
        net.rule("registry", 300, "Allow", "AzureContainerRegistry"),
        net.rule("no-internet", 400, "Deny", "Internet"),
    )
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert root_causes(found) == []
    own.says(LAYERS)
    found, _ = await own.look()
    assert root_causes(found) == [GROUPS]


async def test_what_a_proxy_is_asked_for_no_security_group_is_blamed(own: Aks) -> None:
    own.azure.get(world.AKS)["properties"]["httpProxyConfig"] = {"httpsProxy": "http://10.1.9.9:8080"}
    net.guard(own.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert not {GROUPS, ROUTES, APPLIANCE} & set(found)


async def test_what_would_not_help_alone_says_what_else_is_to_be_mended(own: Aks) -> None:
    net.guard(own.azure, net.SUBNET_GROUP, net.rule("no-internet", 400, "Deny", "Internet"))
    net.restrict(own.azure)
    own.says(TIMEOUT)
    found, offers = await own.look()
    assert failing(found) == {FIREWALL, GROUPS}
    assert root_causes(found) == [GROUPS]
    opening = offers[OPEN].plan
    assert opening is not None
    assert "alone it does not help: the firewall of contoso.azurecr.io does not admit" in opening.caution
    admission = offers[ADMIT].plan
    assert admission is not None
    assert admission.caution.startswith("alone it does not help: the rule no-internet")
    await own.carry_out(offers[OPEN])
    await own.carry_out(offers[ADMIT])
    found, _ = await own.look()
    assert failing(found) == set()


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
