"""Advice: for what surely fails, once, and never more than words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, NotApplicable, Unavailable
from checks.resolve import Memo
from handlers import intake
from handlers.decision import NotNow, Offer
from handlers.flow import advance
from handlers.incident import Stage
from handlers.proposal import offers_for
from handlers.remedy import Advice, ByHand, Risk, by_hand
from tests.fakes.doors import Door, Doors, House, door, door_is_open, open_door, pull, pulled


@by_hand("Knock", cures=door_is_open)
def knock(it: Door) -> ByHand:
    return ByHand("the owner knocks", (f"knock {it.name}",), "the dog barks")


CATALOG = Catalog.of([door], [door_is_open])


async def offers(doors: Doors, *advice: Advice, pulls: tuple[FailedPull, ...] = (pull(),)) -> list[Offer]:
    roots, memo = {Doors: doors}, Memo()
    findings = [one async for one in diagnose(CATALOG, pulls, roots, memo)]
    found = await offers_for(
        pulls, findings, catalog=CATALOG, remedies=[open_door], roots=roots, memo=memo, advice=advice
    )
    return list(found)


def shut() -> Doors:
    return Doors(shut={pull().image})


async def test_what_fails_is_answered_with_words_and_commands_after_the_plans() -> None:
    plan, advice = await offers(shut(), knock)
    assert plan.remedy == open_door.id
    assert advice == Offer(
        knock.id,
        "Knock",
        Risk.HIGH,
        door_is_open.id,
        None,
        "the owner knocks",
        by_hand=ByHand("the owner knocks", (f"knock {pull().image}",), "the dog barks"),
    )
    assert (advice.digest, advice.enabled) == ("", False)


async def test_many_pulls_are_told_once() -> None:
    found = await offers(shut(), knock, pulls=(pull(), pull("api")))
    assert [one.remedy for one in found] == [open_door.id, knock.id]


async def test_what_is_not_known_is_answered_with_nothing() -> None:
    assert [one for one in await offers(Doors(blind=True), knock) if one.by_hand] == []


async def test_what_passes_is_answered_with_nothing() -> None:
    assert await offers(Doors(), knock) == []


async def test_advice_for_another_check_is_silent() -> None:
    other = by_hand("Wait", cures=(pulled,))(knock.fn)
    assert [one for one in await offers(shut(), other) if one.by_hand] == []


async def test_an_incident_with_nothing_but_advice_waits_for_a_person_who_is_told_what_to_do() -> None:
    house = House()
    house.doors.shut.add(pull().image)
    world = replace(house.world(), remedies=(), advice=(knock,))
    [incident] = await intake.failing([pull()], world)
    done = await advance(incident.id, world)
    assert done.stage is Stage.NEEDS_PERSON
    [offer] = done.offers
    assert offer.by_hand is not None
    assert offer.by_hand.commands == (f"knock {pull().image}",)
    with pytest.raises(NotNow):
        done.offer("")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotApplicable("no bell"), []),
        (
            Unavailable("grant bell:Look"),
            ["what a person has to do could not be worked out: grant bell:Look"],
        ),
        (ZeroDivisionError(), ["it crashed (ZeroDivisionError); the log has more"]),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_what_goes_wrong_is_told_and_stops_nothing(error: Exception, said: list[str]) -> None:
    @by_hand("Ring", cures=door_is_open)
    def ring(it: Door) -> ByHand:
        raise error

    plan, *rest = await offers(shut(), ring)
    assert plan.plan is not None
    assert [one.by_hand for one in rest] == [ByHand(one) for one in said]
