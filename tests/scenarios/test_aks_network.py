"""The way of a pull from AKS to ACR: who is admitted, what is let out, where routes and firewalls lead."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.demo import azure_world as world
from checks.model import Finding, Status
from tests.fakes import azure_network as net
from tests.fakes.aks import IMAGE, Aks, root_causes

FIREWALL = "azure/registry_firewall_admits_cluster"
GROUPS = "azure/nsg_lets_out"
ROUTES = "azure/routes_reach_registry"
APPLIANCE = "azure/firewall_lets_through"
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
