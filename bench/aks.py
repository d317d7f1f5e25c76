"""The same for AKS: what waits for what when only Azure is far away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from bench.figures import Figure
from bench.relay import Relay, relayed
from bench.rounds import CALL_SECONDS, measured, until_it_fails
from bot.clouds.azure import Endpoints
from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import read_context
from bot.demo import azure_world as world
from bot.demo.azure import Azure
from bot.demo.azure_api import AzureApi
from bot.demo.azure_registry import AzureRegistry
from bot.demo.azure_story import CLUSTER, IMAGE, MACHINES, node
from bot.demo.cloud import only_that, variables
from bot.demo.cluster import running_cluster
from tests.fakes.azure_private import private_world


async def figures() -> AsyncIterator[Figure]:
    for kind, azure, most, calls in (
        ("public registry", world.public_world, 4, 12),
        ("private endpoint", lambda: private_world(world.public_world()), 5, 28),
    ):
        async with _far_away(azure) as (connected, relay):
            pulls = await connected.eyes.failing_now("default", "deploy/orders")
            yield await measured(
                f"diagnosis, AKS, {kind}", pulls, connected, (relay,), most=most, most_calls=calls
            )


@asynccontextmanager
async def _far_away(make: Callable[[], Azure]) -> AsyncIterator[tuple[Connected, Relay]]:
    """A cluster whose identity has no role on a registry that is healthy otherwise."""
    azure = make()
    del azure.resources[world.PULL_ASSIGNMENT.lower()]
    api = AzureApi(azure)
    async with AsyncExitStack() as stack:
        url = await api.start()
        stack.push_async_callback(api.stop)
        stack.enter_context(variables(**only_that(api.environment())))
        registry = AzureRegistry(azure, MACHINES, {IMAGE})
        cluster = await stack.enter_async_context(running_cluster(node(), registry.pull, name=CLUSTER))
        cluster.deploy("orders", IMAGE)
        await until_it_fails(cluster, "orders")
        relay = stack.enter_context(relayed(url, CALL_SECONDS))
        context = read_context(CLUSTER, {"KUBECONFIG": str(cluster.kubeconfig)})
        stack.enter_context(variables(KUBECONFIG=str(cluster.kubeconfig)))
        connected = await connect(context, azure=Endpoints(relay.url, relay.url))
        stack.push_async_callback(connected.close)
        yield connected, relay
