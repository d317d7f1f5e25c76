"""Who is in a group and whose address is whose, as Slack vouches for it; what cannot be told is an error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.chat.platform import ChatDown, ChatRefused, Sender
from bot.chat.slack.api import Api, client
from bot.chat.slack.people import SlackPeople
from bot.people import Approvers, People
from checks.secret import Secret
from tests.fakes.doors import Clock
from tests.fakes.slack import FakeSlack, serve_slack
from tests.fakes.slack_workspace import User

ALICE, BEN = Sender("slack", "U0ALICE", "Alice"), Sender("slack", "U0BEN", "Ben")


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    users = [
        User("U0ALICE", "Alice", "alice@example.com"),
        User("U0BEN", "Ben", "ben@example.com"),
        User("U0GUEST", "Guest", "alice@example.com", team="T0ELSEWHERE"),
        User("U0GONE", "Gone", "gone@example.com", deleted=True),
    ]
    async with serve_slack(users=users, groups={"@oncall": ["U0ALICE"], "@idle": ["U0BEN"]}) as slack:
        yield slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(slack: FakeSlack, clock: Clock) -> SlackPeople:
    return SlackPeople(Api(client(slack.url, Secret(slack.bot_token))), clock=clock.seconds)


@pytest.mark.parametrize("group", ["@oncall", "S0ONCALL"])
async def test_a_group_is_known_by_its_handle_and_its_id(people: SlackPeople, group: str) -> None:
    assert await people.members(group) == {"U0ALICE"}


async def test_nobody_is_in_a_disabled_group(slack: FakeSlack, people: SlackPeople) -> None:
    slack.groups[1].disabled = True
    assert await people.members("@idle") == frozenset()
    assert await people.members("S0IDLE") == frozenset()


async def test_a_group_that_is_not_there_is_an_error(people: SlackPeople) -> None:
    with pytest.raises(ChatRefused, match="there is no user group @uncalled in Slack"):
        await people.members("@uncalled")


@pytest.mark.parametrize("method", ["usergroups.list", "usergroups.users.list"])
async def test_a_group_that_cannot_be_read_is_an_error_and_read_the_next_time(
    slack: FakeSlack, people: SlackPeople, method: str
) -> None:
    slack.fail_next(503, method)
    with pytest.raises(ChatDown, match=method):
        await people.members("@oncall")
    assert await people.members("@oncall") == {"U0ALICE"}


async def test_a_group_is_read_once_a_minute(slack: FakeSlack, people: SlackPeople, clock: Clock) -> None:
    await people.members("@oncall")
    slack.groups[0].users.append("U0BEN")
    await clock.pause(59)
    assert await people.members("@oncall") == {"U0ALICE"}
    await clock.pause(2)
    assert await people.members("@oncall") == {"U0ALICE", "U0BEN"}
    assert slack.calls.count("usergroups.list") == 2


async def test_the_address_is_the_one_in_our_workspace(people: SlackPeople) -> None:
    assert await people.email(ALICE) == "alice@example.com"


@pytest.mark.parametrize("user", ["U0GUEST", "U0GONE"])
async def test_an_address_that_our_workspace_does_not_vouch_for_is_none(
    people: SlackPeople, user: str
) -> None:
    """Somebody of another company may call themselves anything in their own workspace."""
    assert await people.email(Sender("slack", user, "x")) == ""


async def test_without_the_scope_nobody_has_an_address(slack: FakeSlack, people: SlackPeople) -> None:
    slack.scopes.remove("users:read.email")
    assert await people.email(ALICE) == ""


async def test_an_address_that_cannot_be_read_is_an_error(slack: FakeSlack, people: SlackPeople) -> None:
    with pytest.raises(ChatRefused, match="user_not_found"):
        await people.email(Sender("slack", "U0NOBODY", "x"))
    slack.rate_limit_next(5, "users.info")
    with pytest.raises(ChatDown):
        await people.email(ALICE)


async def test_names_are_asked_for_once_and_fall_back_to_the_id(
    slack: FakeSlack, people: SlackPeople
) -> None:
    assert [await people.name("U0BEN"), await people.name("U0BEN")] == ["Ben", "Ben"]
    assert slack.calls.count("users.info") == 1
    assert await people.name("U0NOBODY") == "U0NOBODY"


async def test_the_approvers_of_the_settings_are_looked_up_here(
    slack: FakeSlack, people: SlackPeople
) -> None:
    judge = People(Approvers(("@oncall", "ben@example.com")), {"slack": people})
    assert (await judge.person(ALICE)).why_not == ""
    assert (await judge.person(BEN)).why_not == ""
    assert "not an approver" in (await judge.person(Sender("slack", "U0GUEST", "Guest"))).why_not
    slack.groups.clear()
    assert (await judge.person(BEN)).why_not == ""
