"""Pulls that fail on AKS, from the message to the fix and back, over HTTP with azure-identity's own chain."""

from __future__ import annotations

from bot.demo import azure_world as world
from checks.model import Status
from handlers.remedies.azure.steps import ArmWriter
from tests.fakes.aks import Aks, root_causes


async def test_a_healthy_cluster_may_pull(aks: Aks) -> None:
    found, offers = await aks.look()
    assert found["azure/identity_can_pull"].verdict.status is Status.PASS
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_without_the_role_the_registry_is_attached_and_detached_again(aks: Aks) -> None:
    before = dict(aks.azure.resources)
    del aks.azure.resources[world.PULL_ASSIGNMENT.lower()]
    found, offers = await aks.look()
    assert root_causes(found) == ["azure/identity_can_pull"]
    assert [name for name, one in offers.items() if one.plan is not None] == ["azure/attach_acr"]
    offer = offers["azure/attach_acr"]
    await aks.carry_out(offer)
    found, _ = await aks.look()
    assert found["azure/identity_can_pull"].verdict.status is Status.PASS
    assert offer.plan is not None
    [step] = offer.plan.steps
    back = step.inverse()
    assert back is not None
    await back.write(aks.clients.hands[ArmWriter])
    assert aks.azure.resources.keys() == before.keys() - {world.PULL_ASSIGNMENT.lower()}
