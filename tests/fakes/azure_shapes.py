"""Whether a body is one that Azure's own packages know: each field's name and type, down to the last.

The packages generated from Azure's specifications are there for this alone; nothing that runs needs them.
"""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import UnionType
from typing import Any, get_args, get_origin

Tree = Mapping[str, Any]

_NETWORK, _ACR = "Microsoft.Network", "Microsoft.ContainerRegistry/registries"
_PRIVATE_DNS = f"{_NETWORK}/privateDnsZones"
_COMPUTE = "Microsoft.Compute"
_AUTHORIZATION = "Microsoft.Authorization"
_ROLES = "authorization.v2022_04_01"
MODELS = {
    _ACR: ("containerregistry", "Registry"),
    f"{_ACR}/privateEndpointConnections": ("containerregistry", "PrivateEndpointConnection"),
    f"{_ACR}/scopeMaps": ("containerregistry", "ScopeMap"),
    f"{_ACR}/tokens": ("containerregistry", "Token"),
    f"{_AUTHORIZATION}/denyAssignments": (_ROLES, "DenyAssignment"),
    f"{_AUTHORIZATION}/roleAssignments": (_ROLES, "RoleAssignment"),
    f"{_AUTHORIZATION}/roleDefinitions": (_ROLES, "RoleDefinition"),
    f"{_COMPUTE}/virtualMachineScaleSets": ("compute", "VirtualMachineScaleSet"),
    f"{_COMPUTE}/virtualMachineScaleSets/publicIPAddresses": ("network", "PublicIPAddress"),
    f"{_COMPUTE}/virtualMachines": ("compute", "VirtualMachine"),
    "Microsoft.ContainerService/managedClusters": ("containerservice", "ManagedCluster"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi.v2024_11_30", "Identity"),
    f"{_NETWORK}/azureFirewalls": ("network", "AzureFirewall"),
    f"{_NETWORK}/firewallPolicies": ("network", "FirewallPolicy"),
    f"{_NETWORK}/firewallPolicies/ruleCollectionGroups": ("network", "FirewallPolicyRuleCollectionGroup"),
    f"{_NETWORK}/ipGroups": ("network", "IpGroup"),
    f"{_NETWORK}/loadBalancers": ("network", "LoadBalancer"),
    f"{_NETWORK}/natGateways": ("network", "NatGateway"),
    f"{_NETWORK}/networkInterfaces": ("network", "NetworkInterface"),
    f"{_NETWORK}/networkSecurityGroups": ("network", "NetworkSecurityGroup"),
    f"{_NETWORK}/networkSecurityGroups/securityRules": ("network", "SecurityRule"),
    f"{_NETWORK}/privateEndpoints": ("network", "PrivateEndpoint"),
    f"{_NETWORK}/publicIPAddresses": ("network", "PublicIPAddress"),
    f"{_NETWORK}/publicIPPrefixes": ("network", "PublicIPPrefix"),
    f"{_NETWORK}/routeTables": ("network", "RouteTable"),
    f"{_NETWORK}/routeTables/routes": ("network", "Route"),
    f"{_NETWORK}/virtualNetworks": ("network", "VirtualNetwork"),
    f"{_NETWORK}/virtualNetworks/subnets": ("network", "Subnet"),
    f"{_NETWORK}/virtualNetworks/virtualNetworkPeerings": ("network", "VirtualNetworkPeering"),
    _PRIVATE_DNS: ("privatedns", "PrivateZone"),
    f"{_PRIVATE_DNS}/A": ("privatedns", "RecordSet"),
    f"{_PRIVATE_DNS}/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
}
_BY_TYPE = {name.lower(): model for name, model in MODELS.items()}

# In what is answered, but not in what the packages were generated from.
_MORE = frozenset({"id", "name", "type", "systemData", "eTag", "etag"})


def type_of(id: str) -> str:
    """``microsoft.network/virtualnetworks/subnets``; "" for subscriptions and resource groups."""
    before, found, rest = id.lower().rpartition("/providers/")
    parts = rest.strip("/").split("/")
    return "/".join([parts[0], *parts[1::2]]) if found and before else ""


def complaints(id: str, tree: Tree) -> list[str]:
    """What Azure's packages would not know or not take; empty for a body as Azure documents it.

    :raises KeyError: there is no model for this type here yet
    """
    package, name = _BY_TYPE[type_of(id)]
    module = import_module(f"azure.mgmt.{package}.models")
    model = getattr(module, name)
    told = _of_old_model if hasattr(model, "_attribute_map") else _of_model
    body = {key: value for key, value in tree.items() if key not in _MORE}
    return list(told(model, body, id.rpartition("/")[2]))


def _of_model(model: Any, tree: Any, where: str) -> Iterator[str]:
    if not isinstance(tree, Mapping):
        yield f"{where} is no object, but {tree!r}"
        return
    model = _by_discriminator(model, tree)
    hints = _hints(model)
    names = {known._rest_name: attribute for attribute, known in _fields(model).items()}
    for key, value in tree.items():
        if key in names:
            yield from _of_type(hints[names[key]], value, f"{where}.{key}")
        elif key not in _MORE:
            yield f"{where}.{key} is unknown to {model.__name__}"


def _by_discriminator(model: Any, tree: Tree) -> Any:
    for key, known in getattr(model, "__mapping__", {}).items():
        if key in tree.values() and isinstance(key, str):
            return _by_discriminator(known, tree) if known is not model else known
    return model


def _fields(model: Any) -> Mapping[str, Any]:
    model({})  # the packages prepare a class when the first one of it is made
    found: Mapping[str, Any] = model._attr_to_rest_field
    return found


def _hints(model: Any) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for one in reversed(model.__mro__):
        if one.__module__.startswith("azure.mgmt."):
            # Each says ``_models.Thing`` of what is in its own package's models.
            package = import_module(one.__module__.rpartition("._")[0])
            names = {**vars(import_module(one.__module__)), "_models": package, "datetime": datetime}
            hints |= typing.get_type_hints(one, globalns=names)
    return hints


def _of_type(kind: Any, value: Any, where: str) -> Iterator[str]:
    origin = get_origin(kind)
    if value is None or kind is Any:
        return
    if origin is typing.Union or origin is UnionType:
        several = [list(_of_type(one, value, where)) for one in get_args(kind) if one is not type(None)]
        if all(several):
            yield from min(several, key=len)
    elif origin is list:
        if not isinstance(value, list):
            yield f"{where} is no list, but {value!r}"
            return
        for number, one in enumerate(value):
            yield from _of_type(get_args(kind)[0], one, f"{where}[{number}]")
    elif origin is dict:
        if not isinstance(value, Mapping):
            yield f"{where} is no object, but {value!r}"
            return
        for key, one in value.items():
            yield from _of_type(get_args(kind)[1], one, f"{where}.{key}")
    elif hasattr(kind, "_attr_to_rest_field") or hasattr(kind, "_deserialize"):
        yield from _of_model(kind, value, where)
    elif not _is_plain(kind, value):
        yield f"{where} should be {getattr(kind, '__name__', kind)}, not {value!r}"


def _is_plain(kind: Any, value: Any) -> bool:
    if kind in (bool, int, float):
        return type(value) is kind or (kind is float and type(value) is int)
    return isinstance(value, str)  # texts, dates, and enumerations, which are texts


def _of_old_model(model: Any, tree: Tree, where: str) -> Iterator[str]:
    """Those of the older generator name their fields by path: ``properties.principalId``."""
    known = {one["key"]: one["type"] for one in model._attribute_map.values()}
    module = import_module(model.__module__.rpartition("._")[0])
    for key, value in _flat(tree, known):
        kind = known.get(key)
        if kind is None:
            if key not in _MORE:
                yield f"{where}.{key} is unknown to {model.__name__}"
        elif kind.startswith("[") and isinstance(value, list):
            inner = getattr(module, kind.strip("[]"), None)
            for one in value if inner is not None else ():
                yield from _of_old_model(inner, one, f"{where}.{key}")
        elif kind == "bool" and not isinstance(value, bool):
            yield f"{where}.{key} should be bool, not {value!r}"
        elif kind in ("str", "iso-8601") and not isinstance(value, str | None):
            yield f"{where}.{key} should be text, not {value!r}"


def _flat(tree: Tree, known: Mapping[str, str], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        path = f"{above}{key}"
        inside = any(one.startswith(f"{path}.") for one in known)
        if isinstance(value, Mapping) and inside and path not in known:
            yield from _flat(value, known, f"{path}.")
        else:
            yield path, value
