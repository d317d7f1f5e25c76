"""The registry as ARM has it. It is found by its login server: its resource may have another name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.azure.cluster import Machine
from checks.azure.facts import Arm, LoginServer, ResourceId, block, rows, word, words
from checks.graph import fact
from checks.host import Cluster
from checks.model import NotFound, Unavailable

READS = (
    "Microsoft.ContainerRegistry/registries/read",
    "Microsoft.Resources/subscriptions/read",
)

_TYPE = "Microsoft.ContainerRegistry/registries"
_MOST_SUBSCRIPTIONS = 40


@dataclass(frozen=True, slots=True)
class PrivateConnection:
    """A private endpoint of the registry. ``status``: Approved, Pending, Rejected or Disconnected."""

    id: ResourceId
    endpoint: ResourceId
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Registry:
    """``by_repository``: rights are given per repository (ABAC), and AcrPull is not honoured.

    ``public``: the public endpoint is open at all; ``admits_all``: to every address that no rule names.
    ``admitted`` are addresses and CIDR ranges, ``admitted_subnets`` ids of subnets.
    """

    id: ResourceId
    host: str
    location: str
    sku: str
    by_repository: bool
    public: bool
    admits_all: bool
    admitted: tuple[str, ...]
    admitted_subnets: tuple[ResourceId, ...]
    admin_enabled: bool
    anonymous: bool
    takes_arm_tokens: bool
    data_hosts: tuple[str, ...]
    private: tuple[PrivateConnection, ...]


@fact()
async def registry(server: LoginServer, cluster: Cluster, machine: Machine | None, arm: Arm) -> Registry:
    """The cluster's own subscription first; where it is not there, all that may be read."""
    own = machine.subscription if machine is not None else ResourceId(cluster.cloud_id).subscription
    unread: Unavailable | None = None
    if own:
        try:
            if (near := await _listed(server, own, arm)) is not None:
                return near
        except Unavailable as why:  # who may read a single group sees nothing of the whole
            unread = why
    try:
        found = await _anywhere(server, own, arm)
    except Unavailable as why:
        raise unread or why from None
    if found is None:
        raise unread or Unavailable(
            f"no registry {server.host} is shown to us: it may be in a subscription or tenant that pullbot "
            "may not read, or not exist"
        )
    return found


async def _listed(server: LoginServer, subscription: str, arm: Arm) -> Registry | None:
    try:
        listed = await arm.get(f"/subscriptions/{subscription}/providers/{_TYPE}")
    except NotFound:
        return None
    known = (
        one for one in rows(listed, "value") if word(one, "properties", "loginServer").lower() == server.host
    )
    return next(map(_registry, known), None)


async def _anywhere(server: LoginServer, but: str, arm: Arm) -> Registry | None:
    query = f"resources | where type =~ '{_TYPE}' and properties.loginServer =~ '{server.host}' | project id"
    try:
        ids = [word(one, "id") for one in await arm.search(query)]
        return _registry(await arm.get(ids[0])) if ids and ids[0] else None
    except NotFound:  # the search is minutes behind
        return None
    except Unavailable:  # not every cloud has the search
        found = await _one_by_one(server, but, arm)
        if found is None:
            raise
        return found


async def _one_by_one(server: LoginServer, but: str, arm: Arm) -> Registry | None:
    try:
        listed = await arm.get("/subscriptions")
    except (NotFound, Unavailable):
        return None
    every = sorted(ResourceId(word(one, "id")).subscription for one in rows(listed, "value"))
    others = [one for one in every if one and one.lower() != but.lower()][:_MOST_SUBSCRIPTIONS]
    found = await asyncio.gather(*(_listed(server, one, arm) for one in others), return_exceptions=True)
    return next((one for one in found if isinstance(one, Registry)), None)


def _registry(tree: Mapping[str, Any]) -> Registry:
    has = block(tree, "properties")
    rules = block(has, "networkRuleSet")
    admitted = rows(rules, "ipRules")
    return Registry(
        id=ResourceId(word(tree, "id")),
        host=word(has, "loginServer").lower(),
        location=word(tree, "location"),
        sku=word(tree, "sku", "name"),
        by_repository=word(has, "roleAssignmentMode") == "AbacRepositoryPermissions",
        public=word(has, "publicNetworkAccess") != "Disabled",
        admits_all=word(rules, "defaultAction") != "Deny",
        admitted=tuple(word(one, "value") for one in admitted if word(one, "action") in ("", "Allow")),
        admitted_subnets=tuple(ResourceId(word(one, "id")) for one in rows(rules, "virtualNetworkRules")),
        admin_enabled=has.get("adminUserEnabled") is True,
        anonymous=has.get("anonymousPullEnabled") is True,
        takes_arm_tokens=word(has, "policies", "azureADAuthenticationAsArmPolicy", "status") != "disabled",
        data_hosts=words(has, "dataEndpointHostNames"),
        private=tuple(_connection(one) for one in rows(has, "privateEndpointConnections")),
    )


def _connection(tree: Mapping[str, Any]) -> PrivateConnection:
    state = block(tree, "properties", "privateLinkServiceConnectionState")
    return PrivateConnection(
        id=ResourceId(word(tree, "id")),
        endpoint=ResourceId(word(tree, "properties", "privateEndpoint", "id")),
        status=word(state, "status"),
        description=word(state, "description"),
    )
