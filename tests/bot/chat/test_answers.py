"""What a thread says of a question: who is asked, how to end it, and the answer as text and nothing else."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.message import Code
from bot.chat.present import present
from handlers.incident import Incident, Stage
from handlers.question import Heard
from tests.bot.chat.test_present import labels, messages, said
from tests.fakes.doors import ANA, BEN
from tests.fakes.porter import Knock
from tests.fakes.stages import ASK, AT, LATER, NOON, hearing, puzzled

HOSTILE = "<!channel> *not bold* `rm -rf /` & <https://evil.example|click>"
OVER = Heard("Success", (("Report", HOSTILE), ("try: Failed", "not authorized")), over=True)


def answered(heard: Heard = OVER) -> Incident:
    return hearing().heard(heard).answered()


def test_a_question_is_proposed_like_a_change_and_warns() -> None:
    told = said(puzzled(), f"offer:{ASK.digest}")
    assert "Mind: he gossips" in told
    assert "CANNOT be undone" in told
    assert told.endswith("[Fix: Ask the porter]")
    assert "🙋 Needs a person" in said(puzzled(), "root")


def test_while_it_is_asked_the_root_says_who_and_the_thread_how_to_end_it() -> None:
    assert "the porter thinks about web-1 (number n-web-1)" in said(hearing(), "root")
    assert said(hearing(), "heard:0") == (
        "# What is answered so far\n"
        "the porter thinks about web-1 (number n-web-1): was asked just now\n"
        "To look at it by hand, and to end it:\n"
        "    listen n-web-1\n"
        "    leave n-web-1"
    )
    assert not any(label.startswith(("Fix", "Undo")) for label in labels(hearing()))


def test_how_far_it_is_and_why_it_could_not_be_asked_is_told() -> None:
    told = said(hearing().heard(Heard("thinking", trouble="denied: grant porter:Listen")), "heard:0")
    assert "thinking\n" in told
    assert "The last time it could not be asked: denied: grant porter:Listen; it is asked again" in told


def test_the_answer_is_shown_as_code_and_judged_by_people() -> None:
    incident = answered()
    assert said(incident, "heard:0") == (
        "# What was answered\n"
        "the porter thinks about web-1 (number n-web-1): ended as Success\n"
        f"Report\n    {HOSTILE}\n"
        "try: Failed\n    not authorized\n"
        "It changes nothing here: a person judges what it is worth."
    )
    assert Code(HOSTILE) in messages(incident)["heard:0"].blocks
    assert "🙋 Needs a person" in said(incident, "root")
    assert "the porter" not in said(incident, "root")
    assert "[Fix" not in said(incident, f"offer:{ASK.digest}")
    assert "Undo" not in labels(incident)


def test_an_answer_without_words_says_so() -> None:
    assert "ended as Failed, and said nothing" in said(answered(Heard("Failed", over=True)), "heard:0")


def test_what_was_not_answered_in_time_can_still_be_looked_at() -> None:
    told = said(hearing().heard(Heard("thinking")).answered("no answer within 30 minutes"), "heard:0")
    assert "no answer yet when the time was up (thinking)" in told
    assert "listen n-web-1" in told


def test_what_could_not_be_asked_says_that_nothing_is_known_to_run() -> None:
    asked = puzzled().requested(ASK.digest, ANA, NOON, LATER)
    begun = asked.approved(ASK.digest, BEN, NOON, second_person=True, quorum=1).executing(NOON)
    failed = begun.executed(LATER, error="the porter does not hear")
    told = said(failed, "change:0")
    assert "the porter does not hear; nothing is known to have been started" in told
    assert "heard:0" not in messages(failed)
    assert "Fix: Ask the porter" in labels(failed)
    lost = begun.stepped(Knock("web-1")).executed(LATER, error="he is gone")
    assert "he is gone; it may run all the same" in said(lost, "change:0")
    assert "heard:0" not in messages(lost)


def test_what_lacks_something_is_shown_as_commands_and_says_what() -> None:
    assert ASK.plan is not None
    lacking = replace(ASK, plan=replace(ASK.plan, lacks="nobody is at the lodge"), enabled=False)
    told = said(replace(puzzled(), offers=(lacking,)), f"offer:{ASK.digest}")
    assert told.endswith(
        "Not carried out by this bot (nobody is at the lodge): a person can run the commands above."
    )


def test_only_a_question_has_an_answer() -> None:
    for stage in Stage:
        if stage is not Stage.HEARING:
            assert not any(one.key.startswith("heard") for one in present(AT[stage]()).replies), stage
