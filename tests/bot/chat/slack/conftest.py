"""A Slack in which nothing goes wrong unnoticed, and a desk that answers at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.slack import FakeSlack, serve_slack
from tests.fakes.slack_desk import Desk
from tests.fakes.slack_workspace import User


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with serve_slack(users=["U0ALICE", User("U0BEN", "Ben Ω")]) as slack:
        yield slack
        assert slack.failures == []
        assert slack.refusals == []


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.open.set()
    return desk
