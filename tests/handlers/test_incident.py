"""Every transition from every stage: what it leads to, or that it is refused; who may decide what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Leg, Symptom, failed, passed, unknown
from handlers.decision import NotAllowed, NotNow, Person
from handlers.diagnosis import reasons
from handlers.incident import Incident, Stage
from handlers.intake import incident_id
from tests.fakes.doors import ANA, BEN, CLEO, Turn, pull
from tests.fakes.stages import (
    AT,
    DIGEST,
    LATER,
    MOVES,
    NOON,
    OAK,
    OFFERS,
    OTHER,
    PINE,
    SHUT,
    approve,
    approved,
    executed,
    executing,
    finding,
    found,
    looking,
    offer_of,
    requested,
)

S = Stage
_ALWAYS = {stage: stage for stage in Stage}

# What each transition leads to. A stage that is not named refuses it.
LEADS_TO: dict[str, dict[Stage, Stage]] = {
    "found": {S.LOOKING: S.LOOKING},
    "narrowed": {S.LOOKING: S.LOOKING},
    "folded": {S.LOOKING: S.FOLDED},
    "proposed": {S.LOOKING: S.FOUND},
    "look_again": dict.fromkeys((S.LOOKING, S.FOUND, S.NEEDS_PERSON, S.RESOLVED, S.UNDONE), S.LOOKING),
    "uncovered": {S.EXECUTED: S.LOOKING},
    "joined": _ALWAYS,
    "requested": {S.FOUND: S.REQUESTED, S.EXECUTED: S.REQUESTED},
    "approved": {S.REQUESTED: S.APPROVED},
    "rejected": {S.REQUESTED: S.FOUND},
    "expired": {S.REQUESTED: S.FOUND},
    "outdated": {S.APPROVED: S.LOOKING},
    "executing": {S.APPROVED: S.EXECUTING},
    "stepped": {S.EXECUTING: S.EXECUTING},
    "executed": {S.EXECUTING: S.EXECUTED},
    "heard": {S.HEARING: S.HEARING},
    "answered": {S.HEARING: S.NEEDS_PERSON},
    "followed_up": {S.EXECUTED: S.EXECUTED},
    "verification": {S.EXECUTED: S.EXECUTED},
    "resolved": dict.fromkeys((S.LOOKING, S.FOUND, S.REQUESTED, S.EXECUTED, S.NEEDS_PERSON), S.RESOLVED),
    "handed_over": dict.fromkeys((S.LOOKING, S.EXECUTING, S.EXECUTED, S.UNDOING), S.NEEDS_PERSON),
    "back_again": _ALWAYS,
    "undoing": dict.fromkeys((S.EXECUTED, S.RESOLVED, S.NEEDS_PERSON), S.UNDOING),
    "undone": {S.UNDOING: S.UNDONE},
}


def test_the_table_knows_every_transition_and_every_stage() -> None:
    transitions = {
        name
        for name, one in vars(Incident).items()
        if callable(one) and one.__annotations__.get("return") == "Incident" and not name.startswith("_")
    }
    assert set(LEADS_TO) == set(MOVES) == transitions
    assert set(AT) == set(Stage)
    assert all(AT[stage]().stage is stage for stage in Stage)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", MOVES)
def test_a_transition_leads_where_the_table_says_or_is_refused(name: str, stage: Stage) -> None:
    before = AT[stage]()
    leads_to = LEADS_TO[name].get(stage)
    if leads_to is None:
        with pytest.raises(NotNow) as refusal:
            MOVES[name](before)
        assert str(refusal.value)
        return
    after = MOVES[name](before)
    assert after.stage is leads_to
    assert after.id == before.id
    assert after.version == before.version  # who saves counts


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=60))
def test_whatever_happens_the_stage_and_what_it_rests_on_agree(names: list[str]) -> None:
    incident = looking()
    for name in names:
        before = incident
        try:
            incident = MOVES[name](incident)
        except NotNow:
            continue
        assert (incident.request is not None) == (incident.stage in (S.REQUESTED, S.APPROVED))
        assert len(incident.changes) >= len(before.changes)
        live = [one for one in incident.changes if one.finished and not one.error and not one.undone_by]
        if incident.stage is S.EXECUTED:
            assert live
        if incident.stage is S.UNDOING:
            assert incident.being_undone.undone_by
        if incident.stage is S.EXECUTING:
            assert incident.offer(incident.changes[-1].digest).plan is not None


# ---- looking


def test_a_later_look_replaces_what_the_same_check_said_of_the_same_pull() -> None:
    incident = looking().found([SHUT, finding(failed("shut"), workload="api")])
    again = incident.found([finding(passed("open"))])
    assert sorted(f.verdict.summary for f in again.findings) == ["open", "shut"]


def test_only_what_may_be_asked_for_makes_a_cause_found() -> None:
    assert looking().proposed([offer_of(OAK)]).stage is S.FOUND
    assert looking().proposed([offer_of(OAK, enabled=False)]).stage is S.NEEDS_PERSON
    assert looking().proposed([OFFERS[2]]).stage is S.NEEDS_PERSON
    assert looking().proposed([]).stage is S.NEEDS_PERSON


def test_the_root_cause_is_the_first_station_that_fails_and_explains() -> None:
    incident = looking().found([
        finding(failed("later"), "tag", Leg.EXISTENCE),
        finding(failed("root"), "role", Leg.CREDENTIALS),
        finding(failed("latent"), "disk", Leg.NODE, explains=False),
        finding(unknown("who knows"), "name", Leg.NAME),
    ])  # fmt: skip
    assert [one.verdict.summary for one in incident.causes] == ["root", "later"]


def test_pulls_that_fail_for_one_reason_have_one_cause() -> None:
    incident = looking().found([SHUT, finding(failed("shut", about="oak"), workload="api")])
    why = reasons(incident)
    assert why[pull().key] == why[pull("api").key]


def test_what_no_check_explains_is_told_apart_by_image_symptom_and_host() -> None:
    unexplained = [
        pull(),
        pull(image="r.example/pine:1"),
        pull(symptom=Symptom.UNAUTHORIZED),
        pull(host_kind="fargate/fp"),
    ]
    why = {reasons(replace(looking(), pulls=(one,)))[one.key] for one in unexplained}
    assert len(why) == 4
    both = reasons(looking())
    assert both[pull("web").key] == both[pull("api").key]


def test_a_newer_sighting_keeps_its_cause_and_names_the_newer_pods() -> None:
    incident = found()
    newer = replace(pull(), pods=("web-1", "web-2"))
    joined = incident.joined([newer])
    assert joined.pulls == (newer, pull("api"))
    assert reasons(joined)[newer.key] == reasons(incident)[pull().key]
    assert joined.findings == incident.findings


def test_what_joins_brings_its_findings_and_changes_none() -> None:
    theirs = finding(failed("shut", about="oak"), workload="jobs")
    other = finding(passed("open now"))
    joined = found().joined([pull("jobs")], [theirs, other])
    assert [p.workload for p in joined.pulls] == ["Deployment/web", "Deployment/api", "Deployment/jobs"]
    assert joined.findings == (SHUT, theirs)


def test_what_fails_again_has_not_recovered() -> None:
    incident = found().back_again([pull().key, pull("api").key])
    assert incident.joined([pull()]).recovered == (pull("api").key,)


def test_narrowing_leaves_nothing_of_what_goes() -> None:
    theirs = finding(failed("shut"), workload="api")
    incident = looking().found([SHUT, theirs]).back_again([pull("api").key, pull().key])
    kept = incident.narrowed([pull()])
    assert (kept.pulls, kept.findings, kept.recovered) == ((pull(),), (SHUT,), (pull().key,))


def test_looking_again_forgets_what_was_seen_and_keeps_what_was_done() -> None:
    again = executed().resolved("fixed").look_again()
    assert (again.findings, again.offers, again.verified, again.recovered) == ((), (), (), ())
    assert again.request is None
    assert again.note == ""
    assert len(again.changes) == 1


# ---- deciding


def test_only_the_plan_that_waits_can_be_decided() -> None:
    with pytest.raises(NotNow, match="not the one that waits"):
        requested().approved(OTHER, BEN, NOON, second_person=False, quorum=1)
    with pytest.raises(NotNow, match="not the one that waits"):
        requested().rejected(OTHER, BEN)
    with pytest.raises(NotNow, match="not the current one"):
        found().requested("0" * 16, ANA, NOON, LATER)
    with pytest.raises(NotNow, match="not the current one"):
        found().requested("", ANA, NOON, LATER)  # an offer without a plan has no digest


def test_what_is_not_enabled_cannot_be_asked_for() -> None:
    incident = looking().proposed([offer_of(OAK), offer_of(PINE, enabled=False)])
    with pytest.raises(NotAllowed, match=r"remedies\.enabled"):
        incident.requested(OTHER, ANA, NOON, LATER)


def test_only_an_approver_approves() -> None:
    with pytest.raises(NotAllowed, match="Ana is not an approver"):
        approve(requested(), ANA)


def test_the_asker_approves_only_where_no_second_person_is_wanted() -> None:
    asked = found().requested(DIGEST, BEN, NOON, LATER)
    assert approve(asked, BEN).stage is S.APPROVED
    with pytest.raises(NotAllowed, match="a second person must"):
        approve(asked, BEN, second_person=True)
    with pytest.raises(NotAllowed, match="a second person must"):
        approve(asked, replace(BEN, name="Benjamin"), second_person=True)
    assert approve(asked, CLEO, second_person=True).stage is S.APPROVED


def test_a_quorum_is_of_different_people() -> None:
    once = approve(requested(), BEN, quorum=2)
    assert once.stage is S.REQUESTED
    with pytest.raises(NotNow, match="Ben has approved this already"):
        approve(once, BEN, quorum=2)
    twice = approve(once, CLEO, quorum=2)
    assert twice.stage is S.APPROVED
    assert twice.executing(NOON).changes[-1].approved_by == ("Ben", "Cleo")


IN_TEAMS = Person("teams:ben", "Ben", may_approve=True, others=(BEN.id,))


@pytest.mark.parametrize(
    ("asks", "approves"),
    [
        (replace(BEN, others=(IN_TEAMS.id,)), IN_TEAMS),
        (IN_TEAMS, replace(BEN, others=(IN_TEAMS.id,))),
        (BEN, IN_TEAMS),  # it was asked before the configuration said that they are one
        (replace(IN_TEAMS, others=()), replace(BEN, others=(IN_TEAMS.id,))),
    ],
)
def test_who_asked_is_no_second_person_in_another_chat(asks: Person, approves: Person) -> None:
    asked = found().requested(DIGEST, asks, NOON, LATER)
    with pytest.raises(NotAllowed, match="a second person must"):
        approve(asked, approves, second_person=True)
    assert approve(asked, approves).stage is S.APPROVED
    assert approve(asked, CLEO, second_person=True).stage is S.APPROVED


def test_one_person_counts_once_in_a_quorum_whichever_account_approves() -> None:
    once = approve(requested(), BEN, quorum=2)
    with pytest.raises(NotNow, match="Ben has approved this already"):
        approve(once, IN_TEAMS, quorum=2)
    twice = approve(once, CLEO, quorum=2)
    assert twice.stage is S.APPROVED
    assert twice.request is not None
    assert [one.by.id for one in twice.request.approvals] == [BEN.id, CLEO.id]


@pytest.mark.parametrize(
    ("asks", "approves"),
    [(ANA, replace(IN_TEAMS, unsure=True)), (replace(ANA, unsure=True), IN_TEAMS)],
    ids=["who approves", "who asked"],
)
def test_whoever_may_be_the_one_who_asked_is_no_second_person(asks: Person, approves: Person) -> None:
    asked = found().requested(DIGEST, asks, NOON, LATER)
    with pytest.raises(NotNow, match="Ben and Ana are two people"):
        approve(asked, approves, second_person=True)
    assert approve(asked, approves).stage is S.APPROVED
    assert approve(asked, CLEO, second_person=True).stage is S.APPROVED, "in one chat two accounts are two"


def test_whoever_may_have_approved_already_does_not_count_again() -> None:
    once = approve(requested(), CLEO, quorum=2)
    with pytest.raises(NotNow, match="Ben and Cleo are two people"):
        approve(once, replace(IN_TEAMS, unsure=True), quorum=2)
    assert approve(once, IN_TEAMS, quorum=2).stage is S.APPROVED


def test_why_somebody_may_not_approve_is_told_as_it_was_found() -> None:
    away = replace(ANA, why_not="it cannot be told whether Ana may approve: the group could not be read")
    with pytest.raises(NotAllowed, match="the group could not be read"):
        approve(requested(), away)
    with pytest.raises(NotAllowed, match="the group could not be read"):
        executed().undoing(DIGEST, away)


def test_who_asked_may_take_it_back_in_another_chat() -> None:
    asked = found().requested(DIGEST, ANA, NOON, LATER)
    there = Person("teams:ana", "Ana", others=(ANA.id,))
    assert asked.rejected(DIGEST, there).note == "rejected by Ana"
    with pytest.raises(NotAllowed):
        asked.rejected(DIGEST, replace(there, others=()))


def test_nobody_approves_what_has_expired() -> None:
    assert approve(requested(), BEN, at=LATER - timedelta(seconds=1)).stage is S.APPROVED
    with pytest.raises(NotNow, match="expired"):
        approve(requested(), BEN, at=LATER)
    with pytest.raises(NotNow, match="not yet"):
        requested().expired(LATER - timedelta(seconds=1))
    assert "expired" in requested().expired(LATER).note


def test_who_asked_may_take_it_back_and_a_bystander_may_not() -> None:
    assert requested().rejected(DIGEST, ANA).note == "rejected by Ana"
    with pytest.raises(NotAllowed, match="Dan is not an approver and did not ask"):
        requested().rejected(DIGEST, Person("test:dan", "Dan"))


@pytest.mark.parametrize("comes_to_nothing", ["rejected", "expired"])
def test_a_request_that_comes_to_nothing_goes_back_to_where_it_was_asked(comes_to_nothing: str) -> None:
    def nothing(incident: Incident) -> Incident:
        return incident.rejected(OTHER, BEN) if comes_to_nothing == "rejected" else incident.expired(LATER)

    while_verifying = executed().requested(OTHER, ANA, NOON, LATER)
    assert nothing(while_verifying).stage is S.EXECUTED
    # It failed anew after it was fixed: the old change is no reason to go on verifying.
    failed_anew = executed().resolved().look_again().found([SHUT]).proposed(OFFERS)
    assert nothing(failed_anew.requested(OTHER, ANA, NOON, LATER)).stage is S.FOUND


def test_what_was_done_is_not_asked_for_again_unless_it_is_found_necessary_anew() -> None:
    with pytest.raises(NotNow, match="done already"):
        executed().requested(DIGEST, ANA, NOON, LATER)
    anew = executed().resolved().look_again().proposed(OFFERS)
    assert anew.requested(DIGEST, ANA, NOON, LATER).stage is S.REQUESTED


def test_an_outdated_plan_leaves_nothing_to_approve() -> None:
    again = approved().outdated("the policy changed")
    assert (again.offers, again.findings, again.request) == ((), (), None)
    assert again.note == "nothing was changed: the policy changed"


# ---- acting and undoing


def test_a_failed_change_is_handed_over_with_nothing_left_to_press() -> None:
    after = executing().executed(LATER, error="access denied")
    assert after.stage is S.NEEDS_PERSON
    assert after.offers == ()
    assert after.undoable is None
    assert after.changes[-1].whole


def test_a_change_that_was_not_wholly_put_back_says_so() -> None:
    after = executing().stepped(OAK).executed(LATER, error="access denied", walked_back=0)
    assert not after.changes[-1].whole


def test_only_an_approver_undoes() -> None:
    with pytest.raises(NotAllowed, match="Ana is not an approver"):
        executed().undoing(DIGEST, ANA)


def test_a_change_is_undone_once() -> None:
    after = executed().undoing(DIGEST, BEN).handed_over("it stopped")
    assert after.undoable is None
    with pytest.raises(NotNow, match="nothing to undo"):
        after.undoing(DIGEST, BEN)


def changed_twice() -> Incident:
    """Oak was opened, and when it failed anew pine was."""
    anew = (
        executed().resolved().look_again().proposed(OFFERS).requested(OTHER, ANA, LATER, LATER + timedelta(1))
    )
    agreed = anew.approved(OTHER, BEN, LATER, second_person=False, quorum=1)
    return agreed.executing(LATER).stepped(PINE).executed(LATER)


def test_only_the_newest_change_is_undone_and_then_the_one_before() -> None:
    both = changed_twice()
    with pytest.raises(NotNow, match="nothing to undo"):
        both.undoing(DIGEST, BEN)
    first = both.undoing(OTHER, BEN)
    assert first.being_undone.digest == OTHER
    then = first.undone().look_again().proposed(OFFERS).undoing(DIGEST, CLEO)
    assert then.being_undone.digest == DIGEST
    assert [one.undone_by for one in then.changes] == ["Cleo", "Ben"]


def test_what_has_no_way_back_is_not_offered_to_be_undone() -> None:
    class OneWay(Turn):
        def inverse(self) -> Turn:
            return None  # type: ignore[return-value]  # a step may have no way back; Turn promises one

    burnt = executing().stepped(OneWay("oak", before=True, after=False)).executed(LATER)
    assert burnt.undoable is None


def test_an_id_names_the_same_pulls_at_the_same_time() -> None:
    one = incident_id("prod", [pull(), pull("api")], NOON)
    assert one == incident_id("prod", [pull("api"), pull()], NOON)
    assert len(one) == 8
    assert (
        len({one, incident_id("prod", [pull()], NOON), incident_id("prod", [pull(), pull("api")], LATER)})
        == 3
    )
