"""The simulated container registry decides as Azure would, from the roles that are there; the demo on top."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo import azure_world as world
from bot.demo.azure import Azure
from bot.demo.azure_registry import AzureRegistry
from bot.demo.azure_story import IMAGE, MACHINES, NODE, azure_story
from bot.demo.kubelet import NotPulled, Pace, Pulled
from bot.demo.shapes import is_ready
from checks.image.symptom import classify
from checks.model import Symptom
from tests.bot.demo.rig import until

GROUP = "2b0b8a2e-6d5f-4c3b-9a1f-0e9d8c7b6a50"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def azure() -> Azure:
    return world.public_world()


async def answer(azure: Azure, image: str = IMAGE) -> str:
    """What kubelet would say; "" if it has the image."""
    found = await AzureRegistry(azure, MACHINES, {IMAGE}).pull(image)
    return found.cause if isinstance(found, NotPulled) else ""


def refused(said: str) -> bool:
    return classify(f"Failed to pull image: {said}").symptom is Symptom.UNAUTHORIZED


async def test_who_has_the_role_pulls(azure: Azure) -> None:
    found = await AzureRegistry(azure, MACHINES, {IMAGE}).pull(IMAGE)
    assert isinstance(found, Pulled)
    assert found.image_id.startswith("contoso.azurecr.io/shop/orders@sha256:")


async def test_a_role_above_or_of_a_group_counts_as_well(azure: Azure) -> None:
    del azure.resources[world.PULL_ASSIGNMENT.lower()]
    assert refused(await answer(azure))
    azure.groups[GROUP] = {world.KUBELET}
    where = f"{world.HOME}/providers/Microsoft.Authorization/roleAssignments/above"
    azure.put(world.assigned(where, GROUP, READER, world.HOME))
    assert await answer(azure) == ""


@pytest.mark.parametrize("principal", ["somebody-else", ""])
async def test_a_role_of_others_does_not(azure: Azure, principal: str) -> None:
    azure.get(world.PULL_ASSIGNMENT)["properties"]["principalId"] = principal
    assert refused(await answer(azure))


async def test_what_it_does_not_understand_lets_nobody_in(azure: Azure) -> None:
    azure.get(world.PULL_ASSIGNMENT)["properties"]["condition"] = "it is Tuesday"
    assert refused(await answer(azure))
    del azure.get(world.PULL_ASSIGNMENT)["properties"]["condition"]
    azure.get(world.ACR)["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions"
    assert refused(await answer(azure))


@pytest.mark.parametrize(
    ("image", "symptom"),
    [
        ("contoso.azurecr.io/shop/orders:9", Symptom.TAG_NOT_FOUND),
        ("contosso.azurecr.io/shop/orders:2.4.0", Symptom.DNS_FAILURE),
    ],
)
async def test_other_failures_are_told_in_the_runtimes_words(azure: Azure, image: str, symptom: Any) -> None:
    assert classify(f'Failed to pull image "{image}": {await answer(azure, image)}').symptom is symptom


async def test_the_story_begins_broken_and_is_cured_by_a_role() -> None:
    async with azure_story(pace=Pace(0.01, 0.02, 0.02)) as story:
        [node] = story.cluster.api.objects.trees("nodes")
        assert node["metadata"]["name"] == NODE
        await until(
            story.cluster.api.objects,
            lambda: any("401 Unauthorized" in str(pod["status"]) for pod in story.cluster.pods("orders")),
        )
        story.azure.put(world.assigned(world.PULL_ASSIGNMENT, world.KUBELET, world.ACR_PULL, world.ACR))
        await until(
            story.cluster.api.objects, lambda: all(is_ready(pod) for pod in story.cluster.pods("orders"))
        )
