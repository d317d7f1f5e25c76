from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.chat.platform import Sender
from bot.people import Approvers, People

ENTRA = "1c2d3e4f-0000-4000-8000-00000000abcd"


GROUP = "group:5d2f1c7a-0000-4000-8000-00000000f00d"


class Directory:
    """A chat's groups and everybody's addresses; a group that is not listed cannot be read."""

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


def people(*approvers: str, directory: Directory | None = None, entra: Directory | None = None) -> People:
    directory = directory or Directory({"@oncall": {"U0BOB"}, "S0TEAM": {"U0CAT"}}, {})
    return People(
        Approvers(approvers), {"slack": directory, "teams": entra or Directory({GROUP: {ENTRA}}, {})}
    )


def slack(user: str, name: str = "somebody") -> Sender:
    return Sender("slack", user, name)


def teams(user: str = ENTRA, name: str = "somebody") -> Sender:
    return Sender("teams", user, name)


@pytest.mark.parametrize(
    ("approver", "sender"),
    [
        ("U0ALICE", slack("U0ALICE")),
        ("@oncall", slack("U0BOB")),
        ("S0TEAM", slack("U0CAT")),
        (ENTRA, teams(ENTRA.upper())),
        (ENTRA.upper(), teams()),
        (GROUP, teams()),
        (GROUP.upper().replace("GROUP", "group"), teams()),
        ("page:alice", Sender("page", "alice", "Alice")),
    ],
)
async def test_who_is_listed_may_approve(approver: str, sender: Sender) -> None:
    person = await people(approver).person(sender)
    assert person.may_approve
    assert person.id == (f"teams:{ENTRA}" if sender.chat == "teams" else sender.id)


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
        ("@oncall", teams("U0BOB")),
        ("U0ALICE", teams("U0ALICE")),
        (ENTRA, slack(ENTRA)),
        (ENTRA, teams("29:1abc", ENTRA)),
        (GROUP, slack(ENTRA)),
        (GROUP, teams(GROUP)),
        (GROUP, teams(GROUP.removeprefix("group:"))),
        (GROUP, teams("9f9f9f9f-0000-4000-8000-000000000001")),
        ("alice@example.com", teams("alice@example.com")),
        ("alice@example.com", slack("alice@example.com")),
    ],
)
async def test_who_only_looks_like_it_may_not(approver: str, sender: Sender) -> None:
    assert not (await people(approver).person(sender)).may_approve
    assert "is not an approver" in (await people(approver).person(sender)).why_not


async def test_without_a_list_nobody_may_approve() -> None:
    assert not (await people().person(slack("U0ALICE"))).may_approve
    assert "approvals.approvers is empty" in (await people().person(slack("U0ALICE"))).why_not


async def test_an_address_counts_as_the_directory_has_it() -> None:
    book = people("Alice@Example.com", directory=Directory({}, {"U0ALICE": "alice@example.com"}))
    assert (await book.person(slack("U0ALICE"))).may_approve
    assert not (await book.person(slack("U0MALLORY"))).may_approve


async def test_a_group_that_cannot_be_read_allows_nobody_and_says_so() -> None:
    book = people("@gone", "U0ALICE")
    assert not (await book.person(slack("U0BOB", "Bob"))).may_approve
    assert (await book.person(slack("U0BOB", "Bob"))).why_not == (
        "it cannot be told whether Bob may approve: the group @gone could not be read"
    )
    assert (await book.person(slack("U0ALICE"))).may_approve, "who is listed by id needs no group"


async def test_one_unreadable_group_does_not_hide_another() -> None:
    assert (await people("@gone", "@oncall").person(slack("U0BOB"))).may_approve


async def test_a_directory_that_is_away_allows_nobody() -> None:
    book = people("alice@example.com", directory=Directory({}))
    assert not (await book.person(slack("U0ALICE"))).may_approve
    assert "e-mail could not be read" in (await book.person(slack("U0ALICE"))).why_not


async def test_groups_are_not_asked_for_those_who_are_listed() -> None:
    directory = Directory({"@oncall": set()}, {})
    await people("U0ALICE", "@oncall", directory=directory).person(slack("U0ALICE"))
    assert directory.asked == []


async def test_the_groups_of_another_chat_are_not_asked_for() -> None:
    in_slack, in_entra = Directory({"@oncall": set()}, {}), Directory({GROUP: set()}, {})
    book = people("@oncall", GROUP, directory=in_slack, entra=in_entra)
    assert "is not an approver" in (await book.person(slack("U0ALICE"))).why_not
    assert (in_slack.asked, in_entra.asked) == (["@oncall"], [])
    assert "is not an approver" in (await book.person(teams())).why_not
    assert (in_slack.asked, in_entra.asked) == (["@oncall"], [GROUP])


async def test_an_address_in_teams_counts_as_its_own_directory_has_it() -> None:
    book = people("Alice@Example.com", entra=Directory({}, {ENTRA: "ALICE@example.com"}))
    assert (await book.person(teams())).may_approve
    assert not (await book.person(slack(ENTRA))).may_approve


async def test_an_entra_group_that_cannot_be_read_allows_nobody_and_says_so() -> None:
    book = people(GROUP, entra=Directory({}, {}))
    assert (await book.person(teams(name="Alice"))).why_not == (
        f"it cannot be told whether Alice may approve: the group {GROUP} could not be read"
    )


