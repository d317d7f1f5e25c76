"""A cluster of AKS in a network of its owner's, with everything that can stand in a pull's way out."""

from __future__ import annotations

from typing import Any

from bot.demo import azure_rules
from bot.demo import azure_world as world
from bot.demo.azure import Azure, Refused, Tree
from tests.fakes.azure_private import NODES, SPOKE, in_subnet, network

NETWORK = f"{world.HOME}/providers/Microsoft.Network"
SUBNET_GROUP = f"{NETWORK}/networkSecurityGroups/nodes"
NODE_GROUP = f"{world.NODE_HOME}/providers/Microsoft.Network/networkSecurityGroups/aks-agentpool-1-nsg"
TABLE = f"{NETWORK}/routeTables/nodes"
NAT = f"{NETWORK}/natGateways/out"
FIREWALL = f"{NETWORK}/azureFirewalls/hub"
POLICY = f"{NETWORK}/firewallPolicies/hub"
PARENT = f"{NETWORK}/firewallPolicies/company"
FIREWALL_AT = "10.1.255.4"
rule = azure_rules.security_rule
SCALE_SET = f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"


def own_network(azure: Azure) -> Azure:
    """All of it healthy, on top of ``public_world``."""
    in_subnet(azure, NODES)
    made = azure.put(network(SPOKE, "10.1.0.0/16", {NODES: "10.1.0.0/22"}))
    [subnet] = made["properties"]["subnets"]
    azure.put(subnet)
    guard(azure, SUBNET_GROUP)
    guard(azure, NODE_GROUP)
    subnet["properties"]["networkSecurityGroup"] = {"id": SUBNET_GROUP}
    interface = azure.get(SCALE_SET)["properties"]["virtualMachineProfile"]["networkProfile"]
    interface["networkInterfaceConfigurations"][0]["properties"]["networkSecurityGroup"] = {"id": NODE_GROUP}
    rules_kept(azure)
    azure.providers["Microsoft.ContainerRegistry/registries"] = restricted
    return azure


def rules_kept(azure: Azure) -> None:
    """What is put below a security group, or deleted there, is so within it."""
    azure.providers["Microsoft.Network/networkSecurityGroups/securityRules"] = ruled
    azure.removers["Microsoft.Network/networkSecurityGroups/securityRules"] = unruled


def ruled(azure: Azure, known: Tree, wanted: Tree) -> Tree:
    """A rule is part of its group, and each priority is there once in each direction."""
    group = azure.get(wanted["id"].rpartition("/securityRules/")[0])
    others = [one for one in group["properties"]["securityRules"] if one["id"] != wanted["id"]]
    for one in others:
        same = ("priority", "direction")
        if all(one["properties"][name] == wanted["properties"][name] for name in same):
            raise Refused(400, "SecurityRuleConflict", "Rules cannot have the same Priority and Direction.")
    tree = {**wanted, "properties": {**wanted["properties"], "provisioningState": "Succeeded"}}
    group["properties"]["securityRules"] = [*others, tree]
    return tree


def unruled(azure: Azure, known: Tree) -> None:
    group = azure.get(known["id"].rpartition("/securityRules/")[0])
    rules = group["properties"]["securityRules"]
    group["properties"]["securityRules"] = [one for one in rules if one["id"] != known["id"]]


def restricted(azure: Azure, known: Tree, wanted: Tree) -> Tree:
    rules = wanted["properties"].get("networkRuleSet", {}).get("ipRules", [])
    if rules and wanted["sku"]["name"] != "Premium":
        raise Refused(400, "NetworkRuleNotAllowed", "Network rules are for the Premium tier.")
    if len(rules) > 200:
        raise Refused(400, "TooManyRules", "A registry has 200 rules at most.")
    return wanted


def guard(azure: Azure, id: str, *rules: Tree) -> Tree:
    """A network security group with these rules, and those that Azure gives to each."""
    for one in rules:
        one["id"] = f"{id}/securityRules/{one['name']}"
        azure.put(one)
    return azure.put(
        {
            "id": id,
            "name": id.rpartition("/")[2],
            "type": "Microsoft.Network/networkSecurityGroups",
            "location": "westeurope",
            "properties": {
                "securityRules": list(rules),
                "defaultSecurityRules": azure_rules.default_rules(id),
                "provisioningState": "Succeeded",
            },
        }
    )


def restrict(azure: Azure, *admitted: str) -> Tree:
    """The registry lets in only these addresses."""
    registry: Tree = azure.get(world.ACR)["properties"]
    registry["networkRuleSet"] = {
        "defaultAction": "Deny",
        "ipRules": [{"action": "Allow", "value": one} for one in admitted],
    }
    return registry


