"""Pulls on AKS that should take a private endpoint in a hub: what keeps them from it, the fix, the return."""

from __future__ import annotations

from copy import deepcopy

import pytest

from bot.demo import azure_world as world
from bot.demo.azure import Tree
from checks.model import Status
from handlers.remedy import Risk
from tests.fakes import azure_private as private
from tests.fakes.aks import Aks, root_causes

FORBIDDEN = (
    'Failed to pull image "contoso.azurecr.io/shop/web:1.4": failed to resolve reference '
    '"contoso.azurecr.io/shop/web:1.4": failed to authorize: failed to fetch anonymous token: unexpected '
    "status: 403 Forbidden"
)
SEEN = (
    f"{FORBIDDEN}: client with IP '20.1.1.1' is not allowed access. Refer https://aka.ms/acr/firewall to "
    "grant access."
)
TIMEOUT = (
    'failed to do request: Head "https://contoso.azurecr.io/v2/shop/web/manifests/1.4": dial tcp '
    "10.10.0.4:443: i/o timeout"
)
NO_NAME = 'Head "https://contoso.azurecr.io/v2/": dial tcp: lookup contoso.azurecr.io: no such host'
NO_LAYERS = (
    'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://contoso.westeurope.data.'
    'azurecr.io/d": dial tcp: lookup contoso.westeurope.data.azurecr.io: no such host'
)
DNS, PEERING = "azure/private_dns_is_linked", "azure/peering_is_connected"
APPROVED = "azure/private_endpoint_is_approved"


@pytest.fixture
def spoke(aks: Aks) -> Aks:
    private.private_world(aks.azure)
    return aks


def without(aks: Aks, *ids: str) -> None:
    for id in ids:
        del aks.azure.resources[id.lower()]


def properties(aks: Aks, id: str) -> Tree:
    found: Tree = aks.azure.get(id)["properties"]
    return found


async def failing(aks: Aks) -> list[str]:
    found, _ = await aks.look()
    return sorted(name for name, one in found.items() if one.verdict.status is Status.FAIL)


async def by_hand(aks: Aks) -> dict[str, tuple[str, ...]]:
    _, offers = await aks.look()
    return {name: one.by_hand.commands for name, one in offers.items() if one.by_hand is not None}


async def cured(aks: Aks, remedy: str, check: str) -> None:
    """Carried out it passes; undone what is there is what was there."""
    before = deepcopy(aks.azure.resources)
    plans = await aks.plans()
    assert list(plans) == [remedy]
    await aks.carry_out(plans[remedy])
    found, _ = await aks.look()
    assert found[check].verdict.status is Status.PASS
    assert await failing(aks) == []
    await aks.undo(plans[remedy])
    assert aks.azure.resources.keys() == before.keys()


async def test_a_healthy_spoke_pulls_by_the_endpoint_in_the_hub(spoke: Aks) -> None:
    before = spoke.clients.calls
    found, offers = await spoke.look()
    assert [found[one].verdict.status for one in (DNS, PEERING, APPROVED)] == [Status.PASS] * 3
    assert not [one for one in found.values() if one.verdict.status is not Status.PASS]
    assert not [one for one in offers.values() if one.plan is not None]
    assert spoke.clients.calls - before <= 28


async def test_a_registry_without_private_endpoints_costs_no_private_reads(aks: Aks) -> None:
    before = aks.clients.calls
    found, _ = await aks.look()
    assert not {DNS, PEERING, APPROVED} & found.keys()
    assert aks.clients.calls - before <= 12


@pytest.mark.parametrize("message", [FORBIDDEN, SEEN])
async def test_a_zone_that_is_not_linked_to_the_spoke_is_linked_and_unlinked(
    spoke: Aks, message: str
) -> None:
    without(spoke, private.SPOKE_LINK)
    spoke.says(message)
    found, _ = await spoke.look()
    assert root_causes(found) == [DNS]
    assert await failing(spoke) == [DNS]
    await cured(spoke, "azure/link_private_dns", DNS)


async def test_a_link_and_a_peering_that_belong_together_are_one_plan(spoke: Aks) -> None:
    without(spoke, private.SPOKE_LINK, private.TO_HUB)
    properties(spoke, private.TO_SPOKE)["peeringState"] = "Initiated"
    spoke.says(SEEN)
    found, offers = await spoke.look()
    assert root_causes(found) == [DNS]
    assert "in vain" in offers["azure/peer_back"].refused
    plan = offers["azure/link_private_dns"].plan
    assert plan is not None
    assert [type(step).__name__ for step in plan.steps] == ["MakePeering", "LinkZone"]
    assert offers["azure/link_private_dns"].risk is Risk.MEDIUM, "a peering is more than a link"
    await cured(spoke, "azure/link_private_dns", DNS)


async def test_no_zone_is_linked_where_the_peering_is_for_people_to_mend(spoke: Aks) -> None:
    without(spoke, private.SPOKE_LINK)
    properties(spoke, private.TO_HUB)["peeringState"] = "Disconnected"
    spoke.says(SEEN)
    _, offers = await spoke.look()
    assert "would turn the refusal into a timeout" in offers["azure/link_private_dns"].refused
    assert not await spoke.plans()


