from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store.codec import Codec, Unreadable, steps_of
from checks.graph import members
from checks.model import Finding, Leg, passed
from handlers.decision import NotAllowed, Offer, Person
from handlers.incident import Incident, Stage
from handlers.question import Heard
from handlers.remedies.aws.runbook_steps import StartRunbook
from handlers.remedy import Diff, Plan, Risk, Step
from tests.fakes.doors import BEN, Turn
from tests.fakes.stages import approve, approved, executed, hearing, requested


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Rule:
    port: int
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paint(Step):
    """A step with every kind of value that a step may hold."""

    wall: str
    before: str | None
    after: tuple[Rule, ...]
    colours: tuple[Colour, ...]
    labels: Mapping[str, str]
    coats: int
    thickness: float
    urgent: bool
    at: datetime
    lasts: timedelta
    shade: str | int = ""

    async def look(self) -> None: ...

    async def write(self) -> None: ...

    def diff(self) -> Diff:
        return Diff(self.wall, self.before or "", "painted")

    def commands(self) -> tuple[str, ...]:
        return ("paint",)

    def inverse(self) -> None:
        return None


STEPS: list[type[Step]] = [
    Paint,
    *sorted(steps_of(members("handlers.remedies")), key=lambda one: one.__name__),
]
CODEC = Codec(STEPS)

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(
        ["", "ui", "two words", "\N{SNOWMAN}\U0001f40b", "a'b\"c\\d\n\te\0f", "2026-05-04", "17"]
    ),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)),
    timedelta: st.timedeltas(timedelta(days=-999), timedelta(days=999)),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as annotated, built the way the type says and nothing else."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is Step:
        return st.one_of(*(any_of(step) for step in STEPS))
    if get_args(kind):
        return _any_compound(get_origin(kind), get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert isinstance(kind, type), f"teach the codec and this test what {kind} is"
    assert is_dataclass(kind), f"a step holds a {kind}; teach the codec and this test what that is"
    hints = get_type_hints(kind)
    return st.builds(kind, **{one.name: any_of(hints[one.name]) for one in fields(kind)})


def _any_compound(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in (Union, types.UnionType):
        return st.one_of(*(any_of(one) for one in arguments))
    if origin is tuple and arguments[-1] is ...:
        return st.lists(any_of(arguments[0]), max_size=1).map(tuple)
    if origin is tuple:
        return st.tuples(*(any_of(one) for one in arguments))
    assert origin is Mapping, f"a step holds a {origin}; its repr, and so the plan's digest, must not vary"
    return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=2)


@given(incident=any_of(Incident))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_incident_comes_back_as_it_was(incident: Incident) -> None:
    again = CODEC.decode(CODEC.encode(incident))
    assert again == incident
    # Approvals are bound to the digest, which is taken from the repr: equality alone is not enough.
    assert [offer.digest for offer in again.offers] == [offer.digest for offer in incident.offers]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_each_step_comes_back_as_it_was(step: type[Step], incident: Callable[..., Incident]) -> None:
    @given(made=any_of(step))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(made: Step) -> None:
        plan = Plan((made,))
        offered = replace(incident(), offers=(Offer("x/y", "Paint", Risk.LOW, "", plan),))
        again = CODEC.decode(CODEC.encode(offered))
        assert again == offered
        assert again.offers[0].plan is not None
        assert again.offers[0].plan.digest == plan.digest

    holds()


def test_what_a_newer_version_added_is_ignored(incident: Callable[..., Incident]) -> None:
    tree = orjson.loads(CODEC.encode(incident()))
    tree["incident"]["mood"] = "gloomy"
    tree["incident"]["pulls"][0]["weather"] = ["rain"]
    assert CODEC.decode(orjson.dumps(tree)) == incident()


def test_what_an_older_version_did_not_write_takes_its_default(incident: Callable[..., Incident]) -> None:
    tree = orjson.loads(CODEC.encode(incident()))
    del tree["incident"]["recovered"], tree["incident"]["pulls"][0]["since"]
    assert CODEC.decode(orjson.dumps(tree)) == incident()


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b'{"schema": 3, "incident": {}}', "written by a newer version"),
        (b'{"schema": 1, "incident": {"id": "a1"}}', "cluster"),
        (b'{"schema": 1, "inci', "JSONDecodeError"),
        (b"[]", "TypeError"),
    ],
)
def test_what_cannot_be_read_says_why(stored: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        CODEC.decode(stored)


def test_a_pull_is_written_once_however_much_is_said_about_it(incident: Callable[..., Incident]) -> None:
    [pull] = incident().pulls
    pull = replace(pull, message="connect timed out " * 20)
    findings = tuple(
        Finding(f"aws/{n}", "A check", Leg.RIGHTS, pull, passed("it is fine")) for n in range(50)
    )
    big = replace(incident(), pulls=(pull,), findings=findings, verified=findings[:1])
    stored = CODEC.encode(big)
    assert stored.count(pull.message.encode()) == 2, "as a pull, and as a subject"
    assert Codec(STEPS).decode(stored) == big


def test_what_schema_1_wrote_is_still_read(incident: Callable[..., Incident]) -> None:
    [pull] = incident().pulls
    found = replace(incident(), findings=(Finding("aws/a", "A check", Leg.RIGHTS, pull, passed("fine")),))
    tree = orjson.loads(CODEC.encode(found))
    [subject] = tree.pop("subjects")
    tree["schema"] = 1
    tree["incident"]["findings"][0]["subject"] = subject
    assert CODEC.decode(orjson.dumps(tree)) == found


def painting(incident: Incident) -> Incident:
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    step = Paint("north", None, (Rule(443),), (), {}, 1, 0.5, False, noon, timedelta(1))
    return replace(incident, offers=(Offer("x/y", "Paint", Risk.LOW, "", Plan((step,))),))


def test_a_step_of_another_version_is_named(incident: Callable[..., Incident]) -> None:
    with pytest.raises(Unreadable, match="no step called Paint"):
        Codec([]).decode(CODEC.encode(painting(incident())))


def test_a_step_that_could_not_be_read_back_is_not_written(incident: Callable[..., Incident]) -> None:
    with pytest.raises(TypeError, match="Paint is no step of"):
        Codec([]).encode(painting(incident()))


def test_two_steps_of_one_name_are_refused_at_once() -> None:
    twin = type("Paint", (Paint,), {})
    with pytest.raises(TypeError, match="two steps are called Paint"):
        Codec([Paint, twin])


def test_half_characters_become_readable_ones(incident: Callable[..., Incident]) -> None:
    [pull] = incident().pulls
    odd = replace(incident(), pulls=(replace(pull, message="caf\ud83d \N{SNOWMAN}"),))
    again = CODEC.decode(CODEC.encode(odd))
    assert again.pulls[0].message == "caf\N{REPLACEMENT CHARACTER} \N{SNOWMAN}"


def test_what_was_written_before_there_were_questions_is_still_read() -> None:
    codec, done = Codec([Turn]), executed()
    tree = orjson.loads(codec.encode(done))
    for change in tree["incident"]["changes"]:
        del change["asks"], change["heard"]
    for offer in tree["incident"]["offers"]:
        if offer["plan"]:
            del offer["plan"]["lacks"]
    assert codec.decode(orjson.dumps(tree)) == done


def test_an_answer_is_stored_with_its_question() -> None:
    step = StartRunbook("us-west-2", "shop", "0f2c", "arn:aws:iam::1:role/r", "4105-a4fc")
    heard = Heard("Failed", (("Report", "no route"),), over=True, trouble="denied")
    incident = hearing()
    kept = replace(incident.changes[0], steps=(step,), heard=heard)
    plan = Plan((step,), lacks="a role")
    offers = (replace(incident.offers[0], plan=plan),)
    incident = replace(incident, changes=(kept,), offers=offers)
    again = CODEC.decode(CODEC.encode(incident))
    assert again == incident
    assert again.stage is Stage.HEARING


def test_who_asked_is_still_one_person_with_their_other_account_after_a_restart() -> None:
    codec = Codec([Turn])
    asked = requested()
    assert asked.request is not None
    by = Person("slack:U0BEN", "Ben", others=("teams:ben",))
    asked = replace(asked, request=replace(asked.request, by=by))
    again = codec.decode(codec.encode(asked))
    assert again == asked
    with pytest.raises(NotAllowed, match="a second person must"):
        approve(again, Person("teams:ben", "Ben B.", may_approve=True), second_person=True)


def test_what_was_written_before_accounts_were_linked_is_still_read() -> None:
    codec, given = Codec([Turn]), approved()
    tree = orjson.loads(codec.encode(given))
    request = tree["incident"]["request"]
    for person in (request["by"], *(one["by"] for one in request["approvals"])):
        del person["others"]
    again = codec.decode(orjson.dumps(tree))
    assert again == given
    assert again.request is not None
    assert again.request.approvals[0].by.is_same(Person("teams:ben", "Ben", others=(BEN.id,)))
