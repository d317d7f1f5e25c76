"""Where routes lead on the way from AKS to ACR, and what the firewall there lets through."""

from __future__ import annotations

import pytest

from bot.demo import azure_world as world
from checks.model import Status
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import Aks, root_causes
from tests.fakes.aks_ways import APPLIANCE, CUT_OFF, LAYERS, OURS, ROUTES, TIMEOUT, failing


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "AzureContainerRegistry", "20.61.0.0/16"])
async def test_a_route_that_drops_is_named(own: Aks, prefix: str) -> None:
    net.routes(own.azure, hole=f"{prefix} None")
    own.says(TIMEOUT)
    found, offers = await own.look()
    assert failing(found) == {ROUTES}
    assert root_causes(found) == [ROUTES]
    assert f"hole ({prefix} to None) of nodes" in found[ROUTES].verdict.summary
    assert offers["azure/lead_to_registry"].by_hand is not None
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_where_a_gateway_leads_is_not_seen(own: Aks) -> None:
    net.routes(own.azure, office="0.0.0.0/0 VirtualNetworkGateway")
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert failing(found) == set()
    assert found[ROUTES].verdict.status is Status.UNKNOWN


@pytest.mark.parametrize("kind", ["none", "block"])
async def test_a_cluster_that_was_made_without_a_way_out_has_none(own: Aks, kind: str) -> None:
    own.azure.get(world.AKS)["properties"]["networkProfile"] = {"outboundType": kind}
    own.says(TIMEOUT)
    found, offers = await own.look()
    assert root_causes(found) == [ROUTES]
    assert f"outbound type is {kind}" in found[ROUTES].verdict.summary
    advice = offers["azure/lead_to_registry"].by_hand
    assert advice is not None
    assert advice.commands[0].endswith("--outbound-type OUTBOUND_TYPE")


async def test_a_firewall_that_lets_the_pull_through_is_no_cause(own: Aks) -> None:
    net.egress(own.azure)
    own.says(CUT_OFF)
    found, _ = await own.look()
    assert failing(found) == set()
    assert {found[name].verdict.status for name in OURS} == {Status.PASS}


@pytest.mark.parametrize("message", [CUT_OFF, TIMEOUT], ids=["cut off", "timeout"])
async def test_a_name_that_no_rule_allows_is_told_with_the_command_for_its_owners(
    own: Aks, message: str
) -> None:
    net.egress(own.azure)
    net.put_group(own.azure, net.POLICY, net.group("aks", 200))
    own.says(message)
    found, offers = await own.look()
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


async def test_layers_that_no_rule_allows_explain_layers_that_do_not_come(own: Aks) -> None:
    net.egress(own.azure)
    rule = net.by_name("acr", "*.azurecr.io")
    net.put_group(own.azure, net.POLICY, net.group("aks", 200, net.collection("pulls", 100, "Allow", rule)))
    own.says(LAYERS)
    found, _ = await own.look()
    assert root_causes(found) == [APPLIANCE]
    assert "weuman.blob.core.windows.net" in found[APPLIANCE].verdict.summary
    own.says(CUT_OFF)
    found, _ = await own.look()
    assert root_causes(found) == []


async def test_a_parent_policy_that_denies_goes_before_the_child(own: Aks) -> None:
    net.egress(own.azure)
    own.azure.get(net.POLICY)["properties"]["basePolicy"] = {"id": net.PARENT}
    own.azure.put({"id": net.PARENT, "name": "company", "location": "westeurope", "properties": {}})
    deny = net.collection("never", 100, "Deny", net.by_name("registries", "*.azurecr.io"))
    net.put_group(own.azure, net.PARENT, net.group("company", 100, deny))
    own.says(CUT_OFF)
    found, _ = await own.look()
    assert root_causes(found) == [APPLIANCE]
    assert "the rule registries in never of hub denies" in found[APPLIANCE].verdict.summary


async def test_an_appliance_that_is_no_azure_firewall_is_not_judged(own: Aks) -> None:
    net.routes(own.azure, everything="0.0.0.0/0 VirtualAppliance 10.1.200.4")
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert failing(found) == set()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


