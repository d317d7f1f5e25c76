"""A cluster of AKS in a spoke, and a registry that is reached by a private endpoint in the hub alone."""

from __future__ import annotations

from collections.abc import Sequence

from bot.demo import azure_world as world
from bot.demo.azure import Azure, Refused, Tree

HUB_GROUP = f"/subscriptions/{world.SUBSCRIPTION}/resourceGroups/hub"
HUB = f"{HUB_GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
SPOKE = f"{world.HOME}/providers/Microsoft.Network/virtualNetworks/spoke"
NODES = f"{SPOKE}/subnets/nodes"
ENDPOINTS = f"{HUB}/subnets/endpoints"
TO_HUB = f"{SPOKE}/virtualNetworkPeerings/to-hub"
TO_SPOKE = f"{HUB}/virtualNetworkPeerings/to-spoke"
ENDPOINT = f"{HUB_GROUP}/providers/Microsoft.Network/privateEndpoints/acr"
INTERFACE = f"{HUB_GROUP}/providers/Microsoft.Network/networkInterfaces/acr-nic"
CONNECTION = f"{world.ACR}/privateEndpointConnections/acr.1f0c"
ZONE = f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
SPOKE_LINK = f"{ZONE}/virtualNetworkLinks/spoke"
HUB_LINK = f"{ZONE}/virtualNetworkLinks/hub"
OWN_RECORD = f"{ZONE}/A/contoso"
LAYERS_RECORD = f"{ZONE}/A/contoso.westeurope.data"
OWN, LAYERS = "10.10.0.4", "10.10.0.5"

HOST = "contoso.azurecr.io"
LAYERS_HOST = "contoso.westeurope.data.azurecr.io"


def private_world(azure: Azure) -> Azure:
    """All of it healthy, on top of ``public_world``."""
    registry = azure.get(world.ACR)["properties"]
    registry["publicNetworkAccess"] = "Disabled"
    registry["dataEndpointEnabled"] = True
    registry["dataEndpointHostNames"] = [LAYERS_HOST]
    registry["privateEndpointConnections"] = [connection()]
    in_subnet(azure, NODES)
    azure.put(network(SPOKE, "10.1.0.0/16", {NODES: "10.1.0.0/22"}))
    azure.put(network(HUB, "10.10.0.0/16", {ENDPOINTS: "10.10.0.0/24"}))
    for subnet in (*azure.get(SPOKE)["properties"]["subnets"], *azure.get(HUB)["properties"]["subnets"]):
        azure.put(subnet)
    azure.put(peering(TO_HUB, HUB, "10.10.0.0/16"))
    azure.put(peering(TO_SPOKE, SPOKE, "10.1.0.0/16"))
    azure.put(endpoint())
    azure.put(interface())
    azure.put({"id": ZONE, "name": "privatelink.azurecr.io", "location": "global", "properties": {}})
    azure.put(link(SPOKE_LINK, SPOKE))
    azure.put(link(HUB_LINK, HUB))
    azure.put(record(OWN_RECORD, OWN))
    azure.put(record(LAYERS_RECORD, LAYERS))
    azure.providers["Microsoft.Network/virtualNetworks/virtualNetworkPeerings"] = peered
    azure.removers["Microsoft.Network/virtualNetworks/virtualNetworkPeerings"] = unpeered
    azure.providers["Microsoft.Network/privateDnsZones/virtualNetworkLinks"] = linked
    return azure


def in_subnet(azure: Azure, subnet: str) -> None:
    """The nodes' machines, and the cluster that made them."""
    azure.get(world.AKS)["properties"]["agentPoolProfiles"][0]["vnetSubnetID"] = subnet
    machines = azure.get(
        f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"
    )
    addresses = [{"name": "ipconfig1", "properties": {"primary": True, "subnet": {"id": subnet}}}]
    machines["properties"]["virtualMachineProfile"] = {
        "networkProfile": {
            "networkInterfaceConfigurations": [
                {"name": "nic", "properties": {"primary": True, "ipConfigurations": addresses}}
            ]
        }
    }


def connection(status: str = "Approved", endpoint: str = ENDPOINT) -> Tree:
    return {
        "id": CONNECTION,
        "name": CONNECTION.rpartition("/")[2],
        "type": "Microsoft.ContainerRegistry/registries/privateEndpointConnections",
        "properties": {
            "privateEndpoint": {"id": endpoint},
            "privateLinkServiceConnectionState": {
                "status": status,
                "description": "",
                "actionsRequired": "None",
            },
            "provisioningState": "Succeeded",
        },
    }


def network(id: str, prefix: str, subnets: dict[str, str], servers: Sequence[str] = ()) -> Tree:
    inside = [
        {
            "id": subnet,
            "name": subnet.rpartition("/")[2],
            "properties": {
                "addressPrefix": prefix_of,
                "privateEndpointNetworkPolicies": "Disabled",
                "provisioningState": "Succeeded",
            },
        }
        for subnet, prefix_of in subnets.items()
    ]
    properties = {
        "addressSpace": {"addressPrefixes": [prefix]},
        "dhcpOptions": {"dnsServers": list(servers)},
        "subnets": inside,
        "provisioningState": "Succeeded",
    }
    return {"id": id, "name": id.rpartition("/")[2], "location": "westeurope", "properties": properties}


