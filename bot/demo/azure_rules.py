"""Rules of network security groups, in the shape of Resource Manager."""

from __future__ import annotations

from typing import Any

from bot.demo.azure import Tree


def security_rule(name: str, priority: int, access: str, to: str, **more: Any) -> Tree:
    properties = {
        "priority": priority,
        "direction": "Outbound",
        "access": access,
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": to,
        "destinationPortRange": "*",
        **more,
    }
    given = {name: value for name, value in properties.items() if value is not None}
    return {"name": name, "properties": given}


def default_rules(group: str) -> list[Tree]:
    """What Azure gives to every security group."""
    within = {"sourceAddressPrefix": "VirtualNetwork"}
    found = (
        security_rule("AllowVnetInBound", 65000, "Allow", "VirtualNetwork", direction="Inbound", **within),
        security_rule("DenyAllInBound", 65500, "Deny", "*", direction="Inbound"),
        security_rule("AllowVnetOutBound", 65000, "Allow", "VirtualNetwork", **within),
        security_rule("AllowInternetOutBound", 65001, "Allow", "Internet"),
        security_rule("DenyAllOutBound", 65500, "Deny", "*"),
    )
    return [{**one, "id": f"{group}/defaultSecurityRules/{one['name']}"} for one in found]