async def test_without_its_chat_nobody_is_in_a_group() -> None:
    book = People(Approvers(("@oncall",)))
    assert not (await book.person(slack("U0BOB"))).may_approve
    assert (await book.person(Sender("page", "U0BOB", "Bob"))).why_not == (
        "Bob is not an approver (approvals.approvers in the configuration)"
    )


# ---- one person, two accounts

LINKED = (("slack:U0ALICE", f"teams:{ENTRA}"),)


async def test_who_is_linked_is_one_person_whichever_account_acts() -> None:
    book = People(Approvers((), LINKED))
    in_slack, in_teams = (
        await book.person(slack("U0ALICE", "Alice")),
        await book.person(teams(name="Alice A.")),
    )
    assert (in_slack.id, in_slack.others) == ("slack:U0ALICE", (f"teams:{ENTRA}",))
    assert (in_teams.id, in_teams.others) == (f"teams:{ENTRA}", ("slack:U0ALICE",))
    assert in_slack.is_same(in_teams)
    assert in_teams.is_same(in_slack)


async def test_nobody_is_one_with_somebody_by_name() -> None:
    book = People(Approvers(("U0BOB", ENTRA), LINKED))
    alice, bob = await book.person(teams(name="Bob")), await book.person(slack("U0BOB", "Bob"))
    page = await book.person(Sender("page", "U0ALICE", "Bob"))
    assert not alice.is_same(bob)
    assert not page.is_same(alice)
    assert bob.others == page.others == ()


@pytest.mark.parametrize("approver", ["U0ALICE", ENTRA, "@oncall", "S0TEAM", GROUP, "alice@example.com"])
@pytest.mark.parametrize("sender", [slack("U0ALICE"), teams(), teams(ENTRA.upper())])
async def test_what_either_account_may_both_may(approver: str, sender: Sender) -> None:
    in_slack = Directory({"@oncall": {"U0ALICE"}, "S0TEAM": {"U0ALICE"}}, {"U0ALICE": "alice@example.com"})
    in_entra = Directory({GROUP: {ENTRA}}, {})
    book = People(Approvers((approver,), LINKED), {"slack": in_slack, "teams": in_entra})
    assert (await book.person(sender)).may_approve
    assert not (await book.person(slack("U0BOB"))).may_approve
    assert not (await book.person(teams("9f9f9f9f-0000-4000-8000-000000000001"))).may_approve


async def test_without_a_link_an_approver_in_slack_is_none_in_teams() -> None:
    assert not (await people("U0ALICE").person(teams(name="U0ALICE"))).may_approve


async def test_that_the_other_account_cannot_be_looked_up_is_told_and_allows_nothing() -> None:
    book = People(Approvers(("@gone",), LINKED), {"slack": Directory({}, {}), "teams": Directory({}, {})})
    assert (await book.person(teams(name="Alice"))).why_not == (
        "it cannot be told whether Alice may approve: the group @gone could not be read"
    )
    alone = People(Approvers(("@gone",), LINKED), {"teams": Directory({}, {})})
    assert "the group @gone could not be read" in (await alone.person(teams())).why_not
    assert "is not an approver" in (await alone.person(teams("9f9f9f9f-0000-4000-8000-000000000001"))).why_not


async def test_accounts_with_one_address_are_one_person_without_a_link() -> None:
    """Listed once, it would be two approvers otherwise."""
    in_slack, in_entra = (
        Directory({}, {"U0ALICE": "alice@example.com"}),
        Directory({}, {ENTRA: "Alice@Example.com"}),
    )
    book = people("alice@example.com", "U0ALICE", directory=in_slack, entra=in_entra)
    here, there = await book.person(slack("U0ALICE")), await book.person(teams())
    assert here.may_approve
    assert there.may_approve
    assert here.is_same(there)


async def test_who_has_no_address_is_nobody_else_without_one() -> None:
    book = people("alice@example.com")
    assert not (await book.person(slack("U0BOB"))).is_same(await book.person(slack("U0CAT")))


async def test_who_is_listed_may_approve_though_their_address_cannot_be_read() -> None:
    book = people("alice@example.com", "U0BOB", directory=Directory({}))
    bob = await book.person(slack("U0BOB"))
    assert (bob.may_approve, bob.others) == (True, ())
    assert bob.may_be(await book.person(teams())), "nobody knows whose address is the same"
    assert not bob.may_be(await book.person(slack("U0CAT")))


async def test_within_one_chat_no_address_is_asked_of_who_is_listed_by_id() -> None:
    away = Directory({"@oncall": {"U0CAT"}})
    book = People(Approvers(("alice@example.com", "U0BOB", "@oncall")), {"slack": away})
    bob = await book.person(slack("U0BOB"))
    assert (bob.may_approve, bob.unsure) == (True, False)
    assert (await book.person(slack("U0CAT"))).may_approve


async def test_where_no_addresses_are_listed_nobody_is_in_doubt() -> None:
    book = people("U0BOB", ENTRA, directory=Directory({}), entra=Directory({}))
    assert not (await book.person(slack("U0BOB"))).may_be(await book.person(teams()))


async def test_a_link_alone_makes_nobody_an_approver() -> None:
    assert not (await People(Approvers(("U0BOB",), LINKED)).person(teams())).may_approve
    assert "approvals.approvers is empty" in (await People(Approvers((), LINKED)).person(teams())).why_not
