"""What `pullbot permissions azure` prints is what is called: no action is missing, and none is for nothing.

The calls are collected, not written down here: all facts in worlds of all kinds, each remedy done and undone.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.permissions_azure import azure_reads, azure_writes
from handlers.remedy import Plan, Standing
from tests.fakes import azure_worlds
from tests.fakes.azure_door import GRAPH, SEARCH, ArmDoor
from tests.fakes.azure_worlds import Maker, running

# Resource Graph shows what its asker may read, and wants nothing for itself
# (learn.microsoft.com/azure/governance/resource-graph/overview).
NEEDS_NONE = {SEARCH}
AZURE = [one.id for one in azure_worlds.REMEDIES if one.id.startswith("azure/")]


async def test_reading_is_granted_what_is_read(azure_tokens: None) -> None:
    asked: set[str] = set()
    for maker in azure_worlds.ALL:
        async with running(maker) as azure:
            asked |= set((await azure.look()).asked)
    role = azure_reads()
    assert GRAPH in role["Description"]
    assert lowered(asked - NEEDS_NONE - {GRAPH}) == lowered(role["Actions"])


WORLDS_OF: dict[str, tuple[Maker, ...]] = {
    "azure/attach_acr": (azure_worlds.without_role, azure_worlds.by_repository),
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
    assert lowered(asked) == lowered(role["Actions"])


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