def address(azure: Azure, name: str, value: str, allocation: str = "Static") -> Tree:
    """A public address, or where it is a block, a prefix."""
    kind = "publicIPPrefixes" if "/" in value else "publicIPAddresses"
    key = "ipPrefix" if "/" in value else "ipAddress"
    properties = {key: value, "provisioningState": "Succeeded"}
    if "/" not in value:
        properties["publicIPAllocationMethod"] = allocation
    return azure.put(
        {
            "id": f"{NETWORK}/{kind}/{name}",
            "name": name,
            "location": "westeurope",
            "sku": {"name": "Standard"},
            "properties": properties,
        }
    )


def leave_with(azure: Azure, *addresses: Tree) -> None:
    """The load balancer's addresses, as the cluster names them."""
    named = [{"id": one["id"]} for one in addresses]
    azure.get(world.AKS)["properties"]["networkProfile"]["loadBalancerProfile"] = {
        "effectiveOutboundIPs": named
    }


def through_nat(azure: Azure, *addresses: Tree) -> None:
    single = [{"id": one["id"]} for one in addresses if "ipAddress" in one["properties"]]
    whole = [{"id": one["id"]} for one in addresses if "ipPrefix" in one["properties"]]
    azure.put(
        {
            "id": NAT,
            "name": "out",
            "location": "westeurope",
            "properties": {"publicIpAddresses": single, "publicIpPrefixes": whole},
        }
    )
    azure.get(NODES)["properties"]["natGateway"] = {"id": NAT}


def routes(azure: Azure, **to: str) -> Tree:
    """A table for the nodes' subnet: of each route its name, and ``prefix kind [address]``."""
    found = []
    for name, text in to.items():
        prefix, kind, *at = text.split()
        properties = {"addressPrefix": prefix, "nextHopType": kind}
        if at:
            properties["nextHopIpAddress"] = at[0]
        found.append({"id": f"{TABLE}/routes/{name}", "name": name, "properties": properties})
    azure.get(NODES)["properties"]["routeTable"] = {"id": TABLE}
    return azure.put(
        {"id": TABLE, "name": "nodes", "location": "westeurope", "properties": {"routes": found}}
    )


def firewall(azure: Azure, *groups: Tree, network_id: str = SPOKE) -> Tree:
    """An Azure Firewall in the nodes' network, with a policy of these groups."""
    address(azure, "firewall", "20.9.9.9")
    azure.put(
        {"id": POLICY, "name": "hub", "location": "westeurope", "properties": {"sku": {"tier": "Standard"}}}
    )
    for one in groups:
        put_group(azure, POLICY, one)
    subnet = {"id": f"{network_id}/subnets/AzureFirewallSubnet"}
    return azure.put(
        {
            "id": FIREWALL,
            "name": "hub",
            "location": "westeurope",
            "properties": {
                "sku": {"name": "AZFW_VNet", "tier": "Standard"},
                "firewallPolicy": {"id": POLICY},
                "ipConfigurations": [
                    {
                        "name": "ip",
                        "properties": {
                            "privateIPAddress": FIREWALL_AT,
                            "subnet": subnet,
                            "publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/firewall"},
                        },
                    }
                ],
            },
        }
    )


def put_group(azure: Azure, policy: str, group: Tree) -> None:
    azure.put({**group, "id": f"{policy}/ruleCollectionGroups/{group['name']}"})


def group(name: str, priority: int, *collections: Tree) -> Tree:
    return {"name": name, "properties": {"priority": priority, "ruleCollections": list(collections)}}


def collection(name: str, priority: int, action: str, *rules: Tree) -> Tree:
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": list(rules),
    }


def by_name(name: str, *hosts: str, **more: Any) -> Tree:
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": list(hosts),
        "fqdnTags": [],
        "sourceAddresses": ["10.1.0.0/16"],
        **more,
    }


def by_address(name: str, *addresses: str, **more: Any) -> Tree:
    return {
        "ruleType": "NetworkRule",
        "name": name,
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.1.0.0/16"],
        "destinationAddresses": list(addresses),
        "destinationPorts": ["443"],
        **more,
    }


def ip_group(azure: Azure, name: str, *addresses: str) -> str:
    id = f"{NETWORK}/ipGroups/{name}"
    properties = {"ipAddresses": list(addresses), "provisioningState": "Succeeded"}
    azure.put({"id": id, "name": name, "location": "westeurope", "properties": properties})
    return id


def egress(azure: Azure) -> Azure:
    """Everything that leaves goes through a firewall that lets a pull through."""
    azure.get(world.AKS)["properties"]["networkProfile"] = {"outboundType": "userDefinedRouting"}
    routes(azure, everything=f"0.0.0.0/0 VirtualAppliance {FIREWALL_AT}")
    names = by_name("acr", "*.azurecr.io", "*.blob.core.windows.net")
    firewall(azure, group("aks", 200, collection("pulls", 100, "Allow", names)))
    return azure
