"""Every test of this folder that asks for ``state`` runs twice: on SQLite and on a real Redis."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from bot.store import State, open_state
from checks.model import FailedPull, Symptom
from handlers.incident import Incident


class RedisServer:
    """Debian's redis-server on a free loopback port, with an append-only file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "install redis-server (Debian: apt-get install redis-server)"
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
             "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with redis.Redis.from_url(self.url) as client:
            for _ in range(500):
                with suppress(redis.ConnectionError, redis.exceptions.BusyLoadingError):
                    if client.ping():
                        return
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
                    pytest.fail(f"redis-server ended at once with {self._process.returncode}")
        pytest.fail("redis-server did not answer within ten seconds")

    def kill(self) -> None:
        """As ``kill -9``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What an operator writes as ``store``."""
    if request.param == "sqlite":
        return str(tmp_path / "pullbot.db")
    server: RedisServer = request.getfixturevalue("shared_redis")
    server.empty()
    return server.url


@pytest.fixture
async def state(where: str) -> AsyncIterator[State]:
    opened = open_state(where)
    yield opened
    await opened.close()


@pytest.fixture
async def another(where: str) -> AsyncIterator[State]:
    """A second process's view of the same store."""
    opened = open_state(where)
    yield opened
    await opened.close()


@pytest.fixture
def incident() -> Callable[..., Incident]:
    """Makes incidents: ``incident("a1", minute=3)`` opened three minutes past noon."""

    def make(incident_id: str = "a1", *, minute: int = 0) -> Incident:
        pull = FailedPull(
            cluster="prod", namespace="shop", workload="Deployment/ui", container="ui",
            pods=("ui-1", "ui-2"), nodes=("ip-10-0-0-1",), host_kind="nodegroup/default",
            image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/ui:2", symptom=Symptom.FORBIDDEN,
            message="403 Forbidden \N{SNOWMAN}",
        )  # fmt: skip
        return Incident(incident_id, "prod", datetime(2026, 5, 4, 12, minute, tzinfo=UTC), (pull,))

    return make


Question = Callable[[], Awaitable[bool]]


@pytest.fixture
def until() -> Callable[[Question], Awaitable[None]]:
    """Waits, ten seconds at most, for an async question to be answered with yes."""

    async def wait(question: Question) -> None:
        async with asyncio.timeout(10):
            while not await question():  # noqa: ASYNC110  what is awaited happens outside this process
                await asyncio.sleep(0.01)

    return wait
