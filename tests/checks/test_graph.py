"""The catalog: wiring by type, what is missing, what goes round in circles, and who explains what."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from checks.graph import Catalog, Check, Fact, Need, check, fact, needs_of
from checks.model import FailedPull, Leg, Symptom, Verdict, passed


@dataclass(frozen=True, slots=True)
class Egg:
    n: int = 0


@dataclass(frozen=True, slots=True)
class Hen:
    n: int = 0


@dataclass(frozen=True, slots=True)
class Farm:
    n: int = 0


def test_a_need_is_the_type_of_a_parameter_in_order() -> None:
    def asks(hen: Hen, egg: Egg | None, *, farm: Farm | None = None) -> None: ...

    assert needs_of(asks) == (
        Need(Hen, optional=False), Need(Egg, optional=True), Need(Farm, optional=True)
    )  # fmt: skip


def test_a_marked_function_stays_callable() -> None:
    @fact(timeout=3)
    def egg(hen: Hen) -> Egg:
        return Egg(hen.n + 1)

    @check("The egg is there", leg=Leg.LAYERS, explains={Symptom.OTHER})
    def egg_is_there(it: Egg) -> Verdict:
        return passed(str(it.n))

    assert egg(Hen(1)) == Egg(2)
    assert (egg.gives, egg.timeout) == (Egg, 3)
    assert egg_is_there(Egg(5)).summary == "5"


def test_a_check_is_named_after_its_file() -> None:
    def right(pull: FailedPull) -> Verdict:
        return passed("")

    right.__module__ = "checks.sea.ship_is_afloat"
    assert check("t", leg=Leg.NODE, explains=set())(right).id == "sea/ship_is_afloat"


def test_a_check_tells_the_page_it_comes_from() -> None:
    def judge() -> Verdict:
        return passed("")

    page = "https://docs.example.com/Registry/latest/pull_errors.html#not-found"
    assert check("t", leg=Leg.NODE, explains=set(), page=page)(judge).page == page
    assert check("t", leg=Leg.NODE, explains=set())(judge).page == ""


@pytest.mark.parametrize(
    "page",
    [
        "http://docs.example.com/",
        "docs.example.com/pull.html",
        "https://docs.example.com@elsewhere.example/",
        "https://docs.example.com/a|b",
        "https://docs.example.com/a b",
        "https://docs.example.com/)[x](https://x.example/",
        "https://docs.example.com/\n",
        "javascript:alert(1)",
    ],
)
def test_a_page_is_a_plain_https_address(page: str) -> None:
    with pytest.raises(ValueError, match="plain https address"):
        check("t", leg=Leg.NODE, explains=set(), page=page)


def check_of(*symptoms: Symptom) -> Check:
    def judge() -> Verdict:
        return passed("")

    return check("t", leg=Leg.NODE, explains=set(symptoms))(judge)


def test_a_failure_explains_the_symptoms_it_names_and_those_that_say_nothing() -> None:
    one = check_of(Symptom.FORBIDDEN)
    explained = {symptom for symptom in Symptom if one.explains(symptom)}
    assert explained == {
        Symptom.FORBIDDEN, Symptom.BACKOFF_ONLY, Symptom.OTHER, Symptom.KUBELET_THROTTLED, Symptom.STALLED
    }  # fmt: skip


def test_what_nobody_gives_is_told_with_who_asks() -> None:
    @fact()
    def egg(hen: Hen) -> Egg:
        return Egg()

    @check("t", leg=Leg.NODE, explains=set())
    def judge(it: Egg, farm: Farm | None) -> Verdict:
        return passed("")

    catalog = Catalog.of([egg], [judge])
    assert sorted(line.rpartition(" needs ")[2] for line in catalog.unmet([])) == ["Farm", "Hen"]
    assert catalog.unmet([Hen, Farm]) == []


def in_circles() -> list[list[Fact]]:
    @fact()
    def egg(hen: Hen) -> Egg:
        return Egg()

    @fact()
    def hen(egg: Egg) -> Hen:
        return Hen()

    @fact()
    def hen_of_farm(farm: Farm | None) -> Hen:
        return Hen()

    @fact()
    def farm(egg: Egg) -> Farm:
        return Farm()

    @fact()
    def egg_of_itself(egg: Egg) -> Egg:
        return Egg()

    return [[egg, hen], [egg, hen_of_farm, farm], [egg_of_itself]]


@pytest.mark.parametrize("facts", in_circles())
def test_facts_that_wait_for_each_other_are_refused_at_start(facts: list[Fact]) -> None:
    with pytest.raises(ValueError, match=r"facts go round in a circle: .*Egg"):
        Catalog.of(facts, [])


def test_facts_that_share_a_need_are_no_circle() -> None:
    @fact()
    def egg(farm: Farm) -> Egg:
        return Egg()

    @fact()
    def hen(farm: Farm, egg: Egg) -> Hen:
        return Hen()

    assert set(Catalog.of([hen, egg], []).facts) == {Egg, Hen}


def test_the_order_of_a_catalog_is_by_name_however_it_was_found() -> None:
    @fact()
    def b_hen() -> Hen:
        return Hen()

    @fact()
    def a_hen() -> Hen:
        return Hen()

    assert Catalog.of([b_hen, a_hen], []).facts[Hen] == (a_hen, b_hen)
    assert Catalog.of([a_hen, b_hen], []).facts[Hen] == (a_hen, b_hen)
