"""Who is who in Teams, and whom cards are shown to anew; what a roster does not say is an error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.chat.platform import ChatDown, ChatRefused, Sender
from bot.chat.teams.connector import Member
from bot.chat.teams.graph import Graph
from bot.chat.teams.identity import Unsigned
from bot.chat.teams.people import TeamsPeople
from bot.chat.teams.places import Reference
from bot.people import Approvers, People
from tests.fakes.doors import Clock
from tests.fakes.graph import READ_GROUPS, FakeGraph, Trouble, serve_graph

GROUP, OTHER_GROUP = "5d2f1c7a-0000-4000-8000-00000000f00d", "5d2f1c7a-0000-4000-8000-00000000beef"
CHANNEL = Reference("https://teams.example", "19:abc@thread.tacv2", "channel", "tenant", "team", "28:us")
CHAT = replace(CHANNEL, conversation="19:abc@thread.v2", kind="groupChat")
AWAY = ChatDown("Teams does not answer")


def entra(number: int) -> str:
    return f"1c2d3e4f-0000-4000-8000-{number:012x}"


def member(number: int, upn: str = "") -> Member:
    return Member(f"29:{number:06}", entra(number), upn or f"person{number}@example.com", f"Person {number}")


def sender(number: int) -> Sender:
    return Sender("teams", entra(number), f"Person {number}")


@dataclass
class Rosters:
    """Who is in which conversation. ``trouble``: what is raised instead of the next answers."""

    of: dict[str, Sequence[Member]] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)  # set: it answers soon

    def __post_init__(self) -> None:
        self.open.set()

    async def members(self, service_url: str, conversation: str) -> tuple[Member, ...]:
        await self._answer("members", service_url, conversation)
        return tuple(self.of[conversation])

    async def member(self, service_url: str, conversation: str, who: str) -> Member:
        await self._answer(who, service_url, conversation)
        for one in self.of[conversation]:
            if one.id == who:
                return one
        raise ChatRefused(f"{who} is not in {conversation}")

    async def _answer(self, what: str, service_url: str, conversation: str) -> None:
        assert service_url == CHANNEL.service_url
        self.asked.append(f"{what} of {conversation}")
        await asyncio.sleep(0)  # others ask meanwhile
        await self.open.wait()
        if self.trouble:
            raise self.trouble.pop(0)


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    async with serve_graph() as fake:
        yield fake


@pytest.fixture
async def groups(graph: FakeGraph) -> AsyncIterator[Graph]:
    groups = Graph(graph.url, Unsigned())
    yield groups
    await groups.close()


@pytest.fixture
def rosters() -> Rosters:
    return Rosters({CHANNEL.conversation: [member(one) for one in range(1, 6)]})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class Hall:
    """Everything wired together, for a list of approvers."""

    rosters: Rosters
    groups: Graph
    clock: Clock

    def people(self, *approvers: str, linked: Sequence[tuple[str, ...]] = ()) -> TeamsPeople:
        return TeamsPeople(
            self.rosters, self.groups, Approvers(approvers, linked), clock=self.clock.seconds, patience=0.2
        )


@pytest.fixture
def hall(rosters: Rosters, groups: Graph, clock: Clock) -> Hall:
    return Hall(rosters, groups, clock)


# ---- groups


async def test_a_group_is_read_once_a_minute(hall: Hall, graph: FakeGraph) -> None:
    people = hall.people()
    graph.groups[GROUP] = [entra(1)]
    assert await people.members(f"group:{GROUP}") == {entra(1)}
    graph.groups[GROUP].append(entra(2))
    await hall.clock.pause(59)
    assert await people.members(f"group:{GROUP}") == {entra(1)}
    await hall.clock.pause(2)
    assert await people.members(f"group:{GROUP}") == {entra(1), entra(2)}
    assert len(graph.asked) == 2


async def test_a_group_that_cannot_be_read_is_an_error_and_read_the_next_time(
    hall: Hall, graph: FakeGraph
) -> None:
    people = hall.people()
    graph.groups[GROUP] = [entra(1)]
    graph.trouble.append(Trouble(503))
    with pytest.raises(ChatDown):
        await people.members(f"group:{GROUP}")
    assert await people.members(f"group:{GROUP}") == {entra(1)}
    with pytest.raises(ChatRefused, match="is that the object id of a group"):
        await people.members(f"group:{OTHER_GROUP}")


# ---- addresses


async def test_an_address_is_the_one_in_the_roster_where_they_were_met(hall: Hall) -> None:
    people = hall.people()
    people.met(sender(2), "29:000002", CHANNEL)
    assert await people.email(sender(2)) == "person2@example.com"
    assert hall.rosters.asked == [f"29:000002 of {CHANNEL.conversation}"]


async def test_where_they_were_met_last_is_where_they_are_looked_up(hall: Hall) -> None:
    people = hall.people()
    hall.rosters.of[CHAT.conversation] = [member(2, "new@example.com")]
    people.met(sender(2), "29:000002", CHANNEL)
    people.met(sender(2), "29:000002", CHAT)
    assert await people.email(sender(2)) == "new@example.com"


async def test_an_address_is_asked_for_once_a_minute(hall: Hall) -> None:
    people = hall.people()
    people.met(sender(2), "29:000002", CHANNEL)
    await people.email(sender(2))
    hall.rosters.of[CHANNEL.conversation] = [member(2, "new@example.com")]
    await hall.clock.pause(59)
    assert await people.email(sender(2)) == "person2@example.com"
    await hall.clock.pause(2)
    assert await people.email(sender(2)) == "new@example.com"


async def test_who_was_not_met_has_no_address_that_is_known(hall: Hall) -> None:
    with pytest.raises(ChatRefused, match="Person 2 was not met in Teams"):
        await hall.people().email(sender(2))


@pytest.mark.parametrize("object_id", [entra(3), ""])
async def test_an_address_of_somebody_else_is_not_theirs(hall: Hall, object_id: str) -> None:
    people = hall.people()
    hall.rosters.of[CHANNEL.conversation] = [replace(member(2), object_id=object_id)]
    people.met(sender(2), "29:000002", CHANNEL)
    with pytest.raises(ChatRefused, match=f"is not teams:{entra(2)}"):
        await people.email(sender(2))


async def test_an_address_that_cannot_be_read_is_an_error_and_read_the_next_time(hall: Hall) -> None:
    people = hall.people()
    people.met(sender(2), "29:000002", CHANNEL)
    people.met(sender(9), "29:000009", CHANNEL)
    hall.rosters.trouble.append(AWAY)
    with pytest.raises(ChatDown):
        await people.email(sender(2))
    assert await people.email(sender(2)) == "person2@example.com"
    with pytest.raises(ChatRefused, match="29:000009 is not in"):
        await people.email(sender(9))


async def test_only_the_latest_thousand_people_are_remembered(hall: Hall) -> None:
    people = hall.people()
    hall.rosters.of[CHANNEL.conversation] = [member(1), member(2)]
    for number in (1, 2, *range(10, 1008), 1, 1008):
        people.met(sender(number), f"29:{number:06}", CHANNEL)
    assert await people.email(sender(1)) == "person1@example.com"
    with pytest.raises(ChatRefused, match="was not met"):
        await people.email(sender(2))


async def test_the_approvers_of_the_settings_are_looked_up_here(hall: Hall, graph: FakeGraph) -> None:
    listed = Approvers((f"group:{GROUP}", "Person2@example.com", entra(5)))
    people = TeamsPeople(hall.rosters, hall.groups, listed, clock=hall.clock.seconds)
    judge = People(listed, {"teams": people})
    graph.groups[GROUP] = [entra(1)]
    for number in range(1, 6):
        people.met(sender(number), f"29:{number:06}", CHANNEL)
    assert [not (await judge.person(sender(one))).why_not for one in range(1, 6)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    graph.granted.remove(READ_GROUPS)
    await hall.clock.pause(61)
    assert [not (await judge.person(sender(one))).why_not for one in range(1, 6)] == [
        False,
        True,
        False,
        False,
        True,
    ]
    assert (await judge.person(sender(1))).why_not == (
        f"it cannot be told whether Person 1 may approve: the group group:{GROUP} could not be read"
    )
    hall.rosters.trouble.append(AWAY)
    await hall.clock.pause(61)
    assert "their e-mail could not be read" in (await judge.person(sender(2))).why_not


# ---- whom a card is shown to anew


async def test_approvers_in_a_channel_are_those_of_its_roster(hall: Hall, graph: FakeGraph) -> None:
    graph.groups[GROUP] = [entra(4), entra(1), entra(77)]
    people = hall.people(f"group:{GROUP}", "PERSON3@example.com", entra(5).upper(), entra(88), "U0ALICE")
    assert await people.approvers_in(CHANNEL) == ("29:000005", "29:000003", "29:000001", "29:000004")


async def test_the_order_is_the_same_whatever_teams_says_first(hall: Hall) -> None:
    people = hall.people(*(entra(one) for one in (4, 1, 3)))
    first = await people.approvers_in(CHANNEL)
    hall.rosters.of[CHANNEL.conversation] = [member(one) for one in (3, 5, 1, 4)]
    await hall.clock.pause(61)
    assert await people.approvers_in(CHANNEL) == first == ("29:000001", "29:000003", "29:000004")


async def test_who_may_by_their_account_in_slack_is_shown_it_anew_too(hall: Hall) -> None:
    people = hall.people("U0BEN", linked=[("slack:U0BEN", f"teams:{entra(2)}")])
    assert await people.approvers_in(CHANNEL) == ("29:000002",)


async def test_a_card_takes_sixty_and_those_who_are_listed_come_first(hall: Hall, graph: FakeGraph) -> None:
    hall.rosters.of[CHANNEL.conversation] = [member(one) for one in range(1, 200)]
    graph.groups[GROUP] = [entra(one) for one in range(1, 200)]
    found = await hall.people(f"group:{GROUP}", entra(199), "person150@example.com").approvers_in(CHANNEL)
    assert found[:3] == ("29:000199", "29:000150", "29:000001")
    assert len(set(found)) == len(found) == 60


async def test_a_roster_of_thousands_is_read_once_and_nobody_is_looked_up(
    hall: Hall, graph: FakeGraph
) -> None:
    hall.rosters.of[CHANNEL.conversation] = [member(one) for one in range(5_000)]
    graph.groups[GROUP] = [entra(one) for one in range(4_000, 4_010)]
    graph.groups[OTHER_GROUP] = [entra(4_999)]
    people = hall.people(
        f"group:{GROUP}", f"group:{OTHER_GROUP}", "person17@example.com", "U0ALICE", "@oncall"
    )
    found = await asyncio.gather(*(people.approvers_in(CHANNEL) for _ in range(20)))
    assert {len(one) for one in found} == {12}
    assert hall.rosters.asked == [f"members of {CHANNEL.conversation}"]
    assert len(graph.asked) == 2


async def test_each_conversation_has_its_own(hall: Hall) -> None:
    hall.rosters.of[CHAT.conversation] = [member(2)]
    people = hall.people(entra(1), entra(2))
    assert await people.approvers_in(CHAT) == ("29:000002",)
    assert await people.approvers_in(CHANNEL) == ("29:000001", "29:000002")


async def test_whom_teams_does_not_name_is_not_an_approver(hall: Hall) -> None:
    hall.rosters.of[CHANNEL.conversation] = [
        replace(member(1), object_id=""),
        replace(member(2), id=""),
        replace(member(3), upn=""),
    ]
    people = hall.people(entra(2), "person1@example.com", "person3@example.com")
    assert await people.approvers_in(CHANNEL) == ()


async def test_a_roster_that_cannot_be_read_shows_nobody_anything_anew_and_is_told_once(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    people = hall.people(entra(1))
    hall.rosters.trouble = [AWAY, ChatRefused("the app was removed")]
    for _ in range(3):
        assert await people.approvers_in(CHANNEL) == ()
    assert len(hall.rosters.asked) == 1, "a chat that is down is not asked for each card"
    await hall.clock.pause(61)
    assert await people.approvers_in(CHANNEL) == ()
    await hall.clock.pause(61)
    assert await people.approvers_in(CHANNEL) == ("29:000001",)
    hall.rosters.trouble = [AWAY]
    await hall.clock.pause(61)
    assert await people.approvers_in(CHANNEL) == ()
    told = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert (
        told
        == [f"cards in {CHANNEL.conversation} are not shown anew to every approver: Teams does not answer"]
        * 2
    )


async def test_nobody_waits_long_for_a_roster_and_who_comes_later_has_it(hall: Hall) -> None:
    people = hall.people(entra(1))
    hall.rosters.open.clear()
    async with asyncio.timeout(5):
        assert await people.approvers_in(CHANNEL) == ()
        later = asyncio.create_task(people.approvers_in(CHANNEL))
        await asyncio.sleep(0)
        hall.rosters.open.set()
        assert await later == ("29:000001",)
    assert await people.approvers_in(CHANNEL) == ("29:000001",)
    assert len(hall.rosters.asked) == 1


async def test_a_roster_that_never_comes_ends_with_us(hall: Hall) -> None:
    people = hall.people(entra(1))
    hall.rosters.open.clear()
    assert await people.approvers_in(CHANNEL) == ()
    async with asyncio.timeout(5):
        await people.close()
    assert not [one for one in asyncio.all_tasks() if "who may approve" in one.get_name()]


async def test_a_group_that_cannot_be_read_leaves_those_who_are_listed(
    hall: Hall, graph: FakeGraph, caplog: pytest.LogCaptureFixture
) -> None:
    graph.granted.remove(READ_GROUPS)
    people = hall.people(f"group:{GROUP}", entra(5))
    assert await people.approvers_in(CHANNEL) == ("29:000005",)
    assert "GroupMember.Read.All" in caplog.text
