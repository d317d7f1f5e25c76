"""With 100 ms for every call: does a diagnosis wait for more than its calls have to wait for each other?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.figures import Figure
from bench.relay import Relay, relayed, rounds
from bot.clouds.connect import Connected, connect
from bot.clouds.ecs import connect_ecs
from bot.clouds.kubeconfig import read_context
from bot.demo import shapes
from bot.demo.cloud import only_this, simulated_aws, variables
from bot.demo.cluster import RunningCluster, running_cluster
from bot.demo.registry import Registry
from bot.demo.story import CLUSTER, REGION, Story, begin
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull
from checks.resolve import Memo
from handlers.proposal import offers_for
from handlers.remedy import Remedy, load_remedies
from tests.fakes.aws_front import serve
from tests.fakes.ecs import serve_ecs
from tests.fakes.ecs_shop import CLUSTER as CLUSTER_OF_ECS
from tests.fakes.ecs_shop import TIMEOUT, seed

CALL_SECONDS = 0.1
_ALLOWED = 1.25
_TRIES = 3


async def figures() -> AsyncIterator[Figure]:
    with simulated_aws() as endpoint, variables(**only_this(endpoint)):
        story = await asyncio.to_thread(begin, endpoint)
        managed = {"eks.amazonaws.com/nodegroup": story.world.nodegroup}
        for kind, labels, most in (
            ("managed node group", managed, 5),
            ("self-managed node", {}, 6),
        ):
            async with _far_away(story, endpoint, labels) as (connected, aws, kube):
                pulls = await connected.eyes.failing_now("default", "deploy/ui-private")
                yield await measured(f"diagnosis, {kind}", pulls, connected, (aws, kube), most=most)
        async with _task_far_away(endpoint) as (connected, aws):
            pulls = await connected.eyes.failing_now("", f"ecs:{CLUSTER_OF_ECS}")
            yield await measured("diagnosis, ECS task on Fargate", pulls, connected, (aws,), most=4)


async def measured(
    name: str,
    pulls: tuple[FailedPull, ...],
    connected: Connected,
    relays: tuple[Relay, ...],
    *,
    most: int,
    most_calls: int | None = None,
) -> Figure:
    """``pulls`` are known already, as they are to a service that watches.

    :param most: rounds; ``most_calls``: and calls, where there is a bound
    """
    catalog, remedies = Catalog.load(), load_remedies()
    best = float("inf")
    took, calls = 0, 0
    for _ in range(_TRIES + 1):  # the first one makes the clients, which a service does once
        for relay in relays:
            relay.calls()
        started = time.monotonic()
        found = await _look(catalog, remedies, pulls, connected)
        seconds = time.monotonic() - started
        noted = [call for relay in relays for call in relay.calls()]
        if not found:
            raise RuntimeError("the cause was not found, so there is nothing to measure")
        if seconds < best:
            best, took, calls = seconds, rounds(noted), len(noted)
    ratio = best / (took * CALL_SECONDS)
    asked = f"{took} rounds (at most {most}), {calls} calls{_bound(most_calls)}"
    told = f"{asked}, {best * 1000:.0f} ms, best of {_TRIES}"
    holds = took <= most and (most_calls is None or calls <= most_calls)
    return Figure(name, told, ratio, _ALLOWED, holds=holds)


def _bound(most: int | None) -> str:
    return "" if most is None else f" (at most {most})"


async def _look(
    catalog: Catalog, remedies: tuple[Remedy, ...], pulls: tuple[FailedPull, ...], connected: Connected
) -> bool:
    memo = Memo()
    found = [one async for one in diagnose(catalog, pulls, connected.roots, memo)]
    offers = await offers_for(
        pulls, found, catalog=catalog, remedies=remedies, roots=connected.roots, memo=memo
    )
    return any(one.is_cause for one in found) and any(one.plan for one in offers)


@asynccontextmanager
async def _far_away(
    story: Story, endpoint: str, labels: dict[str, str]
) -> AsyncIterator[tuple[Connected, Relay, Relay]]:
    node = shapes.node(f"ip-10-0-1-10.{REGION}.compute.internal", story.world.provider_id, labels)
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(running_cluster(node, Registry(story.world).pull))
        cluster.deploy("ui-private", story.world.image)
        await until_it_fails(cluster, "ui-private")
        aws = stack.enter_context(relayed(endpoint, CALL_SECONDS))
        kube = stack.enter_context(relayed(cluster.url, CALL_SECONDS))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        kubeconfig = through(cluster.kubeconfig, kube.url, folder / "config")
        stack.enter_context(variables(AWS_ENDPOINT_URL=aws.url, KUBECONFIG=str(kubeconfig)))
        connected = await connect(read_context(CLUSTER, {"KUBECONFIG": str(kubeconfig)}))
        stack.push_async_callback(connected.close)
        yield connected, aws, kube


@asynccontextmanager
async def _task_far_away(endpoint: str) -> AsyncIterator[tuple[Connected, Relay]]:
    """A task that has neither a public address nor the right to pull."""
    with (
        serve(endpoint) as front,
        serve_ecs(front.url, REGION) as ecs,
        relayed(ecs.url, CALL_SECONDS) as aws,
    ):
        shop = await asyncio.to_thread(seed, endpoint, ecs, front)
        shop.stop(TIMEOUT)
        with variables(AWS_ENDPOINT_URL=aws.url):
            connected = connect_ecs(REGION)
            try:
                yield connected, aws
            finally:
                await connected.close()


async def until_it_fails(cluster: RunningCluster, name: str) -> None:
    while True:
        pulse = cluster.api.objects.pulse
        if any("ImagePullBackOff" in str(pod["status"]) for pod in cluster.pods(name)):
            return
        await pulse.wait()


def through(kubeconfig: Path, url: str, path: Path) -> Path:
    tree = yaml.safe_load(kubeconfig.read_text("utf-8"))
    tree["clusters"][0]["cluster"]["server"] = url
    path.write_text(yaml.safe_dump(tree), "utf-8")
    return path
