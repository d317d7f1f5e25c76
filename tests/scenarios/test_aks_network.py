"""Whom the registry's firewall admits, and with which addresses a cluster's nodes come."""

from __future__ import annotations

import pytest

from bot.demo import azure_world as world
from checks.model import Status
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import IMAGE, Aks, root_causes
from tests.fakes.aks_ways import (
    ADMIT,
    BARE,
    FIREWALL,
    GROUPS,
    OPEN,
    OURS,
    ROUTES,
    TIMEOUT,
    failing,
    turned_away,
)


async def test_where_nothing_is_wrong_nothing_fails(own: Aks) -> None:
    own.says(TIMEOUT)
    found, offers = await own.look()
    assert {name for name in OURS if name in found} == {FIREWALL, GROUPS, ROUTES}
    assert {found[name].verdict.status for name in (FIREWALL, GROUPS, ROUTES)} == {Status.PASS}
    assert failing(found) == set()
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_a_registry_that_admits_others_only_is_told_by_the_load_balancers_address(
    own: Aks,
) -> None:
    net.restrict(own.azure, "198.51.100.7")
    own.says(BARE)
    found, _ = await own.look()
    assert failing(found) == {FIREWALL}
    assert root_causes(found) == [FIREWALL]
    verdict = found[FIREWALL].verdict
    assert verdict.summary == (
        f"the firewall of contoso.azurecr.io does not admit {world.OUTBOUND_IP}, which the nodes come from"
    )
    assert ("Admitted", "198.51.100.7") in verdict.evidence
    assert ("The nodes leave with", f"{world.OUTBOUND_IP} (the load balancer of prod)") in verdict.evidence


@pytest.mark.parametrize("message", [BARE, turned_away("20.1.1.2")], ids=["bare", "told"])
async def test_one_of_several_addresses_that_is_missing_is_named_and_makes_pulls_fail_now_and_then(
    own: Aks, message: str
) -> None:
    first, second = (net.address(own.azure, f"out{n}", f"20.1.1.{n}") for n in (1, 2))
    net.leave_with(own.azure, first, second)
    net.restrict(own.azure, "20.1.1.1")
    own.says(message)
    found, _ = await own.look()
    assert failing(found) == {FIREWALL}
    assert found[FIREWALL].verdict.summary == (
        "the firewall of contoso.azurecr.io admits 20.1.1.1 but not 20.1.1.2: the nodes leave with all of "
        "them, so pulls fail now and then"
    )


@pytest.mark.parametrize("admitted", ["20.1.1.1", "20.1.1.0/24", "20.1.1.1/32"])
async def test_an_address_is_admitted_by_itself_or_in_a_block(own: Aks, admitted: str) -> None:
    net.restrict(own.azure, "198.51.100.7", admitted)
    own.says(BARE)
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_prefix_has_to_be_admitted_as_a_whole(own: Aks) -> None:
    net.leave_with(own.azure, net.address(own.azure, "out", "20.5.0.0/28"))
    net.restrict(own.azure, "20.5.0.0/29")
    own.says(BARE)
    found, _ = await own.look()
    assert root_causes(found) == [FIREWALL]
    net.restrict(own.azure, "20.5.0.0/28")
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_nat_gateway_on_the_subnet_goes_before_the_load_balancer(own: Aks) -> None:
    net.through_nat(
        own.azure,
        net.address(own.azure, "a", "20.6.0.1"),
        net.address(own.azure, "b", "20.6.1.0/28"),
    )
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(BARE)
    found, _ = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert ("The nodes leave with", "20.6.0.1, 20.6.1.0/28 (the NAT gateway out)") in found[
        FIREWALL
    ].verdict.evidence
    net.restrict(own.azure, "20.6.0.1", "20.6.1.0/28")
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_behind_a_firewall_its_addresses_are_those_that_the_registry_sees(own: Aks) -> None:
    net.egress(own.azure)
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(turned_away("20.9.9.9"))
    found, _ = await own.look()
    assert failing(found) == {FIREWALL}
    assert "20.9.9.9" in found[FIREWALL].verdict.summary


