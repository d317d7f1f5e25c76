"""What is certain of a registry whose address is not known is so for every address that it may have.

Hundreds of made-up rules and routes: where ``nsg_lets_out`` or ``routes_reach_registry`` would accuse without
the address, they do so with any.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Any

import pytest

from checks.azure.facts import ResourceId
from checks.azure.outbound_addresses import is_private
from checks.azure.outbound_errands import Destination, Errand
from checks.azure.route_tables import Hop, Route, RouteTable, to_public
from checks.azure.security_rules import Flow, Lets, security_group
from tests.fakes.azure_network import rule

NODES = (IPv4Network("10.1.0.0/22"),)
SOMEWHERE = Destination(
    Errand.REGISTRY, "contoso.azurecr.io", tag="AzureContainerRegistry", region="westeurope"
)
PLACES = (
    "*", "Internet", "VirtualNetwork", "AzureCloud", "AzureContainerRegistry", "Storage", "10.0.0.0/8",
    "AzureContainerRegistry.WestEurope", "AzureContainerRegistry.EastUS", "0.0.0.0/0", "0.0.0.0/1",
    "128.0.0.0/1", "20.0.0.0/8", "20.61.0.0/16", "52.0.0.0/6",
)  # fmt: skip
SOURCES = ("*", "VirtualNetwork", "10.1.0.0/16", "10.9.0.0/16", "0.0.0.0/0")
PORTS = ("*", "443", "80", "400-500")


def public_addresses(random: Random) -> list[str]:
    found = [str(IPv4Address(random.randrange(1 << 24, 224 << 24))) for _ in range(30)]
    return [
        one for one in (*found, "20.61.97.128", "20.1.1.1", "200.1.1.1", "52.1.1.1") if not is_private(one)
    ]


def rules(random: Random) -> list[dict[str, Any]]:
    priorities = random.sample(range(100, 4000), random.randrange(1, 6))
    return [
        rule(
            f"r{priority}",
            priority,
            random.choice(("Allow", "Deny")),
            random.choice(PLACES),
            sourceAddressPrefix=random.choice(SOURCES),
            destinationPortRange=random.choice(PORTS),
            protocol=random.choice(("*", "Tcp", "Udp")),
        )
        for priority in priorities
    ]


@pytest.mark.parametrize("seed", range(6))
def test_a_security_group(seed: int) -> None:
    random = Random(seed)  # noqa: S311  cases are to be repeatable, not secret
    certain = 0
    for _ in range(40):
        group = security_group({"properties": {"securityRules": rules(random)}}, ResourceId("/nsg"))
        lets = group.decide(Flow(SOMEWHERE, NODES)).lets
        if lets is Lets.MAYBE:
            continue
        certain += 1
        for address in public_addresses(random):
            exact = group.decide(Flow(replace(SOMEWHERE, address=address), NODES))
            assert exact.lets is lets, (address, group.rules)
    assert certain > 10


@pytest.mark.parametrize("seed", range(6))
def test_a_route_table(seed: int) -> None:
    random = Random(seed)  # noqa: S311  cases are to be repeatable, not secret
    hops = (Hop.NOWHERE, Hop.INTERNET, Hop.APPLIANCE, Hop.GATEWAY)
    accused = 0
    for _ in range(60):
        places = random.sample([one for one in PLACES if one not in ("*", "Internet", "VirtualNetwork")], 4)
        routes = [Route(f"r{n}", to, random.choice(hops), "10.1.0.9") for n, to in enumerate(places)]
        table = RouteTable(ResourceId("/rt"), tuple(routes))
        if to_public(SOMEWHERE, table).hop is not Hop.NOWHERE:
            continue
        accused += 1
        for address in public_addresses(random):
            exact = to_public(replace(SOMEWHERE, address=address), table)
            assert exact.hop is Hop.NOWHERE, (address, routes)
    assert accused > 0
