"""Facts: each one once per inputs, shared by who asks; what cannot be known is unknown and harms nobody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from checks.diagnose import ask, diagnose
from checks.graph import Catalog, Fact, Need, check, fact
from checks.image import facts as image_facts
from checks.image.reference import Image
from checks.model import (
    FailedPull,
    Finding,
    Leg,
    NotApplicable,
    Status,
    Symptom,
    Unavailable,
    Verdict,
    failed,
    passed,
)
from checks.resolve import Memo, Resolver
from tests.fakes.doors import pull

PASSWORD = "hunter2-of-the-registry"


@dataclass(eq=False)
class Sea:
    """The world that facts read: it notes every look, and answers once it may."""

    looks: list[str] = field(default_factory=list)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, what: str) -> None:
        self.looks.append(what)
        self.looked.set()
        await self.answers.wait()


@dataclass(frozen=True, slots=True)
class Ship:
    name: str


@dataclass(frozen=True, slots=True)
class Crew:
    of: str


@dataclass(frozen=True, slots=True)
class Cargo:
    of: str


class Harbour:
    """Facts over one sea, with one memo, for any pull."""

    def __init__(self, *facts: Fact) -> None:
        self.sea = Sea()
        self.sea.answers.set()
        self.catalog = Catalog.of(facts, [])
        self.memo: Memo = {}

    def at(self, one: FailedPull) -> Resolver:
        return Resolver(self.catalog, {Sea: self.sea, FailedPull: one}, self.memo)


@fact()
async def ship(sea: Sea) -> Ship:
    await sea.look("ship")
    return Ship("Beagle")


@fact()
async def crew(ship: Ship, sea: Sea) -> Crew:
    await sea.look("crew")
    return Crew(ship.name)


@fact()
async def cargo(ship: Ship, sea: Sea) -> Cargo:
    await sea.look("cargo")
    return Cargo(ship.name)


def raising(error: BaseException) -> Fact:
    @fact()
    async def ship(pull: FailedPull) -> Ship:
        raise error

    return ship


def needs(*types: Any, optional: bool = False) -> tuple[Need, ...]:
    return tuple(Need(one, optional) for one in types)


async def test_roots_and_facts_are_found_by_type_however_deep() -> None:
    harbour = Harbour(ship, crew)
    one = pull()
    got = await harbour.at(one).arguments(needs(Crew, FailedPull, Ship))
    assert got == (Crew("Beagle"), one, Ship("Beagle"))


async def test_a_root_wins_over_a_fact_of_its_type() -> None:
    harbour = Harbour(ship)
    resolver = Resolver(harbour.catalog, {Ship: Ship("Fram"), Sea: harbour.sea}, harbour.memo)
    assert await resolver.get(Ship) == Ship("Fram")
    assert harbour.sea.looks == []


async def test_a_fact_is_looked_up_once_for_all_who_ask_at_the_same_time() -> None:
    harbour = Harbour(ship, crew, cargo)
    await asyncio.gather(*(harbour.at(pull(str(n))).arguments(needs(Crew, Cargo, Ship)) for n in range(50)))
    assert sorted(harbour.sea.looks) == ["cargo", "crew", "ship"]


async def test_another_memo_looks_afresh() -> None:
    harbour = Harbour(ship)
    await harbour.at(pull()).get(Ship)
    harbour.memo = {}
    await harbour.at(pull()).get(Ship)
    assert harbour.sea.looks == ["ship", "ship"]


async def test_a_failure_is_remembered_too() -> None:
    harbour = Harbour()
    asked = []

    @fact()
    async def late(sea: Sea) -> Ship:
        asked.append(1)
        raise Unavailable("throttled")

    harbour.catalog = Catalog.of([late], [])
    for _ in range(3):
        with pytest.raises(Unavailable, match="throttled"):
            await harbour.at(pull()).get(Ship)
    assert asked == [1]


@pytest.mark.parametrize("error", [NotApplicable("no ship here"), Unavailable("fog")])
async def test_an_optional_need_that_is_not_met_is_none(error: Exception) -> None:
    resolver = Harbour(raising(error)).at(pull())
    assert await resolver.arguments(needs(Ship, optional=True)) == (None,)
    with pytest.raises(type(error)):
        await resolver.arguments(needs(Ship))


async def test_an_optional_need_that_nobody_gives_is_none() -> None:
    assert await Harbour().at(pull()).arguments(needs(Ship, optional=True)) == (None,)


async def test_where_one_need_makes_no_sense_another_that_is_unknown_does_not_matter() -> None:
    @fact()
    async def crew(pull: FailedPull) -> Crew:
        raise NotApplicable("ships only")

    resolver = Harbour(raising(Unavailable("fog")), crew).at(pull())
    for wanted in (needs(Ship, Crew), needs(Crew, Ship)):
        with pytest.raises(NotApplicable, match="Crew"):
            await resolver.arguments(wanted)


def givers(*answers: Ship | Exception) -> list[Fact]:
    """Facts ``ship_0``, ``ship_1``, …: asked in this order."""

    def giver(number: int, answer: Ship | Exception) -> Fact:
        async def give(pull: FailedPull) -> Ship:
            if isinstance(answer, Exception):
                raise answer
            return answer

        give.__name__ = f"ship_{number}"
        return fact()(give)

    return [giver(number, answer) for number, answer in enumerate(answers)]


async def test_the_first_fact_that_applies_wins() -> None:
    facts = givers(NotApplicable(""), Ship("Fram"), Ship("Gjøa"))
    assert await Harbour(*reversed(facts)).at(pull()).get(Ship) == Ship("Fram")


async def test_a_fact_that_could_not_be_read_is_not_replaced_by_the_next_guess() -> None:
    with pytest.raises(Unavailable, match="fog"):
        await Harbour(*givers(Unavailable("fog"), Ship("Gjøa"))).at(pull()).get(Ship)


async def test_where_no_fact_applies_nothing_is_given() -> None:
    with pytest.raises(NotApplicable, match="nothing here gives Ship"):
        await Harbour(*givers(NotApplicable(""), NotApplicable(""))).at(pull()).get(Ship)


async def test_a_fact_that_takes_too_long_is_unavailable() -> None:
    @fact(timeout=0.01)
    async def ship(pull: FailedPull) -> Ship:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unavailable, match=r"ship took longer than 0\.01 s"):
        await Harbour(ship).at(pull()).get(Ship)


async def test_a_timeout_that_the_fact_itself_meets_is_unavailable_too() -> None:
    with pytest.raises(Unavailable) as caught:
        await Harbour(raising(TimeoutError(f"connecting with {PASSWORD}"))).at(pull()).get(Ship)
    assert PASSWORD not in str(caught.value)


async def test_a_crash_is_told_by_its_type_only() -> None:
    with pytest.raises(Unavailable, match=r"ship crashed \(KeyError\)") as caught:
        await Harbour(raising(KeyError(PASSWORD))).at(pull()).get(Ship)
    assert PASSWORD not in str(caught.value)


async def test_one_impatient_subject_does_not_cancel_what_others_wait_for() -> None:
    harbour = Harbour(ship)
    harbour.sea.answers.clear()
    impatient = asyncio.create_task(harbour.at(pull("a")).get(Ship))
    patient = asyncio.create_task(harbour.at(pull("b")).get(Ship))
    async with asyncio.timeout(5):
        await harbour.sea.looked.wait()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    harbour.sea.answers.set()
    assert await patient == Ship("Beagle")
    assert harbour.sea.looks == ["ship"]


# ---- whole diagnoses


@check("The ship floats", leg=Leg.NODE, explains={Symptom.FORBIDDEN})
def ship_floats(it: Ship) -> Verdict:
    return passed(f"the {it.name} floats")


@check("The crew is aboard", leg=Leg.SECRET, explains={Symptom.OTHER})
def crew_is_aboard(it: Crew) -> Verdict:
    return failed(f"nobody is on the {it.of}", about=it.of)


@check("It crashes", leg=Leg.NAME, explains=set())
def crashes(pull: FailedPull) -> Verdict:
    raise ZeroDivisionError(PASSWORD)


@check("It is not our business", leg=Leg.NAME, explains=set())
def not_ours(pull: FailedPull) -> Verdict:
    raise NotApplicable("elsewhere")


def named(checks: list[Any]) -> list[Any]:
    """As they would be in files of their own: a check's id is its module."""
    for one in checks:
        one.fn.__module__ = f"checks.sea.{one.fn.__name__}"
    return checks


