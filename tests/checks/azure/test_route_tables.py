"""Where routes lead: ``routes_reach_registry`` asks it of the subnet's table.

And what ``registry_firewall_admits_cluster`` misses of the addresses that they lead out with.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.azure.facts import ResourceId
from checks.azure.networks import NodeSubnet
from checks.azure.outbound_endpoints import EndpointSide, EndpointSides
from checks.azure.outbound_errands import Destination, Destinations, Errand
from checks.azure.private_endpoints import PrivateAddress, PrivateEndpoint
from checks.azure.registry import PrivateConnection
from checks.azure.registry_firewall_admits_cluster import missing_of
from checks.azure.route_tables import Hop, Route, RouteTable, Way, to_public, ways
from checks.model import Symptom

REGISTRY = Destination(
    Errand.REGISTRY, "contoso.azurecr.io", tag="AzureContainerRegistry", region="westeurope"
)
LAYERS = Destination(Errand.LAYERS, "*.blob.core.windows.net", tag="Storage", region="westeurope")
ENDPOINT = Destination(Errand.REGISTRY, "contoso.azurecr.io", private=True, address="10.10.0.4")

HUB = ResourceId("/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub")
SUBNET = NodeSubnet(ResourceId(f"{HUB}/subnets/nodes"), ("10.1.0.0/22",), None, None, None, (), "Disabled")


def table(**routes: str) -> RouteTable:
    made = []
    for name, text in routes.items():
        to, hop, *at = text.split()
        made.append(Route(name, to, Hop(hop), at[0] if at else ""))
    return RouteTable(ResourceId("/rt"), tuple(made))


def only_way(found: RouteTable, to: Destination, subnet: NodeSubnet = SUBNET, *sides: EndpointSide) -> Way:
    wanted = Destinations((to,), Symptom.CONNECT_TIMEOUT, None, False, "")
    way: Way
    [way] = ways(wanted, found, subnet, EndpointSides(sides)).all
    return way


def side(policies: str, prefixes: tuple[str, ...] | None) -> EndpointSide:
    connection = PrivateConnection(ResourceId("/c"), ResourceId("/pe"), "Approved", "")
    inside = replace(SUBNET, id=ResourceId(f"{HUB}/subnets/endpoints"), private_endpoint_policies=policies)
    endpoint = PrivateEndpoint(connection, inside.id, (PrivateAddress(ENDPOINT.host, ENDPOINT.address),))
    return EndpointSide(endpoint, inside, None, prefixes)


def test_without_routes_of_ones_own_everything_leads_to_the_internet() -> None:
    assert to_public(REGISTRY, table()) == Way(REGISTRY, Hop.INTERNET)


@pytest.mark.parametrize("hop", ["None", "Internet", "VirtualAppliance", "VirtualNetworkGateway"])
def test_the_route_for_everything_decides(hop: str) -> None:
    way = to_public(REGISTRY, table(all=f"0.0.0.0/0 {hop} 10.1.255.4", office="192.168.0.0/16 None"))
    assert (way.hop, way.route and way.route.name) == (Hop(hop), "all")


def test_a_route_for_the_services_tag_goes_before_it_and_the_region_before_the_tag() -> None:
    both = table(
        all="0.0.0.0/0 None",
        acr="AzureContainerRegistry Internet",
        cloud="AzureCloud VirtualAppliance 10.1.0.9",
    )
    assert to_public(REGISTRY, both).hop is Hop.INTERNET
    assert to_public(LAYERS, both).hop is Hop.APPLIANCE
    near = table(acr="AzureContainerRegistry Internet", here="AzureContainerRegistry.WestEurope None")
    assert to_public(REGISTRY, near).hop is Hop.NOWHERE


def test_a_mere_way_around_a_firewall_changes_nothing() -> None:
    found = table(all="0.0.0.0/0 VirtualAppliance 10.1.255.4", api="20.8.8.8/32 Internet")
    assert to_public(REGISTRY, found).hop is Hop.APPLIANCE


def test_another_lead_for_some_public_addresses_leaves_it_open() -> None:
    assert to_public(REGISTRY, table(all="0.0.0.0/0 None", some="20.0.0.0/8 Internet")).hop is Hop.UNCERTAIN
    assert to_public(REGISTRY, table(some="20.0.0.0/8 None")).hop is Hop.UNCERTAIN


def test_the_address_that_was_dialled_decides() -> None:
    dialled = replace(REGISTRY, address="20.61.97.128")
    found = table(all="0.0.0.0/0 None", some="20.0.0.0/8 Internet")
    assert to_public(dialled, found).hop is Hop.INTERNET
    assert to_public(replace(dialled, address="40.1.1.1"), found).hop is Hop.NOWHERE


def test_a_service_endpoint_goes_before_every_route() -> None:
    lost = table(all="0.0.0.0/0 None")
    near = replace(SUBNET, service_endpoints=("Microsoft.Storage",))
    assert only_way(lost, LAYERS, near).hop is Hop.DIRECT
    assert only_way(lost, REGISTRY, near).hop is Hop.NOWHERE


def test_a_private_endpoint_brings_its_route_along() -> None:
    found = table(all="0.0.0.0/0 None", hub="10.10.0.0/16 VirtualAppliance 10.1.255.4")
    assert only_way(found, ENDPOINT, SUBNET, side("Disabled", ("10.10.0.0/16",))).hop is Hop.DIRECT


def test_a_route_for_its_very_address_goes_before_that() -> None:
    found = table(it="10.10.0.4/32 VirtualAppliance 10.1.255.4")
    assert only_way(found, ENDPOINT, SUBNET, side("Disabled", ("10.10.0.0/16",))).hop is Hop.APPLIANCE


@pytest.mark.parametrize(
    ("route", "hop"),
    [("10.10.0.0/16", Hop.APPLIANCE), ("10.10.0.0/24", Hop.APPLIANCE), ("10.0.0.0/8", Hop.DIRECT)],
)
def test_where_routes_hold_for_it_one_as_exact_as_its_network_does(route: str, hop: Hop) -> None:
    found = table(hub=f"{route} VirtualAppliance 10.1.255.4")
    assert only_way(found, ENDPOINT, SUBNET, side("RouteTableEnabled", ("10.10.0.0/16",))).hop is hop


def test_into_a_network_that_is_not_joined_only_our_routes_lead() -> None:
    found = table(all="0.0.0.0/0 VirtualAppliance 10.1.255.4")
    assert only_way(found, ENDPOINT, SUBNET, side("Disabled", ())).hop is Hop.APPLIANCE


def test_of_an_endpoint_that_is_not_shown_nothing_is_said() -> None:
    found = table(hub="10.10.0.0/16 VirtualAppliance 10.1.255.4")
    assert only_way(found, ENDPOINT).hop is Hop.UNCERTAIN


def test_an_address_is_missing_unless_the_rules_hold_it_as_a_whole() -> None:
    admitted = ("20.1.1.1", "20.5.0.0/28")
    wanted = ("20.1.1.1", "20.5.0.4", "20.5.0.0/27", "20.1.1.2", "not an address")
    assert missing_of(wanted, admitted) == ("20.5.0.0/27", "20.1.1.2", "not an address")
    assert missing_of(["20.5.0.0/27"], ["20.5.0.16/28", *admitted]) == ()  # two halves are a whole