def peering(id: str, remote: str, prefix: str, state: str = "Connected") -> Tree:
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "properties": {
            "remoteVirtualNetwork": {"id": remote},
            "peeringState": state,
            "peeringSyncLevel": "FullyInSync",
            "allowVirtualNetworkAccess": True,
            "allowForwardedTraffic": False,
            "allowGatewayTransit": False,
            "useRemoteGateways": False,
            "remoteAddressSpace": {"addressPrefixes": [prefix]},
            "remoteVirtualNetworkAddressSpace": {"addressPrefixes": [prefix]},
            "peerCompleteVnets": True,
            "provisioningState": "Succeeded",
        },
    }


def endpoint(id: str = ENDPOINT, subnet: str = ENDPOINTS, interface: str = INTERFACE) -> Tree:
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "location": "westeurope",
        "properties": {
            "subnet": {"id": subnet},
            "networkInterfaces": [{"id": interface}],
            "customDnsConfigs": [],
            "provisioningState": "Succeeded",
        },
    }


def interface(id: str = INTERFACE, own: str = OWN, layers: str = LAYERS) -> Tree:
    configurations = [
        {
            "name": f"privateEndpointIpConfig.{member}",
            "properties": {
                "privateIPAddress": address,
                "privateIPAllocationMethod": "Dynamic",
                "subnet": {"id": ENDPOINTS},
                "privateLinkConnectionProperties": {
                    "groupId": "registry",
                    "requiredMemberName": member,
                    "fqdns": [host],
                },
            },
        }
        for member, host, address in (
            ("registry_data_westeurope", LAYERS_HOST, layers),
            ("registry", HOST, own),
        )
    ]
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "location": "westeurope",
        "properties": {"ipConfigurations": configurations, "provisioningState": "Succeeded"},
    }


def link(id: str, network: str, policy: str = "Default") -> Tree:
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "location": "global",
        "properties": {
            "virtualNetwork": {"id": network},
            "registrationEnabled": False,
            "resolutionPolicy": policy,
            "virtualNetworkLinkState": "Completed",
            "provisioningState": "Succeeded",
        },
    }


def record(id: str, *addresses: str) -> Tree:
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "type": "Microsoft.Network/privateDnsZones/A",
        "properties": {
            "ttl": 10,
            "fqdn": f"{id.rpartition('/')[2]}.privatelink.azurecr.io.",
            "isAutoRegistered": False,
            "aRecords": [{"ipv4Address": one} for one in addresses],
        },
    }


def peered(azure: Azure, known: Tree, wanted: Tree) -> Tree:
    """Two sides that both are there are Connected; one alone is Initiated; one that was left stays behind."""
    network = wanted["id"].rpartition("/virtualNetworkPeerings/")[0]
    remote = wanted["properties"]["remoteVirtualNetwork"]["id"]
    if any(one is not known for one in _sides(azure, network, remote)):
        raise Refused(400, "AnotherPeeringAlreadyReferencesRemoteVnet", "They are peered already.")
    back = _sides(azure, remote, network)
    if any(one["properties"]["peeringState"] == "Disconnected" for one in back):
        raise Refused(400, "RemotePeeringIsDisconnected", "The remote peering is in Disconnected state.")
    for one in back:
        one["properties"]["peeringState"] = "Connected"
    space = azure.get(remote)["properties"]["addressSpace"]
    properties = {
        **wanted["properties"],
        "peeringState": "Connected" if back else "Initiated",
        "peeringSyncLevel": "FullyInSync",
        "remoteAddressSpace": space,
        "remoteVirtualNetworkAddressSpace": space,
        "provisioningState": "Succeeded",
    }
    return {**wanted, "properties": properties}


def unpeered(azure: Azure, gone: Tree) -> None:
    network = gone["id"].rpartition("/virtualNetworkPeerings/")[0]
    for one in _sides(azure, gone["properties"]["remoteVirtualNetwork"]["id"], network):
        one["properties"]["peeringState"] = "Disconnected"


def _sides(azure: Azure, network: str, remote: str) -> list[Tree]:
    return [
        tree
        for tree in azure.listed(f"{network}/virtualNetworkPeerings")
        if tree["properties"]["remoteVirtualNetwork"]["id"].lower() == remote.lower()
    ]


def linked(azure: Azure, known: Tree, wanted: Tree) -> Tree:
    """A network is linked to one zone of a name."""
    zone = wanted["id"].rpartition("/virtualNetworkLinks/")[0].rpartition("/")[2].lower()
    network = wanted["properties"]["virtualNetwork"]["id"].lower()
    for id, tree in azure.resources.items():
        same = f"/privatednszones/{zone}/virtualnetworklinks/" in id and tree is not known
        if same and tree["properties"]["virtualNetwork"]["id"].lower() == network:
            raise Refused(
                409, "Conflict", "A virtual network cannot be linked to zones of overlapping namespaces."
            )
    properties = {
        "resolutionPolicy": "Default",
        **wanted["properties"],
        "virtualNetworkLinkState": "Completed",
        "provisioningState": "Succeeded",
    }
    return {**wanted, "properties": properties}
