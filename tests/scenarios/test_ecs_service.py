"""The service on ECS: an event comes in, the cause is told, a fix is approved, and a newer task proves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bot.clusters import connect_all
from bot.people import Approvers, People
from bot.service import Service
from bot.settings import Secrets, Settings
from bot.store.opening import open_state
from bot.store.ports import State
from checks.secret import Secret
from handlers import commands
from handlers.decision import Person
from handlers.incident import Incident, Stage
from tests.fakes.ecs import event
from tests.fakes.ecs_shop import REGION, SERVICE, TIMEOUT, Shop

ANA, BEN = Person("test:ana", "Ana"), Person("test:ben", "Ben", may_approve=True)
TOKEN = "of-these-tests"
FIX = "aws/assign_public_ip"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Service, State, str]]:
    settings = Settings.model_validate(
        {
            "clusters": [{"name": "prod", "kind": "ecs", "region": REGION}],
            "remedies": {"enabled": [FIX]},
            "store": str(folder / "pullbot.db"),
            "http": {"listen": "127.0.0.1:0"},
            "watch": {"settle": "1s"},
            "secrets": Secrets(pullbot_alerts_token=Secret(TOKEN)),
        }
    )
    state = open_state(settings.store)
    clusters = await connect_all(settings, {})

    service = Service(settings, state, clusters, (), People(Approvers()))
    try:
        [(host, port)] = await service.start()
        yield service, state, f"http://{host}:{port}/alerts/eventbridge"
    finally:
        await service.stop()
        await clusters.close()
        await state.close()


async def until(state: State, true: Callable[[Incident], bool]) -> Incident:
    """Wait for the newest incident to be so; somebody else writes it, and tells nobody here."""
    async with asyncio.timeout(40):
        while True:
            for incident in await state.recent(1):
                if true(incident):
                    return incident
            await asyncio.sleep(0.02)


async def post(url: str, body: object, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status


async def test_from_an_event_to_a_fix_that_is_proven(shop: Shop, tmp_path: Path) -> None:
    shop.allow_pulls()
    async with running(tmp_path) as (service, state, url):
        task = shop.stop(TIMEOUT)
        assert await post(url, event(task), "wrong") == 401
        assert await post(url, event(task), TOKEN) == 202
        found = await until(state, lambda one: one.stage is Stage.FOUND)
        assert [pull.workload for pull in found.pulls] == [f"Service/{SERVICE}"]
        assert [one.check for one in found.causes] == ["aws/task_has_public_ip"]
        [offer] = [one for one in found.offers if one.plan is not None and one.enabled]
        assert offer.remedy == FIX
        await commands.request(found.id, offer.digest, ANA, service.world)
        await commands.approve(found.id, offer.digest, BEN, service.world)
        await until(state, lambda one: one.stage is Stage.EXECUTED)
        assert shop.network()["assignPublicIp"] == "ENABLED"
        shop.run(at=datetime.now(UTC))
        fixed = await until(state, lambda one: one.stage is Stage.RESOLVED)
        assert "pulled after the fix" in fixed.note
        assert len(await state.recent(10)) == 1


async def test_what_is_failing_when_we_come_is_found_without_any_event(shop: Shop, tmp_path: Path) -> None:
    shop.stop(TIMEOUT)
    async with running(tmp_path) as (_, state, _):
        found = await until(state, lambda one: one.stage in (Stage.FOUND, Stage.NEEDS_PERSON))
        assert [one.check for one in found.causes] == ["aws/task_has_public_ip"]