@pytest.mark.parametrize("missing", [private.TO_HUB, private.TO_SPOKE])
async def test_the_missing_side_of_a_peering_is_made_and_removed(spoke: Aks, missing: str) -> None:
    [other] = {private.TO_HUB, private.TO_SPOKE} - {missing}
    without(spoke, missing)
    properties(spoke, other)["peeringState"] = "Initiated"
    spoke.says(TIMEOUT)
    found, _ = await spoke.look()
    assert root_causes(found) == [PEERING]
    assert await failing(spoke) == [PEERING]
    await cured(spoke, "azure/peer_back", PEERING)


async def test_a_peering_that_is_out_of_sync_is_synced(spoke: Aks) -> None:
    properties(spoke, private.TO_HUB)["peeringSyncLevel"] = "LocalNotInSync"
    properties(spoke, private.TO_HUB)["remoteAddressSpace"] = {"addressPrefixes": ["10.9.0.0/16"]}
    spoke.says(TIMEOUT)
    assert await failing(spoke) == [PEERING]
    plans = await spoke.plans()
    assert list(plans) == ["azure/peer_back"]
    await spoke.carry_out(plans["azure/peer_back"])
    assert await failing(spoke) == []


async def test_a_disconnected_peering_is_for_people_to_make_anew(spoke: Aks) -> None:
    properties(spoke, private.TO_HUB)["peeringState"] = "Disconnected"
    spoke.says(TIMEOUT)
    found, _ = await spoke.look()
    assert root_causes(found) == [PEERING]
    assert await failing(spoke) == [PEERING]
    assert not await spoke.plans()
    advice = await by_hand(spoke)
    assert list(advice) == ["azure/repair_peering"]
    verbs = [command.split()[4] for command in advice["azure/repair_peering"]]
    assert verbs == ["delete", "delete", "create", "create"]


@pytest.mark.parametrize("status", ["Pending", "Rejected", "Disconnected"])
async def test_an_endpoint_that_is_not_let_in_is_for_the_registrys_owner(spoke: Aks, status: str) -> None:
    properties(spoke, world.ACR)["privateEndpointConnections"] = [private.connection(status)]
    spoke.says(TIMEOUT)
    found, _ = await spoke.look()
    assert root_causes(found) == [APPROVED]
    assert await failing(spoke) == [APPROVED]
    assert not await spoke.plans()
    assert list(await by_hand(spoke)) == ["azure/approve_private_endpoint"]


async def test_a_zone_that_lacks_the_record_is_told_with_the_record(spoke: Aks) -> None:
    without(spoke, private.OWN_RECORD)
    spoke.says(NO_NAME)
    found, _ = await spoke.look()
    assert root_causes(found) == [DNS]
    assert await failing(spoke) == [DNS]
    assert not await spoke.plans()
    advice = await by_hand(spoke)
    assert private.OWN in advice["azure/add_private_record"][-1]


async def test_layers_have_a_record_of_their_own(spoke: Aks) -> None:
    without(spoke, private.LAYERS_RECORD)
    spoke.says(NO_LAYERS)
    found, _ = await spoke.look()
    assert root_causes(found) == [DNS]
    assert await failing(spoke) == [DNS]
    advice = await by_hand(spoke)
    assert "contoso.westeurope.data" in advice["azure/add_private_record"][-1]


async def test_a_second_zone_of_the_name_hides_the_first_and_no_link_would_help(spoke: Aks) -> None:
    without(spoke, private.SPOKE_LINK)
    other = f"{world.HOME}/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
    spoke.azure.put({"id": other, "name": "privatelink.azurecr.io", "location": "global", "properties": {}})
    spoke.azure.put(private.link(f"{other}/virtualNetworkLinks/spoke", private.SPOKE))
    spoke.says(NO_NAME)
    found, offers = await spoke.look()
    assert root_causes(found) == [DNS]
    assert "only one zone of a name" in offers["azure/link_private_dns"].refused
    assert other in (await by_hand(spoke))["azure/add_private_record"][0]


async def test_somebody_who_links_the_zone_meanwhile_is_not_overtaken(spoke: Aks) -> None:
    without(spoke, private.SPOKE_LINK)
    spoke.says(SEEN)
    plan = (await spoke.plans())["azure/link_private_dns"].plan
    assert plan is not None
    spoke.azure.put(private.link(private.SPOKE_LINK, private.SPOKE))
    [step] = plan.steps
    standing = await step.look(next(iter(spoke.clients.hands.values())))
    assert standing.value == "elsewhere"


async def test_a_link_that_somebody_changed_is_not_taken_away(spoke: Aks) -> None:
    without(spoke, private.SPOKE_LINK)
    spoke.says(SEEN)
    offer = (await spoke.plans())["azure/link_private_dns"]
    await spoke.carry_out(offer)
    assert offer.plan is not None
    [step] = offer.plan.steps
    [made] = [tree for id, tree in spoke.azure.resources.items() if "/virtualnetworklinks/spoke-" in id]
    made["properties"]["registrationEnabled"] = True
    back = step.inverse()
    assert back is not None
    standing = await back.look(next(iter(spoke.clients.hands.values())))
    assert standing.value == "elsewhere"
