"""What scenarios share: a service of ECS that can be broken, and a cluster of AKS."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.clouds.azure import Azure as Clients
from bot.clouds.azure import Endpoints
from bot.demo import azure_world as world
from bot.demo.azure_api import AzureApi
from tests.fakes.aks import Aks
from tests.fakes.aks_ways import PRIVATE_TIMEOUT
from tests.fakes.aws_front import serve
from tests.fakes.azure_network import own_network
from tests.fakes.azure_private import private_world
from tests.fakes.ecs import serve_ecs
from tests.fakes.ecs_shop import Shop, seed


@pytest.fixture
async def shop(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    with serve(aws_url) as front, serve_ecs(front.url) as ecs:
        monkeypatch.setenv("AWS_ENDPOINT_URL", ecs.url)
        made = seed(aws_url, ecs, front)
        yield made
        for one in made.connected:
            await one.close()


@pytest.fixture
async def azure_tokens(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Where clients of any Azure on loopback get their tokens."""
    api = AzureApi(world.public_world())
    await api.start()
    for name, value in api.environment().items():
        monkeypatch.setenv(name, value)
    yield
    await api.stop()


@pytest.fixture
async def aks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aks]:
    api = AzureApi(world.public_world(), secret="only-here", page=2)
    url = await api.start()
    for name, value in api.environment().items():
        monkeypatch.setenv(name, value)
    clients = Clients(Endpoints(url, url))
    yield Aks(api.azure, api, clients)
    await clients.close()
    await api.stop()


@pytest.fixture
def own(aks: Aks) -> Aks:
    """Nodes in a network of their owner's, which pull over the Internet."""
    own_network(aks.azure)
    return aks


@pytest.fixture
def inside(aks: Aks) -> Aks:
    """Nodes that pull from a private endpoint, and time out."""
    private_world(aks.azure)
    aks.says(PRIVATE_TIMEOUT)
    return aks
