"""The cluster's addresses are admitted by the registry's firewall, or people are told what to do."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from bot.demo import azure_world as world
from checks.model import Status
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Conflict, Risk, Standing
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import Aks, root_causes
from tests.fakes.aks_ways import ADMIT, BARE, FIREWALL, ROUTES, steps_of, turned_away


async def test_the_missing_addresses_are_admitted_and_dismissed_again(own: Aks) -> None:
    first, second = (net.address(own.azure, f"out{n}", f"20.1.1.{n}") for n in (1, 2))
    net.leave_with(own.azure, first, second)
    rules = net.restrict(own.azure, "198.51.100.0/24", "20.1.1.1")["networkRuleSet"]
    before = deepcopy(rules)
    own.azure.slow["Microsoft.ContainerRegistry/registries"] = 1
    own.says(BARE)
    offers = await own.plans()
    assert list(offers) == [ADMIT]
    [step] = steps_of(offers[ADMIT])
    assert step.commands() == (
        f"az acr network-rule add --name contoso --subscription {world.SUBSCRIPTION} --ip-address 20.1.1.2",
    )
    await own.carry_out(offers[ADMIT])
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS
    await own.undo(offers[ADMIT])
    assert own.azure.get(world.ACR)["properties"]["networkRuleSet"] == before
    assert own.azure.get(world.ACR)["properties"]["publicNetworkAccess"] == "Enabled"


async def test_a_list_that_somebody_else_changed_is_left_alone(own: Aks) -> None:
    net.restrict(own.azure, "198.51.100.7")
    own.says(BARE)
    offer = (await own.plans())[ADMIT]
    net.restrict(own.azure, "198.51.100.8")
    with pytest.raises(AssertionError):
        await own.carry_out(offer)
    hands: Any = own.clients.hands[ArmWriter]
    [step] = steps_of(offer)
    assert await step.look(hands) is Standing.ELSEWHERE
    with pytest.raises(Conflict):
        await step.write(hands)
    assert [one["value"] for one in own.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]] == [
        "198.51.100.8"
    ]


async def test_what_others_admitted_since_stays_when_it_is_undone(own: Aks) -> None:
    net.restrict(own.azure)
    own.says(BARE)
    offer = (await own.plans())[ADMIT]
    await own.carry_out(offer)
    rules = own.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]
    rules.append({"action": "Allow", "value": "198.51.100.8"})
    await own.undo(offer)
    left = own.azure.get(world.ACR)["properties"]["networkRuleSet"]["ipRules"]
    assert [one["value"] for one in left] == ["198.51.100.8"]


async def test_nobody_is_admitted_on_a_messages_word(own: Aks) -> None:
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(turned_away("203.0.113.80"))
    found, offers = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert offers[ADMIT].plan is None
    assert "none of the addresses that Azure names" in offers[ADMIT].refused
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert "the message says 203.0.113.80" in advice.words
    assert advice.commands[0].endswith("--ip-address ADDRESS")


async def test_addresses_that_come_and_go_are_for_people(own: Aks) -> None:
    net.leave_with(own.azure, net.address(own.azure, "basic", "20.1.1.9", allocation="Dynamic"))
    net.restrict(own.azure)
    own.says(BARE)
    _, offers = await own.look()
    assert "will not stay" in offers[ADMIT].refused
    assert offers["azure/open_registry_to_cluster"].by_hand is not None


async def test_two_hundred_rules_are_the_end(own: Aks) -> None:
    net.restrict(own.azure, *(f"198.51.100.{n}" for n in range(200)))
    own.says(BARE)
    _, offers = await own.look()
    assert "Azure allows 200" in offers[ADMIT].refused


async def test_what_shares_a_firewall_is_let_in_too_and_the_caution_says_so(own: Aks) -> None:
    net.egress(own.azure)
    net.restrict(own.azure)
    own.says(BARE)
    offer = (await own.plans())[ADMIT]
    assert offer.plan is not None
    assert offer.plan.caution == "whatever else leaves through the firewall hub is let in, too"
    assert offer.risk is Risk.MEDIUM


async def test_a_registry_that_is_closed_to_the_internet_is_opened_by_people_only(
    own: Aks,
) -> None:
    own.azure.get(world.ACR)["properties"]["publicNetworkAccess"] = "Disabled"
    own.says(BARE)
    _, offers = await own.look()
    assert ADMIT not in offers
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert advice.commands[0] == (
        f"az acr update --name contoso --subscription {world.SUBSCRIPTION} --public-network-enabled true "
        "--default-action Deny"
    )


async def test_what_the_registry_and_the_cluster_agree_on_needs_no_routes(own: Aks) -> None:
    del own.azure.resources[private.NODES.lower()]
    net.restrict(own.azure)
    own.says(turned_away(world.OUTBOUND_IP))
    found, offers = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert found[ROUTES].verdict.status is Status.UNKNOWN
    assert offers[ADMIT].plan is not None


async def test_nodes_that_come_by_a_service_endpoint_are_seen_with_their_own_addresses(
    own: Aks,
) -> None:
    own.azure.get(private.NODES)["properties"]["serviceEndpoints"] = [
        {"service": "Microsoft.ContainerRegistry"}
    ]
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(turned_away("10.1.0.7"))
    found, offers = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert offers[ADMIT].plan is None
    advice = offers["azure/open_registry_to_cluster"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith(f"--subnet {private.NODES}")
