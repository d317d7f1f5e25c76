"""Each read of Azure denied, throttled or broken, in worlds of all kinds: unknown, and nothing else changes.

Which check needs which read is not written down here: it is seen, by what a failed read changes.
"""

from __future__ import annotations

import pytest

from bot.clouds.azure import Azure as Clients
from bot.clouds.azure import Endpoints
from checks.model import Verdict
from tests.fakes import azure_all_worlds, azure_network_worlds, azure_worlds
from tests.fakes.azure_door import BROKEN, DENIED, GRAPH, SEARCH, THROTTLED, Failure
from tests.fakes.azure_front import Front
from tests.fakes.azure_worlds import Maker, Running, running
from tests.scenarios.failed_reads import FailedReads

OF_EACH_KIND: tuple[Maker, ...] = (
    azure_worlds.service_principal,
    azure_network_worlds.others_admitted_behind_nat,
    azure_network_worlds.shut_by_firewall,
    azure_network_worlds.unlinked_zone,
)
CASES = [
    *((maker, DENIED) for maker in azure_all_worlds.ALL),
    *((maker, failure) for maker in OF_EACH_KIND for failure in (THROTTLED, BROKEN)),
]


def names(verdict: Verdict, action: str) -> bool:
    asked = "Microsoft Graph" if action == GRAPH else action
    return asked in verdict.summary or asked in str(verdict.evidence)


READS = FailedReads(names)


@pytest.mark.parametrize(
    ("maker", "failure"), CASES, ids=[f"{maker.__name__}-{failure.code}" for maker, failure in CASES]
)
async def test_a_read_that_fails_is_unknown_and_nothing_else_changes(
    maker: Maker, failure: Failure, azure_tokens: None
) -> None:
    async with running(maker) as azure:
        before = await azure.look()
        some: set[str] = set()
        for action in sorted(set(before.asked)):
            some |= READS.became_unknown(before, await azure.look({action: failure}), action)
    assert some


async def test_no_action_is_granted_whose_denial_nobody_would_notice(azure_tokens: None) -> None:
    """Verdicts, their evidence and what is offered: something depends on each read somewhere."""
    noticed: set[str] = set()
    asked: set[str] = set()
    for maker in azure_all_worlds.ALL:
        async with running(maker) as azure:
            before = await azure.look()
            for action in set(before.asked) - noticed:
                asked.add(action)
                if await azure.look({action: DENIED}) != before:
                    noticed.add(action)
    # Without the search, for which no role is needed, subscriptions are looked through one by one.
    assert asked - noticed == {SEARCH}


async def test_so_it_is_when_azure_itself_denies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP, in the very words of Resource Manager: who pulls has no role."""
    front = Front(azure_worlds.without_role().azure)
    url = await front.start()
    for name, value in front.environment().items():
        monkeypatch.setenv(name, value)
    clients = Clients(Endpoints(url, url))
    azure = Running(azure_worlds.without_role(), clients)
    try:
        before = await azure.look()
        assert before.causes == {"azure/identity_can_pull"}
        some: set[str] = set()
        for action in sorted(set(before.asked)):
            front.denying = {action}
            some |= READS.became_unknown(before, await azure.look(), action)
        assert "azure/identity_can_pull" in some
    finally:
        await clients.close()
        await front.stop()
