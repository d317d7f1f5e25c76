"""A gate before Microsoft's keys on loopback, and what a test needs to come to it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from bot.chat.teams.tokens import Gate, NotMicrosoft
from tests.fakes.entra import APP, SERVICE, Entra, Key

RELAXED = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


class Time:
    """Both clocks, standing still until somebody waits."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC)
        self.passed = 0.0

    def clock(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    def wait(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Door:
    """A gate before Microsoft's keys."""

    entra: Entra
    gate: Gate
    time: Time

    def claims(self, **other: Any) -> dict[str, Any]:
        """Those of a right token; ``None`` leaves one out."""
        stated = {**self.entra.claims(at=self.time.now().timestamp()), **other}
        return {name: value for name, value in stated.items() if value is not None}

    def signed(self, **other: Any) -> str:
        return f"Bearer {self.entra.sign(self.claims(**other))}"

    async def check(self, authorization: str | None = None, **where: str) -> None:
        there = {"channel_id": "msteams", "service_url": SERVICE, **where}
        await self.gate.check(self.signed() if authorization is None else authorization, **there)

    async def refusal(self, authorization: str | None = None, **where: str) -> NotMicrosoft:
        with pytest.raises(NotMicrosoft) as raised:
            await self.check(authorization, **where)
        return raised.value


@asynccontextmanager
async def standing() -> AsyncIterator[Door]:
    entra, time = Entra(), Time()
    await entra.start()
    gate = Gate(entra.metadata, APP, clock=time.clock, now=time.now)
    gate.open()
    yield Door(entra, gate, time)
    await gate.close()
    await entra.stop()


def b64(raw: bytes | str) -> str:
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


def raw_token(header: Any, claims: Any, key: Key) -> str:
    """Signed rightly, whatever it says."""
    parts = [one if isinstance(one, str) else json.dumps(one) for one in (header, claims)]
    text = ".".join(map(b64, parts))
    return f"{text}.{b64(RSAAlgorithm(RSAAlgorithm.SHA256).sign(text.encode(), key.private))}"


# Any JSON there is
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
