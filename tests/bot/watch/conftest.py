"""An API server on loopback whose clock stands still, a door in front of it, and a client of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clouds._kube import KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.demo.kubernetes_api import KubernetesApi
from bot.demo.objects import Objects
from tests.fakes.kube_front import Front, serve, write_kubeconfig
from tests.fakes.kubelet import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> AsyncIterator[KubernetesApi]:
    served = KubernetesApi(Objects(now=clock.now), bookmark_every=3600)
    yield served
    await served.stop()


@pytest.fixture
def objects(api: KubernetesApi) -> Objects:
    return api.objects


@pytest.fixture
async def front(api: KubernetesApi) -> AsyncIterator[Front]:
    async with serve(await api.start()) as door:
        yield door


@pytest.fixture
async def kube(front: Front, tmp_path: Path) -> AsyncIterator[KubeReader]:
    connection = KubeConnection("prod", write_kubeconfig(tmp_path / "config", front.url, {}))
    yield KubeReader(connection)
    await connection.close()
