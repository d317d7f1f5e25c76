"""One incident at every stage: a shut oak door, asked for by Ana, approved by Ben."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from checks.model import Finding, Leg, Verdict, failed
from handlers.decision import Offer, Person
from handlers.incident import Incident, Stage
from handlers.question import Heard
from handlers.remedy import Plan
from tests.fakes.doors import ANA, BEN, Turn, open_door, pull
from tests.fakes.porter import Knock, ask_porter

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=30)

OAK = Turn("oak", before=True, after=False)
PINE = Turn("pine", before=True, after=False)


def offer_of(*steps: Turn, enabled: bool = True) -> Offer:
    return Offer.of(open_door, Plan(steps), enabled=enabled)


OFFERS = (offer_of(OAK), offer_of(PINE), Offer.of(open_door, None, refused="it is open"))
DIGEST, OTHER = OFFERS[0].digest, OFFERS[1].digest


def finding(
    verdict: Verdict,
    check: str = "door",
    leg: Leg = Leg.RIGHTS,
    *,
    workload: str = "web",
    explains: bool = True,
) -> Finding:
    return Finding(check, "The door is open", leg, pull(workload), verdict, explains)


SHUT = finding(failed("shut", about="oak"))


def looking() -> Incident:
    return Incident("1a2b3c4d", "prod", NOON, (pull(), pull("api")))


def found() -> Incident:
    return looking().found([SHUT]).proposed(OFFERS)


def requested() -> Incident:
    return found().requested(DIGEST, ANA, NOON, LATER)


def approved() -> Incident:
    return approve(requested(), BEN)


def approve(
    incident: Incident, by: Person, *, at: datetime = NOON, second_person: bool = False, quorum: int = 1
) -> Incident:
    return incident.approved(DIGEST, by, at, second_person=second_person, quorum=quorum)


def executing() -> Incident:
    return approved().executing(NOON)


def executed() -> Incident:
    return executing().stepped(OAK).executed(LATER)


ASK = Offer.of(ask_porter, ask_porter(pull())[0], enabled=True)


def puzzled() -> Incident:
    """Nobody knows why; the porter may be asked."""
    return looking().proposed([ASK])


def hearing() -> Incident:
    asked = puzzled().requested(ASK.digest, ANA, NOON, LATER)
    begun = asked.approved(ASK.digest, BEN, NOON, second_person=True, quorum=1).executing(NOON)
    return begun.stepped(Knock("web-1", "n-web-1")).executed(LATER)


AT: dict[Stage, Callable[[], Incident]] = {
    Stage.LOOKING: looking,
    Stage.FOUND: found,
    Stage.REQUESTED: requested,
    Stage.APPROVED: approved,
    Stage.EXECUTING: executing,
    Stage.EXECUTED: executed,
    Stage.HEARING: hearing,
    Stage.UNDOING: lambda: executed().undoing(DIGEST, BEN),
    Stage.RESOLVED: lambda: executed().resolved(),
    Stage.UNDONE: lambda: executed().undoing(DIGEST, BEN).undone(),
    Stage.NEEDS_PERSON: lambda: executed().handed_over("it did not help"),
    Stage.FOLDED: lambda: looking().folded("4d3c2b1a"),
}

# Every transition, with something to do it with. Most refuse most of the time.
MOVES: dict[str, Callable[[Incident], Incident]] = {
    "found": lambda i: i.found([SHUT]),
    "narrowed": lambda i: i.narrowed([pull()]),
    "folded": lambda i: i.folded("4d3c2b1a"),
    "proposed": lambda i: i.proposed(OFFERS),
    "look_again": lambda i: i.look_again(),
    "uncovered": lambda i: i.uncovered("another fault"),
    "joined": lambda i: i.joined([pull("jobs")]),
    "requested": lambda i: i.requested(OTHER, ANA, NOON, LATER),
    "approved": lambda i: approve(i, BEN),
    "rejected": lambda i: i.rejected(DIGEST, BEN),
    "expired": lambda i: i.expired(LATER),
    "outdated": lambda i: i.outdated("the policy changed"),
    "executing": lambda i: i.executing(NOON),
    "stepped": lambda i: i.stepped(OAK),
    "executed": lambda i: i.executed(LATER),
    "heard": lambda i: i.heard(Heard("thinking")),
    "answered": lambda i: i.answered(),
    "followed_up": lambda i: i.followed_up([]),
    "verification": lambda i: i.verification([SHUT]),
    "resolved": lambda i: i.resolved(),
    "handed_over": lambda i: i.handed_over("nobody knows"),
    "back_again": lambda i: i.back_again([pull().key]),
    "undoing": lambda i: i.undoing(DIGEST, BEN),
    "undone": lambda i: i.undone(),
}
