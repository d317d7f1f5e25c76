"""What a thread says at every stage; that text from outside stays text; that it never grows out of hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.actions import Verb, parse_action
from bot.chat.message import (
    Block,
    Bold,
    Button,
    Buttons,
    Code,
    Heading,
    Link,
    Message,
    Mono,
    Pairs,
    Paragraph,
)
from bot.chat.present import headline, present, subject
from checks.model import Finding, Leg, failed, passed, unknown
from handlers.decision import NotNow, Offer
from handlers.incident import Incident, Stage
from handlers.remedy import ByHand, Diff, Plan, Risk
from tests.fakes.doors import ANA, BEN, CLEO, Turn, open_door, pull
from tests.fakes.stages import (
    AT,
    DIGEST,
    LATER,
    MOVES,
    NOON,
    OAK,
    OFFERS,
    OTHER,
    SHUT,
    approve,
    executed,
    executing,
    finding,
    found,
    looking,
    offer_of,
    requested,
)


def lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield f"# {text}"
        case Paragraph(line):
            yield "".join(span if isinstance(span, str) else span.text for span in line)
        case Pairs(rows):
            yield from (f"{name}: {value}" for name, value in rows)
        case Code(text):
            yield from (f"    {line}" for line in text.split("\n"))
        case Buttons(buttons):
            yield " ".join(f"[{one.label}]" for one in buttons)


def text(message: Message) -> str:
    return "\n".join(line for block in message.blocks for line in lines(block))


def messages(incident: Incident) -> dict[str, Message]:
    thread = present(incident)
    every = (thread.root, *thread.replies)
    assert len({one.key for one in every}) == len(every), "a key names one message"
    return {one.key: one for one in every}


def said(incident: Incident, key: str) -> str:
    return text(messages(incident)[key])


def buttons(incident: Incident) -> list[Button]:
    return [
        one
        for message in messages(incident).values()
        for block in message.blocks
        if isinstance(block, Buttons)
        for one in block.buttons
    ]


def labels(incident: Incident) -> list[str]:
    return [one.label for one in buttons(incident)]


# ---- the root


def test_the_root_of_a_new_incident() -> None:
    assert said(looking(), "root") == (
        "# Deployment/api and 1 more workload cannot pull its image\n"
        "Deployment/web in shop on prod: r.example/oak:1\n"
        "Deployment/api in shop on prod: r.example/oak:1\n"
        "🔎 Looking · the checks are running\n"
        "2 pods · forbidden · incident 1a2b3c4d"
    )
    assert list(messages(looking())) == ["root"]


def test_what_fails_on_ecs_is_told_in_tasks() -> None:
    of_ecs = replace(looking(), pulls=(replace(pull(), workload="Service/web"),))
    assert "\n1 task · forbidden" in said(of_ecs, "root")


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        (Stage.LOOKING, "🔎 Looking"),
        (Stage.FOUND, "🎯 Cause found"),
        (Stage.REQUESTED, "⏳ Waiting for approval"),
        (Stage.APPROVED, "🔧 Fixing"),
        (Stage.EXECUTING, "🔧 Fixing"),
        (Stage.EXECUTED, "🔧 Fixing: the change is made, waiting for a real pull"),
        (Stage.HEARING, "🩺 Asking for a second opinion"),
        (Stage.UNDOING, "↩️ Undoing"),
        (Stage.RESOLVED, "✅ Fixed"),
        (Stage.UNDONE, "↩️ Undone"),
        (Stage.NEEDS_PERSON, "🙋 Needs a person"),
        (Stage.FOLDED, "🔗 Same cause as another incident"),
    ],
)
def test_the_root_and_its_notification_show_the_present_state(stage: Stage, state: str) -> None:
    root = messages(AT[stage]())["root"]
    assert f"\n{state} · " in text(root)
    assert root.fallback.startswith(f"{state}: Deployment/api and 1 more workload: ")


def test_the_root_tells_the_cause_once_it_is_known() -> None:
    assert "🎯 Cause found · shut" in said(found(), "root")


def test_a_note_is_told_where_everybody_looks_first() -> None:
    rejected = requested().rejected(DIGEST, BEN)
    assert said(rejected, "root").endswith("incident 1a2b3c4d · rejected by Ben")


def test_an_incident_that_is_told_elsewhere_says_where() -> None:
    assert said(looking().folded("4d3c2b1a"), "root").endswith("the thread of incident 4d3c2b1a")


def test_many_workloads_are_counted_and_not_listed() -> None:
    many = replace(looking(), pulls=tuple(pull(f"web{n}", f"r.example/{n}:1") for n in range(8)))
    assert said(many, "root").splitlines()[0] == (
        "# Deployment/web0 and 7 more workloads cannot pull their images"
    )
    assert "… and 3 more" in said(many, "root")
    assert "8 pods" in said(many, "root")
    assert subject(replace(many, pulls=many.pulls[:1])) == "Deployment/web0"


def test_what_is_not_known_is_called_unknown() -> None:
    one = looking().found([finding(unknown("denied"))]).proposed([])
    assert headline(one) == "the cause is unknown: 1 check could not be decided"
    both = [
        finding(unknown("denied")),
        finding(unknown("denied"), workload="api"),
        finding(unknown("late"), "tag"),
    ]
    assert (
        headline(looking().found(both).proposed([])) == "the cause is unknown: 2 checks could not be decided"
    )
    assert headline(looking().found([finding(passed("open"))]).proposed([])) == "no check explains it"


# ---- the diagnosis


def test_the_diagnosis_tells_the_cause_first_and_what_passed_last() -> None:
    findings = [
        finding(passed("the name is fine"), "name", Leg.REFERENCE),
        finding(unknown("could not look"), "disk", Leg.NODE),
        finding(failed("the wrong key"), "key", Leg.SECRET, explains=False),
        finding(failed("no such tag"), "tag", Leg.EXISTENCE),
        finding(failed("shut", ("Door", "oak")), "door", Leg.RIGHTS),
    ]
    findings = [replace(one, title=one.check.capitalize()) for one in findings]
    alone = replace(looking(), pulls=(pull(),)).found(findings).proposed(OFFERS)
    assert said(alone, "diagnosis") == (
        "# Diagnosis\n"
        "✗ Door: shut\n"
        "Door: oak\n"
        "✗ Tag: no such tag\n"
        "✗ Key (also wrong, not the cause now): the wrong key\n"
        "? Disk: could not look\n"
        "✓ Name\n"
        "The runtime said:\n"
        "    403 Forbidden\n"
        "[Check again] [Mute 2 h]"
    )


def test_a_finding_is_told_once_with_whom_it_concerns_where_they_differ() -> None:
    both = looking().found([SHUT, replace(SHUT, subject=pull("api"))])
    assert said(both, "diagnosis").count("shut") == 1
    assert "[Deployment" not in said(both, "diagnosis")
    one = looking().found([SHUT, finding(passed("open"), workload="api")])
    assert "The door is open [Deployment/web]: shut" in said(one, "diagnosis")
    assert "✓ The door is open [Deployment/api]" in said(one, "diagnosis")


def test_what_explains_one_pull_and_not_another_is_told_as_both() -> None:
    mixed = looking().found([replace(SHUT, subject=pull("api"), explains=False), SHUT])
    told = said(mixed, "diagnosis").splitlines()
    assert told[1] == "✗ The door is open [Deployment/web]: shut"
    assert told[2] == "✗ The door is open (also wrong, not the cause now) [Deployment/api]: shut"


def test_a_pull_that_hangs_says_nothing() -> None:
    silent = replace(looking(), pulls=(pull(message=""),)).found([SHUT])
    assert "(nothing: the pull hangs)" in said(silent, "diagnosis")


@pytest.mark.parametrize("stage", Stage)
def test_who_waits_for_nothing_may_look_again_or_mute(stage: Stage) -> None:
    settled = {Stage.FOUND, Stage.NEEDS_PERSON, Stage.RESOLVED, Stage.UNDONE}
    assert ({"Check again", "Mute 2 h"} <= set(labels(AT[stage]()))) == (stage in settled)


# ---- offers


def test_an_offer_shows_the_exact_change_and_the_way_back() -> None:
    assert said(found(), f"offer:{DIGEST}") == (
        "# Open the door\n"
        "oak\n"
        "    @@ -1 +1 @@\n"
        "    -shut\n"
        "    +open\n"
        "The same by hand:\n"
        "    turn oak\n"
        f"Risk medium · can be undone · plan {DIGEST}\n"
        "[Fix: Open the door]"
    )


def test_an_offer_warns_of_what_an_approver_must_weigh() -> None:
    plan = Plan((OAK,), choice="only for web", caution="it may be shut on purpose")
    incident = looking().proposed([Offer.of(open_door, plan, enabled=True)])
    told = said(incident, f"offer:{plan.digest}")
    assert told.startswith("# Open the door: only for web\nMind: it may be shut on purpose\n")


def test_what_has_no_way_back_says_so_loudly() -> None:
    class OneWay(Turn):
        def inverse(self) -> Turn:
            return None  # type: ignore[return-value]  # a step may have no way back; Turn promises one

    incident = looking().proposed([offer_of(OneWay("oak", before=True, after=False))])
    assert "CANNOT be undone" in "".join(map(text, messages(incident).values()))


def test_what_is_not_enabled_is_shown_as_commands_without_a_button() -> None:
    incident = looking().proposed([offer_of(OAK, enabled=False)])
    told = said(incident, f"offer:{DIGEST}")
    assert "turn oak" in told
    assert "Not enabled" in told
    assert not any(label.startswith("Fix") for label in labels(incident))


def test_what_is_not_offered_says_why_once() -> None:
    refused = Offer.of(open_door, None, refused="the door is open already")
    incident = looking().proposed([refused, refused])
    assert said(incident, "not-offered") == (
        "# Not offered, and why\nOpen the door: the door is open already"
    )


def test_what_only_a_person_may_do_is_told_with_commands_to_copy() -> None:
    advice = Offer(
        "door/knock", "Knock", Risk.HIGH, "door", None, "the owner knocks",
        by_hand=ByHand("the owner knocks", ("knock <!channel>", "wait"), "the dog barks"),
    )  # fmt: skip
    incident = looking().proposed([advice, advice])
    assert incident.stage is Stage.NEEDS_PERSON
    assert said(incident, "by-hand").splitlines() == [
        "# What a person would do",
        "Knock: the owner knocks",
        "Mind: the dog barks",
        "    knock <!channel>",
        "    wait",
    ]
    assert Code("knock <!channel>\nwait") in messages(incident)["by-hand"].blocks
    assert "not-offered" not in messages(incident)


def test_a_fix_can_only_be_asked_for_while_a_person_decides() -> None:
    fix = "Fix: Open the door"
    assert labels(found()).count(fix) == 2
    for stage in Stage:
        if stage not in (Stage.FOUND, Stage.EXECUTED):
            assert fix not in labels(AT[stage]()), stage


def test_what_was_done_cannot_be_asked_for_again_unless_it_fails_anew() -> None:
    fixes = [parse_action(one.action).digest for one in buttons(executed()) if one.label.startswith("Fix")]
    assert fixes == [OTHER]
    anew = executed().resolved().look_again().found([SHUT]).proposed(OFFERS)
    fixes = [parse_action(one.action).digest for one in buttons(anew) if one.label.startswith("Fix")]
    assert fixes == [DIGEST, OTHER]


@pytest.mark.parametrize(
    ("before", "after", "shows"),
    [
        ("-- a comment\nkept", "kept", ["--- a comment"]),
        ("kept", "++ more\nkept", ["+++ more"]),
        ("---\na: 1", "---\na: 2", [" ---", "-a: 1", "+a: 2"]),
        ("", "new", ["+new"]),
        ("old", "", ["-old"]),
    ],
)
def test_a_diff_hides_no_line_that_looks_like_its_own_head(before: str, after: str, shows: list[str]) -> None:
    told = Diff("", before, after).unified().split("\n")
    assert told[0].startswith("@@ ")
    assert set(shows) <= set(told)


PLAIN = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=6)
TEXTS = st.lists(PLAIN, max_size=8).map("\n".join)


@given(TEXTS, TEXTS)
def test_every_line_that_goes_or_comes_is_in_the_diff(before: str, after: str) -> None:
    told = Diff("", before, after).unified().split("\n")
    olds, news = before.splitlines(), after.splitlines()
    gone = [line[1:] for line in told if line.startswith("-")]
    new = [line[1:] for line in told if line.startswith("+")]
    assert len(olds) - len(gone) == len(news) - len(new)
    assert all(line in gone for line in olds if line not in news)
    assert all(line in new for line in news if line not in olds)


# ---- request, change, verification


def test_a_request_names_who_asks_for_what_until_when() -> None:
    [key] = [key for key in messages(requested()) if key.startswith("request:")]
    assert said(requested(), key) == (
        "Ana asks for approval: Open the door (until 12:30 UTC)\n"
        f"Plan {DIGEST}, shown above.\n"
        "[Approve] [Reject]"
    )
    once = approve(requested(), BEN, quorum=2)
    assert "Approved so far by Ben; it waits for another approver." in said(once, key)


def test_another_request_is_another_message() -> None:
    keys = {
        key
        for at in (NOON, NOON + timedelta(minutes=5))
        for key in messages(found().requested(DIGEST, ANA, at, LATER))
        if key.startswith("request:")
    }
    assert len(keys) == 2


def test_a_request_that_was_decided_leaves_no_buttons() -> None:
    for after in (requested().rejected(DIGEST, BEN), requested().expired(LATER), approve(requested(), BEN)):
        assert not {"Approve", "Reject"} & set(labels(after))


def test_a_change_tells_how_far_it_is() -> None:
    assert "Approved by Ben. step 1 of 1 is running (begun at " in said(executing(), "change:0")
    assert "step 1 of 1 is running" in said(executing().stepped(OAK), "change:0")
    assert said(executed(), "change:0") == (
        "# Open the door\nApproved by Ben. done: 1 of 1 steps\noak\n"
        "    @@ -1 +1 @@\n    -shut\n    +open\n[Undo]"
    )


def test_a_change_that_failed_says_what_is_left_of_it() -> None:
    at_once = executing().executed(LATER, error="access denied")
    assert "failed at step 1 of 1: access denied; nothing was changed" in said(at_once, "change:0")
    back = executing().stepped(OAK).executed(LATER, error="access denied", walked_back=1)
    assert "access denied; everything was put back" in said(back, "change:0")
    half = executing().stepped(OAK).executed(LATER, error="access denied", walked_back=0)
    assert "access denied; 0 of 1 steps were put back; look at the others" in said(half, "change:0")
    for one in (at_once, back, half):
        assert "Undo" not in labels(one)


def test_an_undo_is_told_as_far_as_it_went() -> None:
    undoing = executed().undoing(DIGEST, BEN)
    assert "done, and is being undone, as Ben asked" in said(undoing, "change:0")
    assert "done, and then undone by Ben" in said(undoing.undone(), "change:0")
    stopped = undoing.handed_over("undo stopped: the key is stuck")
    assert "done, and was not wholly undone, as Ben asked" in said(stopped, "change:0")
    assert "undo stopped: the key is stuck" in said(stopped, "root")


@pytest.mark.parametrize("stage", Stage)
def test_undo_can_be_pressed_exactly_when_it_would_be_done(stage: Stage) -> None:
    incident = AT[stage]()
    assert ("Undo" in labels(incident)) == (incident.undoable is not None)


def test_the_verification_says_whether_it_helped() -> None:
    waits = executed().verification([finding(passed("open")), finding(failed("not yet"), "pulled")])
    assert said(waits, "verification") == (
        "# Watching whether it helped\n✗ The door is open: not yet\n✓ The door is open: open"
    )
    assert said(waits.handed_over("no pull"), "verification").startswith("# Not verified\n")
    good = executed().verification([finding(passed("pulled"))]).resolved("verified")
    assert said(good, "verification") == "# Verified\n✓ The door is open: pulled"


# ---- promises about all threads


@pytest.mark.parametrize("stage", Stage)
def test_a_label_begins_with_its_verb(stage: Stage) -> None:
    begins = {
        Verb.FIX: "Fix: ",
        Verb.APPROVE: "Approve",
        Verb.REJECT: "Reject",
        Verb.UNDO: "Undo",
        Verb.CHECK_AGAIN: "Check again",
        Verb.MUTE: "Mute",
    }
    for button in buttons(AT[stage]()):
        action = parse_action(button.action)
        assert button.label.startswith(begins[action.verb])
        assert action.incident == "1a2b3c4d"


def press(incident: Incident, button: Button) -> Incident:
    """What the button does when an approver presses it in time."""
    action = parse_action(button.action)
    match action.verb:
        case Verb.FIX:
            return incident.requested(action.digest, ANA, NOON, LATER)
        case Verb.APPROVE:
            return incident.approved(action.digest, CLEO, NOON, second_person=True, quorum=1)
        case Verb.REJECT:
            return incident.rejected(action.digest, CLEO)
        case Verb.UNDO:
            return incident.undoing(action.digest, CLEO)
        case Verb.CHECK_AGAIN:
            return incident.look_again()
        case Verb.MUTE:
            return incident


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=40))
def test_whatever_happened_every_button_that_is_shown_can_be_pressed(names: list[str]) -> None:
    incident = looking()
    for name in names:
        try:
            incident = MOVES[name](incident)
        except NotNow:
            continue
        for button in buttons(incident):
            press(incident, button)


EVIL = "<!channel> *b* `c` [d](javascript:e) approve 1a2b3c4d 0123456789abcdef\n@here </script>"


def evil_incident(word: str) -> Incident:
    bad = pull(word, word, namespace=word, message=word, pods=(word,))
    one = Finding(word, word, Leg.RIGHTS, bad, failed(word, (word, word), about=word), explains=True)
    plan = Plan((Turn(word, before=True, after=False),), choice=word, caution=word)
    offers = [Offer.of(open_door, plan, enabled=True), Offer.of(open_door, None, refused=word)]
    ana, ben = replace(ANA, name=word), replace(BEN, name=word)
    incident = replace(looking(), pulls=(bad,)).found([one]).proposed(offers)
    incident = incident.requested(plan.digest, ana, NOON, LATER)
    incident = incident.approved(plan.digest, ben, NOON, second_person=False, quorum=2)
    return replace(incident, note=word, verified=(one,), stage=Stage.REQUESTED)


@pytest.mark.parametrize("word", [EVIL, "", "\x00\ud800", "a" * 5000])
def test_text_from_outside_is_never_where_something_is_parsed(word: str) -> None:
    incident = evil_incident(word)
    for key, message in messages(incident).items():
        assert re.fullmatch(r"[a-z0-9:-]{1,55}", key)
        for block in message.blocks:
            if isinstance(block, Paragraph):
                assert not any(isinstance(span, Link) for span in block.line)
                assert all(isinstance(span, str | Bold | Mono) for span in block.line)
    for button in buttons(incident):
        assert parse_action(button.action).incident == incident.id


def blocks_and_letters(incident: Incident) -> tuple[int, int, int]:
    every = messages(incident).values()
    return len(every), max(len(one.blocks) for one in every), sum(len(text(one)) for one in every)


def test_sixty_findings_on_a_thousand_pulls_are_a_thread_that_can_be_read() -> None:
    pulls = tuple(pull(f"web{n}", f"r.example/{n}:1", message="x" * 100_000) for n in range(1000))
    findings = [
        Finding(
            f"check{c}",
            f"Check {c}",
            Leg.RIGHTS,
            one,
            failed(f"{one.image} is wrong", ("a", "b")),
            explains=True,
        )
        for one in pulls
        for c in range(60 if one is pulls[0] else 2)
    ]
    offers = [offer_of(Turn(one.image, before=True, after=False)) for one in pulls]
    offers += [Offer.of(open_door, None, refused=f"{one.image} is open") for one in pulls]
    incident = replace(looking(), pulls=pulls).found(findings).proposed(offers)
    count, most, letters = blocks_and_letters(incident)
    assert count <= 15
    assert most <= 50
    assert letters < 20_000
    assert "… and 2038 more" in said(incident, "diagnosis")
    assert "990 more plans" in said(incident, "not-offered")
    assert "… and 980 more" in said(incident, "not-offered")
    verified = replace(incident, stage=Stage.EXECUTED, verified=tuple(findings))
    assert blocks_and_letters(verified)[1] <= 50
