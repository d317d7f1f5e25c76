"""What is planned, refused or told for a private registry, and that its steps do not overtake anybody."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from bot.demo import azure_world as world
from bot.demo.azure import Azure, Tree
from checks.model import NotApplicable, NotFound
from handlers.remedies.azure.add_private_record import add_private_record
from handlers.remedies.azure.approve_private_endpoint import approve_private_endpoint
from handlers.remedies.azure.link_private_dns import link_private_dns
from handlers.remedies.azure.peer_back import peer_back
from handlers.remedies.azure.peering_steps import MakePeering, SyncPeering
from handlers.remedies.azure.repair_peering import repair_peering
from handlers.remedies.azure.zone_link_steps import LinkZone
from handlers.remedy import Advice, ByHand, Conflict, Plan, Refused, Remedy, Standing
from tests.checks.azure.private_shelf import FORBIDDEN, NO_NAME, SEEN, TIMEOUT, Shelf, private, resolver
from tests.fakes import azure_private as parts


class Writer(Shelf):
    """The port ``ArmWriter``: what is put is there."""

    def __init__(self, azure: Azure) -> None:
        super().__init__(azure)
        self.queries: list[Mapping[str, str]] = []

    async def put(
        self,
        path: str,
        body: Mapping[str, Any],
        if_match: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Tree:
        self.queries.append(query or {})
        return self.azure.put({**body, "id": path, "name": path.rpartition("/")[2]})

    async def patch(self, path: str, body: Mapping[str, Any]) -> Tree:
        raise AssertionError(path)

    async def delete(self, path: str) -> None:
        del self.azure.resources[path.lower()]


class Gone(Writer):
    async def put(
        self,
        path: str,
        body: Mapping[str, Any],
        if_match: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Tree:
        raise NotFound("ResourceNotFound", "the network is gone")


async def plans(remedy: Remedy, azure: Azure, message: str, *denied: str) -> tuple[Plan, ...]:
    return remedy(*await resolver(azure, message, *denied).arguments(remedy.needs))


async def advised(advice: Advice, azure: Azure, message: str) -> ByHand:
    return advice(*await resolver(azure, message).arguments(advice.needs))


def unlinked() -> Azure:
    azure = private()
    del azure.resources[parts.SPOKE_LINK.lower()]
    return azure


def without_hub_side() -> Azure:
    azure = private()
    del azure.resources[parts.TO_SPOKE.lower()]
    azure.get(parts.TO_HUB)["properties"].update(peeringState="Initiated", useRemoteGateways=True)
    return azure


# ---- link_private_dns


async def test_what_is_healthy_or_unknown_is_not_planned_for() -> None:
    for remedy, azure in ((link_private_dns, private()), (peer_back, private())):
        with pytest.raises(NotApplicable):
            await plans(remedy, azure, TIMEOUT)
    with pytest.raises(NotApplicable):
        await plans(link_private_dns, unlinked(), FORBIDDEN, "/privateDnsZones")


async def test_a_link_says_what_else_it_changes() -> None:
    [plan] = await plans(link_private_dns, unlinked(), SEEN)
    assert "all of spoke asks privatelink.azurecr.io for every registry" in plan.caution
    assert plan.reversible
    [step] = plan.steps
    assert step.diff().target == parts.ZONE
    assert shlex.split(step.commands()[0])[:6] == ["az", "network", "private-dns", "link", "vnet", "create"]


async def test_the_zone_is_linked_to_the_network_whose_servers_are_asked() -> None:
    azure = unlinked()
    del azure.resources[parts.HUB_LINK.lower()]
    azure.get(parts.SPOKE)["properties"]["dhcpOptions"] = {"dnsServers": ["10.10.1.4"]}
    [plan] = await plans(link_private_dns, azure, SEEN)
    assert plan.steps == (LinkZone(parts.ZONE, parts.HUB),)
    assert "have to ask Azure's resolver" in plan.caution


async def test_of_two_zones_the_one_that_knows_the_layers_too_is_recommended() -> None:
    azure = unlinked()
    other = f"{world.HOME}/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
    azure.put({"id": other, "name": "privatelink.azurecr.io", "properties": {}})
    azure.put(parts.record(f"{other}/A/contoso", parts.OWN))
    first, second = await plans(link_private_dns, azure, SEEN)
    assert (first.choice, second.choice) == (parts.ZONE, other)
    assert "layers would not arrive" in second.caution
    assert first.digest != second.digest


async def test_a_zone_with_a_wrong_record_is_not_linked() -> None:
    azure = unlinked()
    azure.put(parts.record(parts.OWN_RECORD, "10.10.0.9"))
    with pytest.raises(Refused, match="has the right record"):
        await plans(link_private_dns, azure, SEEN)


async def test_a_record_that_cannot_be_compared_is_not_trusted() -> None:
    with pytest.raises(Refused, match="is not known: Azure denies"):
        await plans(link_private_dns, unlinked(), SEEN, "/privateEndpoints/acr")


async def test_beside_the_endpoint_a_link_is_all_it_takes() -> None:
    azure = unlinked()
    azure.put(parts.endpoint(subnet=f"{parts.SPOKE}/subnets/endpoints"))
    [plan] = await plans(link_private_dns, azure, SEEN)
    assert plan.steps == (LinkZone(parts.ZONE, parts.SPOKE),)
    assert "timeout" not in plan.caution


async def test_an_endpoint_that_is_not_let_in_comes_before_its_name() -> None:
    azure = unlinked()
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = [parts.connection("Pending")]
    with pytest.raises(Refused, match="approved first"):
        await plans(link_private_dns, azure, SEEN)


async def test_where_the_way_is_not_known_the_plan_says_so() -> None:
    [plan] = await plans(link_private_dns, unlinked(), SEEN, f"{parts.HUB}/virtualNetworkPeerings")
    assert "the refusal becomes a timeout" in plan.caution


# ---- peer_back


async def test_the_missing_side_lets_the_other_use_its_gateway_as_before() -> None:
    [plan] = await plans(peer_back, without_hub_side(), TIMEOUT)
    [step] = plan.steps
    assert isinstance(step, MakePeering)
    assert (step.network, step.remote, step.gateway) == (parts.HUB, parts.SPOKE, True)
    assert "--allow-gateway-transit true" in step.commands()[0]
    assert "stays Disconnected" in plan.caution


async def test_a_side_that_does_not_know_the_endpoints_prefix_is_brought_in_sync() -> None:
    azure = private()
    behind = {
        "peeringSyncLevel": "LocalNotInSync",
        "remoteAddressSpace": {"addressPrefixes": ["10.9.0.0/16"]},
    }
    azure.get(parts.TO_HUB)["properties"].update(behind)
    azure.get(parts.TO_HUB)["etag"] = "W/1"
    [plan] = await plans(peer_back, azure, TIMEOUT)
    assert not plan.reversible
    [step] = plan.steps
    assert isinstance(step, SyncPeering)
    assert step.commands()[0].split()[:5] == ["az", "network", "vnet", "peering", "sync"]
    assert (step.diff().before, step.diff().after) == ("leads to 10.9.0.0/16", "leads to 10.10.0.0/16")
    arm = Writer(azure)
    assert await step.look(arm) is Standing.BEFORE
    await step.write(arm)
    assert arm.queries == [{"syncRemoteAddressSpace": "true"}]
    azure.get(parts.TO_HUB)["properties"]["remoteAddressSpace"] = {"addressPrefixes": ["10.8.0.0/16"]}
    assert await step.look(arm) is Standing.ELSEWHERE
    azure.get(parts.TO_HUB)["properties"]["remoteAddressSpace"] = {"addressPrefixes": ["10.10.0.0/16"]}
    assert await step.look(arm) is Standing.AFTER
    del azure.resources[parts.TO_HUB.lower()]
    assert await step.look(arm) is Standing.ELSEWHERE
    with pytest.raises(Conflict):
        await step.write(arm)


# ---- steps


@pytest.mark.parametrize(
    ("step", "made"),
    [
        (LinkZone(parts.ZONE, parts.SPOKE), unlinked),
        (MakePeering(f"{parts.HUB}/virtualNetworkPeerings/new", parts.SPOKE, parts.TO_HUB), without_hub_side),
    ],
)
async def test_a_step_goes_there_and_back(step: LinkZone | MakePeering, made: Any) -> None:
    azure = made()
    before = dict(azure.resources)
    arm = Writer(azure)
    assert await step.look(arm) is Standing.BEFORE
    done = await step.write(arm)
    assert await done.look(arm) is Standing.AFTER
    back = done.inverse()
    assert await back.look(arm) is Standing.BEFORE
    assert (back.diff().before, back.diff().after) == (step.diff().after, "")
    assert "delete" in back.commands()[0]
    again = await back.write(arm)
    assert await again.look(arm) is Standing.AFTER
    assert again.inverse() == step
    assert azure.resources == before
    with pytest.raises(Conflict):
        await step.write(Gone(azure))


async def test_a_peering_is_not_made_where_the_world_moved() -> None:
    step = MakePeering(f"{parts.HUB}/virtualNetworkPeerings/new", parts.SPOKE, parts.TO_HUB)
    assert await step.look(Writer(private())) is Standing.ELSEWHERE  # somebody made another
    azure = without_hub_side()
    azure.get(parts.TO_HUB)["properties"]["peeringState"] = "Disconnected"
    assert await step.look(Writer(azure)) is Standing.ELSEWHERE
    del azure.resources[parts.TO_HUB.lower()]
    assert await step.look(Writer(azure)) is Standing.ELSEWHERE
    azure.put(parts.peering(step.id, f"{parts.HUB}-2", "10.20.0.0/16"))
    assert await step.look(Writer(azure)) is Standing.ELSEWHERE  # the name is taken


async def test_a_zone_is_not_linked_where_the_world_moved() -> None:
    step = LinkZone(parts.ZONE, parts.SPOKE)
    assert await step.look(Writer(private())) is Standing.ELSEWHERE  # somebody linked it
    azure = unlinked()
    azure.put(parts.link(step.id, parts.HUB))
    assert await step.look(Writer(azure)) is Standing.ELSEWHERE  # the name is taken
    assert await UNSEEN.look(Writer(azure)) is Standing.BEFORE
    azure.put(parts.link(UNSEEN.id, parts.SPOKE, "NxDomainRedirect"))
    assert await UNSEEN.inverse().look(Writer(azure)) is Standing.ELSEWHERE  # somebody changed it


UNSEEN = LinkZone(parts.ZONE.replace("/hub/", "/other/"), parts.SPOKE)


# ---- by hand


async def test_a_pending_endpoint_is_approved_by_the_registrys_owner() -> None:
    azure = private()
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = [parts.connection("Pending")]
    said = await advised(approve_private_endpoint, azure, TIMEOUT)
    assert said.commands[0].split()[:4] == ["az", "network", "private-endpoint-connection", "approve"]
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = [parts.connection("Disconnected")]
    said = await advised(approve_private_endpoint, azure, TIMEOUT)
    assert [command.split()[3] for command in said.commands] == ["delete", "create"]


async def test_a_zone_that_nobody_shows_us_is_made_or_found_by_a_person() -> None:
    azure = private()
    for one in (parts.ZONE, parts.SPOKE_LINK, parts.HUB_LINK):
        del azure.resources[one.lower()]
    with pytest.raises(Refused):
        await plans(link_private_dns, azure, SEEN)
    said = await advised(add_private_record, azure, SEEN)
    assert "--private-dns-zone ZONE_ID" in said.commands[-1]


async def test_where_a_plan_links_the_zone_nobody_is_told_to() -> None:
    with pytest.raises(NotApplicable):
        await advised(add_private_record, unlinked(), SEEN)
    with pytest.raises(NotApplicable):
        await advised(add_private_record, private(), SEEN)


async def test_a_wrong_record_is_taken_out_and_the_right_one_put_in() -> None:
    azure = private()
    azure.put(parts.record(parts.OWN_RECORD, "10.10.0.9"))
    said = await advised(add_private_record, azure, TIMEOUT.replace("10.10.0.4", "10.10.0.9"))
    assert [command.split()[5] for command in said.commands[1:]] == ["remove-record", "add-record"]
    assert said.commands[1].endswith("10.10.0.9")
    assert said.commands[2].endswith("10.10.0.4")


@pytest.mark.parametrize(
    ("changes", "verbs"),
    [
        ({"peeringState": "Disconnected"}, ["delete", "delete", "create", "create"]),
        ({"allowVirtualNetworkAccess": False}, ["update"]),
        (
            {
                "peeringSyncLevel": "LocalNotInSync",
                "remoteAddressSpace": {"addressPrefixes": ["10.9.0.0/16"]},
                "remoteVirtualNetworkAddressSpace": {},
            },
            ["sync", "sync"],
        ),
    ],
)
async def test_what_is_wrong_with_a_peering_decides_what_a_person_does(
    changes: Mapping[str, object], verbs: list[str]
) -> None:
    azure = private()
    azure.get(parts.TO_HUB)["properties"].update(changes)
    said = await advised(repair_peering, azure, TIMEOUT)
    assert [command.split()[4] for command in said.commands] == verbs
    with pytest.raises(NotApplicable):
        await plans(peer_back, azure, TIMEOUT)


async def test_how_networks_are_to_be_joined_at_all_is_for_people() -> None:
    azure = private()
    for one in (parts.TO_HUB, parts.TO_SPOKE):
        del azure.resources[one.lower()]
    said = await advised(repair_peering, azure, TIMEOUT)
    assert "decides how spoke is to reach" in said.words
    with pytest.raises(NotApplicable):
        await advised(repair_peering, private(), NO_NAME)