CHECKS = named([ship_floats, crew_is_aboard, crashes, not_ours])


async def verdicts(catalog: Catalog, *pulls: FailedPull, sea: Sea | None = None) -> list[Finding]:
    sea = sea or Sea()
    sea.answers.set()
    return [finding async for finding in diagnose(catalog, pulls, {Sea: sea}, {})]


def by_check(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in findings}


async def test_every_check_that_applies_says_something_and_a_crash_says_unknown() -> None:
    found = by_check(await verdicts(Catalog.of([ship, crew], CHECKS), pull()))
    assert {name: verdict.status for name, verdict in found.items()} == {
        "sea/ship_floats": Status.PASS,
        "sea/crew_is_aboard": Status.FAIL,
        "sea/crashes": Status.UNKNOWN,
    }
    assert found["sea/crashes"].summary == "this check crashed (ZeroDivisionError); the log has more"
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unavailable("the sea is dark: grant sea:Look"), "the sea is dark: grant sea:Look"),
        (RuntimeError(PASSWORD), "ship crashed (RuntimeError); the log has more"),
    ],
)
async def test_what_rests_on_an_unread_fact_is_unknown_and_never_fail(error: Exception, says: str) -> None:
    found = by_check(await verdicts(Catalog.of([raising(error), crew], CHECKS[:2]), pull()))
    assert {verdict.status for verdict in found.values()} == {Status.UNKNOWN}
    assert all(says in verdict.summary for verdict in found.values())


