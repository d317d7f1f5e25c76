"""A porter beside the doors: he can be asked, takes his time, and may know why nobody gets through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from checks.graph import Catalog
from checks.model import FailedPull, Unavailable
from handlers.question import Heard, Question
from handlers.remedy import Diff, Plan, Risk, Standing, remedy
from handlers.world import Rules, World
from tests.fakes.doors import House, door, door_is_open


@dataclass(eq=False)
class Porter:
    """``answers``: what he says each time that he is listened to; the last one again and again.

    ``deaf``: he cannot be asked. An answer may be an exception.
    """

    answers: list[Heard | Exception] = field(default_factory=lambda: [Heard("listening")])
    asked: dict[str, int] = field(default_factory=dict)
    listened: int = 0
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class Knock(Question):
    guest: str
    number: str = ""

    def diff(self) -> Diff:
        return Diff(self.guest, "", f"the porter is asked {self.number}")

    def commands(self) -> tuple[str, ...]:
        return (f"knock {self.guest}",)

    def afterwards(self) -> tuple[str, ...]:
        return (f"listen {self.number}", f"leave {self.number}")

    @property
    def asked(self) -> str:
        return f"the porter thinks about {self.guest} (number {self.number})"

    async def look(self, porter: Porter) -> Standing:
        return Standing.AFTER if self.number else Standing.BEFORE

    async def write(self, porter: Porter) -> Knock:
        if porter.deaf:
            raise Unavailable("the porter does not hear: grant porter:Ask")
        porter.asked[self.guest] = porter.asked.get(self.guest, 0) + 1
        return replace(self, number=f"n-{self.guest}")

    async def hear(self, porter: Porter) -> Heard:
        said = porter.answers[min(porter.listened, len(porter.answers) - 1)]
        porter.listened += 1
        if isinstance(said, Exception):
            raise said
        return said


@remedy("Ask the porter", cures=None, risk=Risk.LOW, asks=True)
def ask_porter(pull: FailedPull) -> Plan:
    return Plan((Knock(pull.pods[0]),), caution="he gossips", settles_in=timedelta(minutes=30))


@dataclass(slots=True)
class Lodge(House):
    """A house whose doors are open, where nobody gets through all the same, with a porter."""

    porter: Porter = field(default_factory=Porter)
    rules: Rules = field(
        default_factory=lambda: Rules(second_person=True, enabled=frozenset({ask_porter.id}))
    )

    def world(self) -> World:
        hands: dict[Any, object] = {Porter: self.porter}
        return replace(
            House.world(self),
            catalog=Catalog.of([door], [door_is_open]),
            remedies=(ask_porter,),
            hands=lambda cluster: hands,
        )
