"""A simulated API server and a client of it, over loopback; a clock and a registry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.demo.kubernetes_api import KubernetesApi
from tests.bot.demo.rig import Client, Clock, FakeRegistry

TOKEN = "only-for-this-test"


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    served = KubernetesApi(token=TOKEN)
    yield served
    await served.stop()


@pytest.fixture
async def client(api: KubernetesApi) -> AsyncIterator[Client]:
    url = await api.start()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield Client(url, session)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()