async def test_a_finding_says_whether_it_explains_the_symptom_of_its_pull() -> None:
    catalog = Catalog.of([ship, crew], CHECKS[:2])
    other = pull("api", symptom=Symptom.OTHER)
    found = {(f.check, f.subject): f.explains for f in await verdicts(catalog, pull(), other)}
    assert found == {
        ("sea/ship_floats", pull()): True,
        ("sea/crew_is_aboard", pull()): False,
        ("sea/ship_floats", other): True,  # such a text says nothing of its cause
        ("sea/crew_is_aboard", other): True,
    }


async def test_a_finding_comes_when_its_own_facts_are_in() -> None:
    sea = Sea()  # the crew cannot be seen for now

    @fact()
    async def ship() -> Ship:
        return Ship("Beagle")

    found = diagnose(Catalog.of([ship, crew], CHECKS[:2]), [pull()], {Sea: sea}, {})
    async with asyncio.timeout(5):
        assert (await anext(found)).check == "sea/ship_floats"
        sea.answers.set()
        assert (await anext(found)).check == "sea/crew_is_aboard"
        assert [finding async for finding in found] == []


async def test_who_stops_listening_leaves_no_check_waiting() -> None:
    sea = Sea()

    @fact()
    async def ship() -> Ship:
        return Ship("Beagle")

    memo: Memo = {}
    found = diagnose(Catalog.of([ship, crew], CHECKS[:2]), [pull(), pull("api")], {Sea: sea}, memo)
    async with asyncio.timeout(5):
        await anext(found)
        await found.aclose()  # type: ignore[attr-defined]  # it is a generator
        sea.answers.set()
        await asyncio.gather(*memo.values())
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_hundred_pulls_of_one_image_make_one_lookup() -> None:
    looked: list[Image] = []

    @fact()
    async def ship(image: Image) -> Ship:
        looked.append(image)
        return Ship(str(image))

    catalog = Catalog.of([image_facts.image, ship], CHECKS[:1])
    found = await verdicts(catalog, *(pull(f"web{n}") for n in range(100)))
    assert len(found) == 100
    assert len(looked) == 1


async def test_a_remedy_or_step_that_asks_for_nothing_is_given_nothing() -> None:
    assert await Harbour().at(pull()).arguments(()) == ()


async def test_a_check_that_needs_a_fact_that_may_be_missing_decides_without_it() -> None:
    @check("t", leg=Leg.NODE, explains=set())
    def judge(pull: FailedPull, it: Ship | None) -> Verdict:
        return passed("without" if it is None else "with")

    verdict = await ask(judge, Harbour(raising(Unavailable("fog"))).at(pull()))
    assert verdict == passed("without")
