"""A subscription with an AKS cluster and a registry, all of it healthy: what stories then break."""

from __future__ import annotations

from typing import Any

from bot.demo.azure import Azure, Tree, merged
from bot.demo.azure_rules import default_rules

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
GROUP = "shop"
NODE_GROUP = "MC_shop_prod_westeurope"
CLUSTER = "prod"
REGISTRY = "contoso"
KUBELET = "5c0a1f0e-2f2b-4f3c-9a3e-6a5a7d1b9c11"
OUTBOUND_IP = "20.1.1.1"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
SCALE_SET = "aks-np1-12345678-vmss"

HOME = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
NODE_HOME = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{NODE_GROUP}"
AKS = f"{HOME}/providers/Microsoft.ContainerService/managedClusters/{CLUSTER}"
ACR = f"{HOME}/providers/Microsoft.ContainerRegistry/registries/{REGISTRY}"
IDENTITY = f"{NODE_HOME}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{CLUSTER}-agentpool"
NETWORK = f"{NODE_HOME}/providers/Microsoft.Network"
OUTBOUND = f"{NETWORK}/publicIPAddresses/outbound"
SUBNET = f"{NETWORK}/virtualNetworks/aks-vnet-12345678/subnets/aks-subnet"
SUBNET_GROUP = f"{NETWORK}/networkSecurityGroups/aks-agentpool-12345678-nsg"
PROVIDER_ID = (
    f"azure://{NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{SCALE_SET}/virtualMachines/0"
)
PULL_ASSIGNMENT = (
    f"{ACR}/providers/Microsoft.Authorization/roleAssignments/1d2c7c1e-0c1a-4b54-9d2f-8f4c6f0d7e11"
)


def public_world() -> Azure:
    """A cluster with a managed identity, and a registry that is open to the Internet and to that identity."""
    azure = Azure(providers={"Microsoft.ContainerService/managedClusters": reconciled})
    azure.put({"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT})
    azure.put({"id": HOME, "name": GROUP, "location": "westeurope", "properties": {}})
    azure.put(
        {"id": NODE_HOME, "name": NODE_GROUP, "location": "westeurope", "managedBy": AKS, "properties": {}}
    )
    azure.put(_cluster())
    azure.put(_registry())
    azure.put(_scale_set())
    for one in _network():
        azure.put(one)
    azure.put(
        {
            "id": IDENTITY,
            "name": f"{CLUSTER}-agentpool",
            "location": "westeurope",
            "properties": {"principalId": KUBELET},
        }
    )
    azure.put(
        {
            "id": OUTBOUND,
            "name": "outbound",
            "location": "westeurope",
            "sku": {"name": "Standard"},
            "properties": {"ipAddress": OUTBOUND_IP, "publicIPAllocationMethod": "Static"},
        }
    )
    for role in _ROLES:
        azure.put(role)
    azure.put(assigned(PULL_ASSIGNMENT, KUBELET, ACR_PULL, ACR))
    return azure


def reconciled(azure: Azure, known: Tree, wanted: Tree) -> Tree:
    """What AKS makes of a cluster that is put: what only it says stays, and its nodes get their identity."""
    tree = merged(known, wanted) | {"eTag": f"{known.get('eTag', '')}+"}
    has = tree["properties"]
    if kubelet := has.get("identityProfile", {}).get("kubeletidentity"):
        group = f"/resourcegroups/{has['nodeResourceGroup']}/providers/microsoft.compute/".lower()
        for id, machines in azure.resources.items():
            if group in id and "identity" in machines:
                at_it = machines["identity"].get("userAssignedIdentities") or {}
                given = {"clientId": kubelet["clientId"], "principalId": kubelet["objectId"]}
                machines["identity"] = {
                    "type": "UserAssigned",
                    "userAssignedIdentities": {**at_it, kubelet["resourceId"]: given},
                }
    return tree


def assigned(id: str, principal: str, role: str, scope: str, **more: str) -> Tree:
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {
        "roleDefinitionId": definition,
        "principalId": principal,
        "principalType": "ServicePrincipal",
        "scope": scope,
        **more,
    }
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": properties,
    }


def role(
    id: str, name: str, actions: list[str], data: list[str] | None = None, without: list[str] | None = None
) -> Tree:
    where = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}"
    permission = {
        "actions": actions,
        "notActions": without or [],
        "dataActions": data or [],
        "notDataActions": [],
    }
    return {
        "id": where,
        "name": id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": name,
            "type": "BuiltInRole",
            "assignableScopes": ["/"],
            "permissions": [permission],
        },
    }


_REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"
_ROLES = (
    role(ACR_PULL, "AcrPull", ["Microsoft.ContainerRegistry/registries/pull/read"]),
    role(
        "b93aa761-3e63-49ed-ac28-beffa264f7ac",
        "Container Registry Repository Reader",
        [],
        [f"{_REPOSITORIES}/content/read", f"{_REPOSITORIES}/metadata/read"],
    ),
    role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ["*/read"]),
    role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ["*"]),
)


def _cluster() -> Tree:
    return {
        "id": AKS,
        "name": CLUSTER,
        "type": "Microsoft.ContainerService/managedClusters",
        "location": "westeurope",
        "eTag": "5e6c1d6a",
        "sku": {"name": "Base", "tier": "Free"},
        "identity": {
            "type": "SystemAssigned",
            "principalId": "0e9c4a5e-7c3b-4a9d-8f31-7b1f9f1f0b21",
            "tenantId": TENANT,
        },
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "kubernetesVersion": "1.34.1",
            "dnsPrefix": CLUSTER,
            "nodeResourceGroup": NODE_GROUP,
            "servicePrincipalProfile": {"clientId": "msi"},
            "identityProfile": {
                "kubeletidentity": {
                    "resourceId": IDENTITY,
                    "clientId": "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51",
                    "objectId": KUBELET,
                }
            },
            "networkProfile": {
                "networkPlugin": "azure",
                "loadBalancerSku": "standard",
                "outboundType": "loadBalancer",
                "loadBalancerProfile": {"effectiveOutboundIPs": [{"id": OUTBOUND}]},
            },
            "agentPoolProfiles": [_pool("np1")],
        },
    }


def _pool(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "count": 2,
        "vmSize": "Standard_D2s_v5",
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "type": "VirtualMachineScaleSets",
        "mode": "System",
        "enableNodePublicIP": False,
    }


def _registry() -> Tree:
    return {
        "id": ACR,
        "name": REGISTRY,
        "type": "Microsoft.ContainerRegistry/registries",
        "location": "westeurope",
        "sku": {"name": "Premium", "tier": "Premium"},
        "properties": {
            "loginServer": f"{REGISTRY}.azurecr.io",
            "provisioningState": "Succeeded",
            "adminUserEnabled": False,
            "anonymousPullEnabled": False,
            "publicNetworkAccess": "Enabled",
            "networkRuleBypassOptions": "AzureServices",
            "networkRuleSet": {"defaultAction": "Allow", "ipRules": []},
            "dataEndpointEnabled": False,
            "dataEndpointHostNames": [],
            "privateEndpointConnections": [],
            "roleAssignmentMode": "LegacyRegistryPermissions",
            "policies": {"azureADAuthenticationAsArmPolicy": {"status": "enabled"}},
        },
    }


def _scale_set() -> Tree:
    return {
        "id": f"{NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{SCALE_SET}",
        "name": SCALE_SET,
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": "westeurope",
        "tags": {"aks-managed-poolName": "np1"},
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": {
                IDENTITY: {"clientId": "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51", "principalId": KUBELET}
            },
        },
        "properties": {
            "provisioningState": "Succeeded",
            "virtualMachineProfile": {
                "networkProfile": {
                    "networkInterfaceConfigurations": [
                        {
                            "name": SCALE_SET,
                            "properties": {"primary": True, "ipConfigurations": [_addresses()]},
                        }
                    ]
                }
            },
        },
    }


def _addresses() -> Tree:
    return {"name": "ipconfig1", "properties": {"primary": True, "subnet": {"id": SUBNET}}}


def _network() -> tuple[Tree, ...]:
    """The network that AKS makes where a cluster names none, its subnet, and what guards that."""
    network = SUBNET.partition("/subnets/")[0]
    subnet = {
        "id": SUBNET,
        "name": "aks-subnet",
        "properties": {
            "addressPrefix": "10.224.0.0/16",
            "networkSecurityGroup": {"id": SUBNET_GROUP},
            "privateEndpointNetworkPolicies": "Disabled",
            "provisioningState": "Succeeded",
        },
    }
    group = {
        "id": SUBNET_GROUP,
        "name": SUBNET_GROUP.rpartition("/")[2],
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": "westeurope",
        "properties": {
            "securityRules": [],
            "defaultSecurityRules": default_rules(SUBNET_GROUP),
            "provisioningState": "Succeeded",
        },
    }
    whole = {
        "id": network,
        "name": network.rpartition("/")[2],
        "type": "Microsoft.Network/virtualNetworks",
        "location": "westeurope",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.224.0.0/12"]},
            "subnets": [subnet],
            "virtualNetworkPeerings": [],
            "provisioningState": "Succeeded",
        },
    }
    return whole, subnet, group
