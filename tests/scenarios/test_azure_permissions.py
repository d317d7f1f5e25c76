"""What `pullbot permissions azure` prints is what is called: no action is missing, and none is for nothing.

The calls are collected, not written down here: all facts in worlds of all kinds, each remedy done and undone.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.permissions_azure import azure_reads, azure_writes
from handlers.remedy import Plan, Standing
from tests.fakes import azure_all_worlds, azure_network_worlds, azure_worlds
from tests.fakes.azure_door import GRAPH, SEARCH, ArmDoor
from tests.fakes.azure_worlds import Maker, running

# Resource Graph shows what its asker may read, and wants nothing for itself
# (learn.microsoft.com/azure/governance/resource-graph/overview).
NEEDS_NONE = {SEARCH}
AZURE = [one.id for one in azure_worlds.REMEDIES if one.id.startswith("azure/")]


async def test_reading_is_granted_what_is_read(azure_tokens: None) -> None:
    asked: set[str] = set()
    for maker in azure_all_worlds.ALL:
        async with running(maker) as azure:
            asked |= set((await azure.look()).asked)
    role = azure_reads()
    assert GRAPH in role["Description"]
    assert lowered(asked - NEEDS_NONE - {GRAPH}) == lowered(role["Actions"])


WORLDS_OF: dict[str, tuple[Maker, ...]] = {
    "azure/admit_cluster_address": (azure_network_worlds.others_admitted,),
    "azure/attach_acr": (azure_worlds.without_role, azure_worlds.by_repository),
    "azure/link_private_dns": (
        azure_network_worlds.unlinked_zone,
        azure_network_worlds.unlinked_and_unpeered,
    ),
    "azure/open_nsg": (azure_network_worlds.shut_by_group,),
    "azure/peer_back": (azure_network_worlds.one_sided_peering,),
    "azure/reconcile_cluster": (
        azure_network_worlds.without_identity,
        azure_network_worlds.without_identity_on_a_lone_machine,
    ),
}
# No calls of their own: Azure asks for them on what a change refers to (the identities of a cluster, the
# network of a link or of a peering).
LINKED = {
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "Microsoft.Network/virtualNetworks/join/action",
    "Microsoft.Network/virtualNetworks/peer/action",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
}


@pytest.mark.parametrize("remedy", AZURE)
async def test_a_remedy_is_granted_what_it_takes_to_do_and_undo_it(remedy: str, azure_tokens: None) -> None:
    asked: set[str] = set()
    for maker in WORLDS_OF[remedy]:
        async with running(maker) as azure:
            offers = [one for one in (await azure.look()).offers if one.remedy == remedy]
            plans = [one.plan for one in offers if one.plan is not None]
            assert plans, [one.refused for one in offers]
            for plan in plans:
                asked |= await done_and_undone(plan, azure.hands)
    [role] = azure_writes([remedy])
    assert lowered(asked) == lowered(set(role["Actions"]) - LINKED)


def test_what_is_asked_for_on_the_side_is_granted_where_it_is_needed() -> None:
    granted = {one: set(azure_writes([one])[0]["Actions"]) & LINKED for one in AZURE}
    assert {one: actions for one, actions in granted.items() if actions} == {
        "azure/link_private_dns": {
            "Microsoft.Network/virtualNetworks/join/action",
            "Microsoft.Network/virtualNetworks/peer/action",
        },
        "azure/peer_back": {"Microsoft.Network/virtualNetworks/peer/action"},
        "azure/reconcile_cluster": {
            "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
        },
    }


async def done_and_undone(plan: Plan, hands: ArmDoor) -> set[str]:
    """What was asked for. Each step is as it says: before, after, and before again."""
    done: list[Any] = []
    for step in plan.steps:
        assert await step.look(hands) is Standing.BEFORE, step
        done.append(await step.write(hands))
        assert await done[-1].look(hands) is Standing.AFTER, step
    for step in reversed(done):
        back = step.inverse()
        if back is not None:
            assert await back.look(hands) is Standing.BEFORE, back
            assert await (await back.write(hands)).look(hands) is Standing.AFTER, back
    return set(hands.asked)


def lowered(actions: Any) -> set[str]:
    """Azure compares actions without regard to case."""
    return {one.lower() for one in actions}
