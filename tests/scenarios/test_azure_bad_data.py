"""What nobody expects of Azure: nothing crashes, and only what the data accuses is accused.

Every field of every kind of resource is left out, every list and object emptied and made something else, one
at a time, in worlds where nothing is wrong. ``JUSTIFIED`` names what may be accused for it: where none
is an answer.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bot.demo import azure_world as public
from checks.model import Status
from tests.fakes import azure_network as net
from tests.fakes import azure_network_worlds
from tests.fakes.azure_network_worlds import hub_and_spoke, own_network
from tests.fakes.azure_shapes import type_of
from tests.fakes.azure_worlds import Maker, Running, Seen, World, healthy, running

Path = tuple[str | int, ...]


def behind_a_firewall() -> World:
    world = own_network()
    net.egress(world.azure)
    return world


def admitted_by_name() -> World:
    """The registry's firewall admits the nodes, and others."""
    world = own_network()
    net.restrict(world.azure, "198.51.100.7", public.OUTBOUND_IP)
    return world


HEALTHY: tuple[Maker, ...] = (healthy, own_network, admitted_by_name, hub_and_spoke, behind_a_firewall)

# An empty list of rules lets nobody in, an assignment to nobody is none, what is called otherwise is another.
_RIGHTS = {"azure/identity_can_pull"}
_MACHINE = {"azure/kubelet_identity_is_on_nodes"}
_NAMES = {"azure/private_dns_is_linked"}
_PEERING = {"azure/peering_is_connected"}
_ADMITTED = {"azure/registry_firewall_admits_cluster"}
_FIREWALL = {"azure/firewall_lets_through"}
JUSTIFIED: Mapping[str, Mapping[str, set[str]]] = {
    "microsoft.authorization/roleassignments": {"": _RIGHTS},
    "microsoft.authorization/roledefinitions": {"permissions": _RIGHTS},
    "microsoft.compute/virtualmachinescalesets": {"identity": _MACHINE},
    "microsoft.containerregistry/registries": {"networkRuleSet": _ADMITTED},
    "microsoft.containerservice/managedclusters": {"kubeletidentity": _RIGHTS | _MACHINE},
    "microsoft.network/azurefirewalls": {"firewallPolicy": _FIREWALL},
    "microsoft.network/firewallpolicies/rulecollectiongroups": {"": _FIREWALL},
    "microsoft.network/networkinterfaces": {"privateIPAddress": _NAMES},
    "microsoft.network/privatednszones/a": {"": _NAMES},
    "microsoft.network/privatednszones/virtualnetworklinks": {"": _NAMES},
    "microsoft.network/publicipaddresses": {"ipAddress": _ADMITTED},
    "microsoft.network/virtualnetworks/virtualnetworkpeerings": {"": _PEERING},
}


def paths(tree: Any, above: Path = ()) -> Iterator[Path]:
    """Where something may be spoilt; of several alike, the first."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if (*above, key) != ("id",):
                yield (*above, key)
                yield from paths(value, (*above, key))
    elif isinstance(tree, list) and tree:
        yield from paths(tree[0], (*above, 0))


def spoilt(tree: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """The same with one thing in it otherwise."""
    for how in ("nothing", "empty", "strange"):
        other = copy.deepcopy(tree)
        inner = other
        for step in path[:-1]:
            inner = inner[step]
        value = inner[path[-1]]
        if how != "nothing" and not (isinstance(value, dict | list) and value):
            continue
        inner[path[-1]] = {"nothing": None, "empty": type(value)(), "strange": 7}[how]
        yield how, other


def failing(seen: Seen) -> set[str]:
    return {name for name, one in seen.findings.items() if one.verdict.status is Status.FAIL}


def justified(id: str, path: Path) -> set[str]:
    found = JUSTIFIED.get(type_of(id), {})
    return {one for key, several in found.items() if not key or key in path for one in several}


@pytest.mark.parametrize("maker", HEALTHY, ids=lambda one: one.__name__)
async def test_whatever_one_field_says_accuses_nobody(
    maker: Maker, azure_tokens: None, caplog: pytest.LogCaptureFixture
) -> None:
    earlier = {key for one in HEALTHY[: HEALTHY.index(maker)] for key in _kinds_of_fields(one)}
    async with running(maker) as azure:
        before = await azure.look()
        assert failing(before) == set()
        resources = azure.world.azure.resources
        for id, tree in list(resources.items()):
            for path in paths(tree) if _is_read(id, before) else ():
                if (type_of(id), path) in earlier:
                    continue
                earlier.add((type_of(id), path))
                for how, other in spoilt(tree, path):
                    resources[id] = other
                    await _is_unharmed(azure, f"{id} {path} {how}", justified(id, path), caplog)
            resources[id] = tree


def _kinds_of_fields(maker: Maker) -> set[tuple[str, Path]]:
    return {(type_of(id), path) for id, tree in maker().azure.resources.items() for path in paths(tree)}


def _is_read(id: str, seen: Seen) -> bool:
    """Some are there for other stories."""
    kind = type_of(id)
    return not kind or any(one.lower().startswith(kind) for one in seen.asked)


async def _is_unharmed(
    azure: Running, what: str, may_fail: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    after = await azure.look()
    new = failing(after)
    assert new <= may_fail, (what, {name: after.findings[name].verdict.summary for name in new - may_fail})
    assert new or not after.plans, what
    crashes = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    assert crashes == [], what


async def test_a_cluster_that_names_nobody_accuses_nobody(azure_tokens: None) -> None:
    """Neither an identity nor a service principal: who pulls is not known."""
    several: tuple[dict[str, Any], ...] = (
        {},
        {"servicePrincipalProfile": {"clientId": "msi"}},
        {"identityProfile": {}},
    )
    for has in several:
        async with running(azure_network_worlds.without_identity) as azure:
            azure.world.azure.get(public.AKS)["properties"] = dict(has)
            seen = await azure.look()
            assert failing(seen) == set()
            assert seen.plans == set()
            unknown = seen.findings["azure/identity_can_pull"].verdict
            assert unknown.status is Status.UNKNOWN
            assert "does not say which identity" in unknown.summary


async def test_what_was_deleted_meanwhile_is_not_known_to_be_wrong(azure_tokens: None) -> None:
    """Each resource in turn is gone between two reads; what is but an entry of a list is then not in it."""
    counts = {"roleassignments", "virtualnetworkpeerings", "virtualnetworklinks", "a", "rulecollectiongroups"}
    for maker in HEALTHY:
        async with running(maker) as azure:
            resources = azure.world.azure.resources
            for id, tree in list(resources.items()):
                if type_of(id).rpartition("/")[2] in counts:
                    continue
                del resources[id]
                seen = await azure.look()
                gone = {"azure/kubelet_identity_is_on_nodes"} if "assignedidentities" in id else set()
                assert failing(seen) <= gone, (id, failing(seen))
                resources[id] = tree
