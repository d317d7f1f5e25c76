"""The official client can work with the simulated API server, as it does with a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.aio import client, config, watch

from bot.clouds.kubeconfig import read_context
from bot.demo import shapes
from bot.demo.cluster import RunningCluster, running_cluster
from tests.bot.demo.rig import FakeRegistry, until


@pytest.fixture
async def cluster(registry: FakeRegistry) -> AsyncIterator[RunningCluster]:
    async with running_cluster(shapes.node("node-1"), registry.pull) as running:
        yield running


async def test_the_official_client_lists_and_watches_pods_with_the_kubeconfig(
    cluster: RunningCluster,
) -> None:
    cluster.deploy("web", "app:1")
    await until(cluster.api.objects, lambda: cluster.pods("web"))
    settings: Any = client.Configuration()
    load: Any = config.load_kube_config  # the package has types in places
    await load(str(cluster.kubeconfig), client_configuration=settings)
    async with client.ApiClient(settings) as connection:
        core: Any = client.CoreV1Api(connection)
        listed = await core.list_namespaced_pod("default", label_selector="app=web", limit=10)
        [found] = listed.items
        assert found.spec.containers[0].image == "app:1"
        begin_watch: Any = watch.Watch
        async with asyncio.timeout(10), begin_watch() as watching:
            cluster.deploy("web", "app:1", replicas=2)
            stream = watching.stream(
                core.list_namespaced_pod, "default", resource_version=listed.metadata.resource_version
            )
            async for event in stream:
                if event["type"] == "ADDED" and event["object"].metadata.name != found.metadata.name:
                    break
        with pytest.raises(client.ApiException) as refused:
            await core.read_namespaced_pod("none", "default")
        assert refused.value.status == 404


async def test_the_kubeconfig_is_for_its_owner_alone_and_gone_with_the_cluster(
    registry: FakeRegistry,
) -> None:
    async with running_cluster(shapes.node("node-1"), registry.pull) as running:
        assert running.kubeconfig.stat().st_mode & 0o777 == 0o600
        found = read_context("", {"KUBECONFIG": str(running.kubeconfig)})
        assert (found.name, found.namespace) == ("demo", "default")
    assert not running.kubeconfig.exists()


async def test_what_is_deleted_takes_its_pods_with_it(cluster: RunningCluster) -> None:
    cluster.deploy("web", "app:1", replicas=3)
    await until(cluster.api.objects, lambda: len(cluster.pods("web")) == 3)
    cluster.delete("web")
    await until(cluster.api.objects, lambda: not cluster.pods("web"))