async def test_behind_somebodys_appliance_the_address_is_not_guessed(own: Aks) -> None:
    net.routes(own.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(BARE)
    found, _ = await own.look()
    assert failing(found) == set()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert "10.1.200.4" in found[FIREWALL].verdict.summary


async def test_what_the_registry_says_of_who_came_beats_what_is_not_known(own: Aks) -> None:
    net.routes(own.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(turned_away("203.0.113.80"))
    found, _ = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert "203.0.113.80" in found[FIREWALL].verdict.summary


async def test_nodes_with_addresses_of_their_own_are_looked_at_one_by_one(own: Aks) -> None:
    own.azure.get(world.AKS)["properties"]["agentPoolProfiles"][0]["enableNodePublicIP"] = True
    for n in (1, 2):
        id = f"{net.SCALE_SET}/publicipaddresses/pub{n}"
        own.azure.put({"id": id, "name": f"pub{n}", "properties": {"ipAddress": f"20.7.0.{n}"}})
    net.restrict(own.azure, "20.7.0.1")
    own.says(BARE)
    found, _ = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert "20.7.0.2" in found[FIREWALL].verdict.summary


async def test_behind_a_proxy_the_clusters_own_addresses_do_not_matter(own: Aks) -> None:
    own.azure.get(world.AKS)["properties"]["httpProxyConfig"] = {
        "httpsProxy": "http://proxy.example:8080",
        "noProxy": ["10.0.0.0/8"],
    }
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(BARE)
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert "proxy.example" in found[FIREWALL].verdict.summary


async def test_a_registry_without_public_access_and_without_an_endpoint_admits_nobody(
    own: Aks,
) -> None:
    own.azure.get(world.ACR)["properties"]["publicNetworkAccess"] = "Disabled"
    net.restrict(own.azure, world.OUTBOUND_IP)  # which then holds for nobody
    own.says(turned_away(world.OUTBOUND_IP))
    found, _ = await own.look()
    assert root_causes(found) == [FIREWALL]
    assert "public access to contoso.azurecr.io is disabled" in found[FIREWALL].verdict.summary


async def test_what_is_lost_on_the_way_to_a_closed_registry_is_lost_by_what_is_on_the_way(own: Aks) -> None:
    own.azure.get(world.ACR)["properties"]["publicNetworkAccess"] = "Disabled"
    net.guard(own.azure, net.SUBNET_GROUP, net.rule("no-internet", 300, "Deny", "Internet"))
    own.says(TIMEOUT)
    found, offers = await own.look()
    assert root_causes(found) == [GROUPS]
    assert failing(found) == {GROUPS, FIREWALL}
    [plan] = [one.plan for one in offers.values() if one.plan is not None]
    assert "alone it does not help: public access to contoso.azurecr.io is disabled" in plan.caution


async def test_the_private_way_is_open_where_nothing_is_wrong(inside: Aks) -> None:
    found, _ = await inside.look()
    assert failing(found) == set()
    assert FIREWALL not in found
    assert {found[name].verdict.status for name in (GROUPS, ROUTES)} == {Status.PASS}


async def test_nodes_that_come_over_the_internet_to_a_private_registry_are_not_let_in_there(
    inside: Aks,
) -> None:
    del inside.azure.resources[private.SPOKE_LINK.lower()]
    inside.says(turned_away(world.OUTBOUND_IP))
    found, offers = await inside.look()
    assert root_causes(found) == ["azure/private_dns_is_linked"]
    assert not OURS & failing(found)
    assert not {ADMIT, OPEN} & set(offers)


async def test_addresses_of_ipv6_do_not_matter_to_a_registry(own: Aks) -> None:
    old = own.azure.get(world.OUTBOUND)
    net.leave_with(own.azure, old, net.address(own.azure, "six", "2603:1020::1"))
    net.restrict(own.azure, world.OUTBOUND_IP)
    own.says(BARE)
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_subnet_that_the_registry_admits_comes_by_its_service_endpoint(own: Aks) -> None:
    own.azure.get(private.NODES)["properties"]["serviceEndpoints"] = [
        {"service": "Microsoft.ContainerRegistry"}
    ]
    rules = net.restrict(own.azure)["networkRuleSet"]
    own.says(BARE)
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    rules["virtualNetworkRules"] = [{"id": private.NODES, "action": "Allow"}]
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.PASS


async def test_a_403_of_the_storage_is_not_the_registrys(own: Aks) -> None:
    net.restrict(own.azure)
    own.says(
        f'Failed to pull image "{IMAGE}": failed to copy: httpReadSeeker: failed open: unexpected status '
        "from GET request to https://weuman.blob.core.windows.net/layer?sig=x: 403 Forbidden"
    )
    found, _ = await own.look()
    assert failing(found) == {FIREWALL}
    assert root_causes(found) == []


@pytest.mark.parametrize("route", ["0.0.0.0/0 VirtualNetworkGateway", "0.0.0.0/0 None"])
async def test_where_the_way_out_is_not_seen_the_load_balancers_addresses_prove_nothing(
    own: Aks, route: str
) -> None:
    net.routes(own.azure, everything=route)
    net.restrict(own.azure)
    own.says(BARE)
    found, _ = await own.look()
    assert found[FIREWALL].verdict.status is Status.UNKNOWN
    assert f"everything ({route.replace(' ', ' to ')})" in found[FIREWALL].verdict.summary
