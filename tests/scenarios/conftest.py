"""What scenarios share: a service of ECS that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.aws_front import serve
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