async def test_a_firewall_of_the_same_address_in_a_network_that_is_not_joined_is_another(
    own: Aks,
) -> None:
    net.egress(own.azure)
    net.firewall(own.azure, network_id=f"{world.HOME}/providers/Microsoft.Network/virtualNetworks/elsewhere")
    own.says(TIMEOUT)
    found, _ = await own.look()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


async def test_a_firewall_in_a_hub_of_another_subscription_is_found_by_the_peering(
    own: Aks,
) -> None:
    hub = "/subscriptions/9a4f0d52-3c67-4c3e-8b1c-3f8e1c5a7d20/resourceGroups/hub/providers/Microsoft.Network"
    net.egress(own.azure)
    made = own.azure.resources.pop(net.FIREWALL.lower())
    made["id"] = f"{hub}/azureFirewalls/hub"
    subnet = {"id": f"{hub}/virtualNetworks/hub/subnets/AzureFirewallSubnet"}
    made["properties"]["ipConfigurations"][0]["properties"]["subnet"] = subnet
    own.azure.put(made)
    own.azure.put(private.peering(private.TO_HUB, f"{hub}/virtualNetworks/hub", "10.10.0.0/16"))
    own.says(CUT_OFF)
    found, _ = await own.look()
    assert found[APPLIANCE].verdict.status is Status.PASS
    net.put_group(own.azure, net.POLICY, net.group("aks", 200))
    found, _ = await own.look()
    assert root_causes(found) == [APPLIANCE]


async def test_a_group_of_addresses_in_a_firewalls_rule_is_looked_into(own: Aks) -> None:
    net.egress(own.azure)
    nodes = net.ip_group(own.azure, "nodes", "10.1.0.0/16")
    rule = net.by_name("registries", "*.azurecr.io", sourceAddresses=[], sourceIpGroups=[nodes])
    net.put_group(own.azure, net.POLICY, net.group("no", 100, net.collection("no", 100, "Deny", rule)))
    own.says(CUT_OFF)
    found, _ = await own.look()
    assert root_causes(found) == [APPLIANCE]
    net.ip_group(own.azure, "nodes", "10.2.0.0/16")
    found, _ = await own.look()
    assert found[APPLIANCE].verdict.status is Status.PASS
    del own.azure.resources[nodes.lower()]
    found, _ = await own.look()
    assert found[APPLIANCE].verdict.status is Status.UNKNOWN


async def test_classic_rules_of_a_firewall_are_read_and_advised_upon(own: Aks) -> None:
    net.egress(own.azure)
    has = own.azure.get(net.FIREWALL)["properties"]
    del has["firewallPolicy"]
    rule = {
        "name": "pulls",
        "sourceAddresses": ["10.1.0.0/16"],
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.azurecr.io"],
    }
    properties = {"priority": 100, "action": {"type": "Allow"}, "rules": [rule]}
    has["applicationRuleCollections"] = [{"name": "aks", "properties": properties}]
    own.says(LAYERS)
    found, offers = await own.look()
    assert root_causes(found) == [APPLIANCE]
    advice = offers["azure/allow_in_firewall"].by_hand
    assert advice is not None
    assert advice.commands == (
        "az network firewall application-rule create --firewall-name hub --resource-group shop "
        f"--subscription {world.SUBSCRIPTION} --collection-name COLLECTION --name acr "
        "--source-addresses 10.1.0.0/22 --target-fqdns '*.blob.core.windows.net' --protocols Https=443",
    )
    rule["targetFqdns"] = ["*.azurecr.io", "*.blob.core.windows.net"]
    found, _ = await own.look()
    assert failing(found) == set()


async def test_a_service_principal_also_needs_entra_id(own: Aks) -> None:
    net.egress(own.azure)
    has = own.azure.get(world.AKS)["properties"]
    has["servicePrincipalProfile"] = {"clientId": "6f1d2c3b-4a5e-4f60-9b7a-8c9d0e1f2a3b"}
    del has["identityProfile"]
    found, _ = await own.look()  # kubelet pulled without a token, and got a 401
    verdict = found[APPLIANCE].verdict
    assert verdict.summary == "no rule of hub allows HTTPS to login.microsoftonline.com"
    assert APPLIANCE in root_causes(found)


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
