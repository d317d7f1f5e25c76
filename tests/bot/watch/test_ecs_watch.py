"""The watch of ECS: each stopped task is read once, what recovers is told, events are heard at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.watch.ecs import EcsEyes, Pace
from bot.watch.ecs_book import StoppedTasks
from bot.watch.eyes import Patience
from bot.watch.fates import Fate
from checks.host import Cluster
from checks.model import FailedPull
from tests.fakes.ecs import EcsAccount, event, id_of

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/web:1"
DENIED = "CannotPullContainerError: failed to resolve ref: 403 Forbidden"
AT_ONCE = Patience(settle=timedelta(0))
QUICK, SLOW = Pace(0.01, 0.01), Pace(3600, 3600)


@dataclass
class Seen:
    """What a watch told. ``told`` is the latest set."""

    eyes: EcsEyes
    told: tuple[FailedPull, ...] | None = None
    up: list[bool] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    times: int = 0

    async def tell(self, pulls: tuple[FailedPull, ...]) -> None:
        async with self.changed:
            self.told = pulls
            self.times += 1
            self.changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(true)

    async def again(self) -> None:
        """Wait for a whole look more."""
        times = self.times
        await self.until(lambda: self.times >= times + 2)


@pytest.fixture
def account() -> EcsAccount:
    made = EcsAccount()
    made.serve(made.define(IMAGE))
    return made


def eyes_on(aws: EcsAccount, pace: Pace = QUICK, **more: Any) -> EcsEyes:
    return EcsEyes(aws, Cluster("prod", "ecs", "us-west-2"), StoppedTasks(), pace=pace, **more)


@asynccontextmanager
async def watching(eyes: EcsEyes, watched: Callable[[str], bool] = lambda name: True) -> AsyncIterator[Seen]:
    seen = Seen(eyes)
    task = asyncio.create_task(eyes.watch(watched, seen.tell, seen.up.append, AT_ONCE))
    try:
        await seen.until(lambda: seen.told is not None)
        yield seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def stop(account: EcsAccount, **more: Any) -> dict[str, Any]:
    definition = next(iter(account.definitions.values()))
    return account.ecs.stop(definition, "shop", DENIED, service="web", **more)


def run(account: EcsAccount, **more: Any) -> dict[str, Any]:
    definition = next(iter(account.definitions.values()))
    return account.ecs.run(definition, "shop", service="web", **more)


def later(minutes: int = 1) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def test_a_stopped_task_is_read_once_and_told_until_it_is_over(account: EcsAccount) -> None:
    task = stop(account)
    async with watching(eyes_on(account)) as seen:
        await seen.again()
        assert [pull.pods for pull in seen.told or ()] == [(id_of(task),)]
        assert account.ecs.described.count(id_of(task)) == 1
        run(account, at=later())
        await seen.until(lambda: seen.told == ())
    assert account.ecs.described.count(id_of(task)) == 1


async def test_an_event_is_told_at_once_and_even_if_ecs_forgot_the_task(account: EcsAccount) -> None:
    async with watching(eyes_on(account, SLOW)) as seen:
        assert seen.told == ()
        task = stop(account)
        account.ecs.forget(task)
        assert seen.eyes.heard(event(task))
        await seen.until(lambda: bool(seen.told))
        assert account.ecs.described == []


async def test_a_cluster_that_is_not_watched_is_not_asked(account: EcsAccount) -> None:
    stop(account)
    async with watching(eyes_on(account), lambda name: name != "shop") as seen:
        await seen.again()
        assert seen.told == ()
    assert account.ecs.listed == 0


async def test_a_denied_read_tells_nothing_and_says_that_we_are_blind(account: EcsAccount) -> None:
    stop(account)
    async with watching(eyes_on(account)) as seen:
        account.dark = True
        async with asyncio.timeout(10):
            while seen.up[-1]:  # noqa: ASYNC110  a watch that is down tells nobody
                await asyncio.sleep(0)
        assert len(seen.told or ()) == 1


@dataclass
class Letters:
    """A queue in memory."""

    bodies: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    deleted: list[Any] = field(default_factory=list)

    async def take(self) -> list[Any]:
        return [Letter(await self.bodies.get())]

    async def delete(self, letter: Any) -> None:
        self.deleted.append(letter)


@dataclass(frozen=True)
class Letter:
    body: str


async def test_a_queue_is_heard_and_what_is_no_event_is_thrown_away(account: EcsAccount) -> None:
    queue = Letters()
    async with watching(eyes_on(account, SLOW, queue=queue)) as seen:
        queue.bodies.put_nowait("[" * 100_000)
        queue.bodies.put_nowait("not JSON")
        queue.bodies.put_nowait(json.dumps(event(stop(account))))
        await seen.until(lambda: bool(seen.told))
    assert len(queue.deleted) >= 2


# ---- what became of a pull


async def pull_on(eyes: EcsEyes) -> FailedPull:
    [pull] = await eyes.failing_now("shop", "")
    return pull


async def test_a_newer_task_that_runs_means_pulled(account: EcsAccount) -> None:
    stop(account)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    assert await eyes.fate(pull) is Fate.FAILING
    run(account, at=later(-5))
    assert await eyes.fate(pull) is Fate.FAILING
    run(account, at=later())
    assert await eyes.fate(pull) is Fate.PULLED


async def test_a_service_that_has_some_of_its_tasks_still_fails(account: EcsAccount) -> None:
    stop(account)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    account.services["web"]["desiredCount"] = 2
    account.services["web"]["deployments"][0]["desiredCount"] = 2
    run(account, at=later())
    assert await eyes.fate(pull) is Fate.FAILING


async def test_tasks_of_the_old_deployment_are_no_recovery(account: EcsAccount) -> None:
    """A rollout that fails leaves the old tasks running, and the service has as many as it wants."""
    stop(account)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    run(account, at=later(-60))
    assert await eyes.fate(pull) is Fate.FAILING


@pytest.mark.parametrize("change", ["deleted", "inactive", "scaled to none", "another image"])
async def test_nobody_asks_for_the_image_any_more(account: EcsAccount, change: str) -> None:
    stop(account)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    match change:
        case "deleted":
            del account.services["web"]
        case "inactive":
            account.services["web"]["status"] = "INACTIVE"
        case "scaled to none":
            account.services["web"]["desiredCount"] = 0
        case _:
            account.serve(account.define("other:2", 2))
    assert await eyes.fate(pull) is Fate.GONE


async def test_a_new_revision_with_the_same_image_still_waits(account: EcsAccount) -> None:
    task = stop(account)
    pull = await pull_on(eyes_on(account))
    account.serve(account.define(IMAGE, 2))
    account.ecs.forget(task)
    assert await eyes_on(account).fate(pull) is Fate.WAITING


async def test_a_task_of_its_own_is_gone_with_its_last_trace(account: EcsAccount) -> None:
    definition = next(iter(account.definitions.values()))
    task = account.ecs.stop(definition, "shop", DENIED)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    assert (pull.workload, await eyes.fate(pull)) == ("Task/web", Fate.FAILING)
    account.ecs.forget(task)
    assert await eyes_on(account).fate(pull) is Fate.GONE


async def test_a_short_task_that_has_run_since_means_pulled(account: EcsAccount) -> None:
    definition = next(iter(account.definitions.values()))
    account.ecs.stop(definition, "shop", DENIED)
    eyes = eyes_on(account)
    pull = await pull_on(eyes)
    done = account.ecs.stop(
        definition,
        "shop",
        "Essential container in task exited",
        at=later(),
        stopCode="EssentialContainerExited",
    )
    done["startedAt"] = done["createdAt"]
    await eyes.failing_now("shop", "")
    assert await eyes.fate(pull) is Fate.PULLED


# ---- events


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], "event", 7, {}, {"detail-type": "ECS Task State Change"},
        {"detail": None}, {"detail": []}, {"source": "aws.ec2"}, {"region": "eu-central-1"}, {"account": "1"},
        {"detail": {"lastStatus": "STOPPED"}}, {"detail": {"lastStatus": "STOPPED", "taskArn": 7}},
        {"detail": {"lastStatus": "RUNNING"}},
    ],
)  # fmt: skip
def test_what_is_no_event_of_ours_is_not_taken(account: EcsAccount, wrong: Any) -> None:
    told = {**event(stop(account)), **wrong} if isinstance(wrong, dict) and len(wrong) == 1 else wrong
    if isinstance(wrong, dict) and "detail-type" in wrong:
        told = wrong
    assert not eyes_on(account, account="123456789012").heard(told)


@pytest.mark.parametrize("name", ["containers", "attachments", "overrides", "stoppedReason", "group"])
@pytest.mark.parametrize(
    "value", [None, 7, "text", [7], {"a": 1}, [{"details": [7]}], [{"name": 7, "image": {}}]]
)
def test_an_event_with_strange_parts_stops_nobody(account: EcsAccount, name: str, value: Any) -> None:
    task = {**stop(account), name: value}
    assert eyes_on(account).heard(event(task)) in (True, False)
