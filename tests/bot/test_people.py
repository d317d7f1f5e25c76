from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.chat.platform import Sender
from bot.people import Approvers, People

ENTRA = "1c2d3e4f-0000-4000-8000-00000000abcd"


class Directory:
    """Slack's user groups and everybody's addresses; a group that is not listed cannot be read."""

    def __init__(self, groups: Mapping[str, set[str]], emails: Mapping[str, str] | None = None) -> None:
        self.groups = groups
        self.emails = emails
        self.asked: list[str] = []

    async def members(self, handle: str) -> frozenset[str]:
        self.asked.append(handle)
        return frozenset(self.groups[handle])

    async def email(self, sender: Sender) -> str:
        if self.emails is None:
            raise ConnectionError("the directory is away")
        return self.emails.get(sender.user, "")


def people(*approvers: str, directory: Directory | None = None) -> People:
    directory = directory or Directory({"@oncall": {"U0BOB"}, "S0TEAM": {"U0CAT"}}, {})
    return People(Approvers(approvers), {"slack": directory})


def slack(user: str, name: str = "somebody") -> Sender:
    return Sender("slack", user, name)


@pytest.mark.parametrize(
    ("approver", "sender"),
    [
        ("U0ALICE", slack("U0ALICE")),
        ("@oncall", slack("U0BOB")),
        ("S0TEAM", slack("U0CAT")),
        (ENTRA, Sender("teams", ENTRA.upper(), "Alice")),
        ("page:alice", Sender("page", "alice", "Alice")),
    ],
)
async def test_who_is_listed_may_approve(approver: str, sender: Sender) -> None:
    person = await people(approver).person(sender)
    assert person.may_approve
    assert person.id == sender.id


@pytest.mark.parametrize(
    ("approver", "sender"),
    [
        ("U0ALICE", slack("U0MALLORY", "U0ALICE")),  # a name is nothing that proves anything
        ("U0ALICE", Sender("page", "U0ALICE", "Alice")),
        ("page:alice", Sender("slack", "page:alice", "Alice")),
        ("page:alice", Sender("teams", "alice", "Alice")),
        ("@oncall", slack("@oncall")),
        ("@oncall", slack("U0EVE")),
        ("S0TEAM", slack("S0TEAM")),
        ("@oncall", Sender("teams", "U0BOB", "Bob")),
        ("alice@example.com", slack("alice@example.com")),
    ],
)
async def test_who_only_looks_like_it_may_not(approver: str, sender: Sender) -> None:
    assert not (await people(approver).person(sender)).may_approve
    assert "is not an approver" in await people(approver).why_not(sender)


async def test_without_a_list_nobody_may_approve() -> None:
    assert not (await people().person(slack("U0ALICE"))).may_approve
    assert "approvals.approvers is empty" in await people().why_not(slack("U0ALICE"))


async def test_an_address_counts_as_the_directory_has_it() -> None:
    book = people("Alice@Example.com", directory=Directory({}, {"U0ALICE": "alice@example.com"}))
    assert (await book.person(slack("U0ALICE"))).may_approve
    assert not (await book.person(slack("U0MALLORY"))).may_approve


async def test_a_group_that_cannot_be_read_allows_nobody_and_says_so() -> None:
    book = people("@gone", "U0ALICE")
    assert not (await book.person(slack("U0BOB", "Bob"))).may_approve
    assert await book.why_not(slack("U0BOB", "Bob")) == (
        "it cannot be told whether Bob may approve: the group @gone could not be read"
    )
    assert (await book.person(slack("U0ALICE"))).may_approve, "who is listed by id needs no group"


async def test_one_unreadable_group_does_not_hide_another() -> None:
    assert (await people("@gone", "@oncall").person(slack("U0BOB"))).may_approve


async def test_a_directory_that_is_away_allows_nobody() -> None:
    book = people("alice@example.com", directory=Directory({}))
    assert not (await book.person(slack("U0ALICE"))).may_approve
    assert "e-mail could not be read" in await book.why_not(slack("U0ALICE"))


async def test_groups_are_not_asked_for_those_who_are_listed() -> None:
    directory = Directory({"@oncall": set()}, {})
    await people("U0ALICE", "@oncall", directory=directory).person(slack("U0ALICE"))
    assert directory.asked == []
