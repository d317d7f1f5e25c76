"""Bodies of the simulated Azure are those that Azure knows from its own packages, in worlds of every kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.demo import azure_world as public
from tests.fakes import azure_all_worlds, azure_private
from tests.fakes.azure_shapes import complaints, type_of
from tests.fakes.azure_worlds import Maker


@pytest.mark.parametrize("maker", azure_all_worlds.ALL, ids=lambda one: one.__name__)
def test_a_world_holds_what_azure_could_hold(maker: Maker) -> None:
    resources = maker().azure.resources
    told = [line for id, tree in resources.items() if type_of(id) for line in complaints(id, tree)]
    assert told == []


@pytest.mark.parametrize(
    ("id", "path", "value", "told"),
    [
        (public.ACR, ("properties", "loginServr"), "x", "loginServr is unknown to RegistryProperties"),
        (public.ACR, ("properties", "adminUserEnabled"), "yes", "adminUserEnabled should be bool, not 'yes'"),
        (public.AKS, ("properties", "agentPoolProfiles", 0, "count"), "2", "count should be int, not '2'"),
        (public.AKS, ("properties", "agentPoolProfiles"), {}, "agentPoolProfiles is no list"),
        (public.PULL_ASSIGNMENT, ("properties", "principal"), "x", "principal is unknown to RoleAssignment"),
        (
            azure_private.SPOKE,
            ("properties", "subnets", 0, "properties", "prefix"),
            "10.0.0.0/8",
            "subnets[0].properties.prefix is unknown to SubnetPropertiesFormat",
        ),
    ],
)
def test_what_azure_would_not_know_is_noticed(id: str, path: tuple[Any, ...], value: Any, told: str) -> None:
    azure = azure_private.private_world(public.public_world())
    tree = copy.deepcopy(azure.get(id))
    inner: Any = tree
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    [line] = complaints(id, tree)
    assert told in line
