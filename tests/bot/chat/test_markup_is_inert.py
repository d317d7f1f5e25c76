"""Strangers' texts are only ever shown, on every chat: told by where they stand in what is sent.

Slack and Teams themselves cannot be asked here. Both document which of their fields are read for markup
and which are not, so the property is: strangers' texts stand in the latter only, whatever they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from bot.chat.present import present
from bot.chat.slack import blocks as slack
from bot.chat.teams import card as teams
from checks.model import Finding, Leg, failed
from handlers.decision import NotNow, Offer
from handlers.incident import Incident, Stage
from handlers.remedy import ByHand, Plan
from tests.fakes import cards, slack_rules
from tests.fakes.doors import ANA, BEN, Turn, open_door, pull
from tests.fakes.messages import NASTY, RELAXED, crowded
from tests.fakes.stages import AT, LATER, MOVES, NOON, looking

# Every text of a stranger has it, and nothing of ours.
WORD = "zqx"
SHOWN_BY_SLACK = {("text", "text"), ("link", "text"), ("plain_text", "text")}
SHOWN_BY_TEAMS = {
    ("TextRun", "text"),
    ("Action.Execute", "title"),
    ("Action.Execute", "tooltip"),
    ("Action.Submit", "title"),
    ("Action.Submit", "tooltip"),
    ("message", "summary"),
}

theirs = st.builds(
    lambda left, right, n: f"{WORD}{left}{right * n}{WORD}",
    st.sampled_from(NASTY),
    st.one_of(st.sampled_from(NASTY), st.text(max_size=20)),
    st.sampled_from([1, 1, 1, 3, 3000]),
)
spans = st.one_of(
    theirs,
    theirs.map(Bold),
    theirs.map(Mono),
    st.builds(
        Link, theirs, st.one_of(theirs, theirs.map("javascript:".__add__), st.just("https://e.example/"))
    ),
)
blocks = st.one_of(
    theirs.map(Heading),
    theirs.map(Code),
    theirs.map(lambda text: Code(f"@@ -1 +1 @@\n-{text}\n+{text}")),
    st.lists(spans, min_size=1, max_size=4).map(lambda line: Paragraph(tuple(line))),
    st.builds(lambda name, value: Pairs(((name, value),) * 3), theirs, theirs),
    theirs.map(lambda label: Buttons((Button(label, "approve 1a2b3c4d 0123456789abcdef", "danger"),))),
)
messages = st.builds(
    lambda said, many: Message("root", said, tuple(many)), theirs, st.lists(blocks, max_size=12)
)


def fields(value: Any, word: str, inside: tuple[str, str] = ("", "")) -> Iterator[tuple[str, str]]:
    """The type and the key of every object's texts that contain the word; the keys themselves count, too."""
    if isinstance(value, dict):
        kind = str(value.get("type", ""))
        yield from ((kind, "") for key in value if word in key)
        for key, inner in value.items():
            yield from fields(inner, word, (kind, key))
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, word, (inside[0], f"{inside[1]}[]"))
    elif isinstance(value, str) and word in value:
        yield inside


def check(message: Message) -> None:
    """Both chats take it, with the same buttons, and strangers' texts stand where they are only shown."""
    text, made = slack.render(message)
    slack_rules.check_message(text, made)  # the notification is escaped
    assert set(fields(made, WORD)) <= SHOWN_BY_SLACK
    sent = teams.as_activity(message, key="root", refresh_for=["29:ana"])
    cards.check_activity(sent)
    assert set(fields(sent, WORD)) <= SHOWN_BY_TEAMS
    pressed = [one["data"]["action"] for one in cards.buttons(sent["attachments"][0]["content"])]
    assert [one["value"] for one in slack_rules.buttons(made)] == pressed
    assert pressed == [
        one.action for block in message.blocks if isinstance(block, Buttons) for one in block.buttons
    ]


@settings(RELAXED, max_examples=80)
@given(messages)
def test_texts_of_strangers_stand_where_nothing_reads_markup(message: Message) -> None:
    check(message)


def test_those_are_all_the_fields_there_are() -> None:
    """Or the test above might look for what never is anywhere."""
    link = Paragraph((Link(WORD, "https://e.example/"),))
    button = Button(f"Fix: {WORD} in every way that anybody thought of", "undo 1a2b3c4d")
    message = Message("root", WORD, (Heading(WORD), link, Code(WORD), Buttons((button,))))
    assert set(fields(slack.render(message)[1], WORD)) == SHOWN_BY_SLACK
    assert set(fields(teams.as_activity(message), WORD)) == SHOWN_BY_TEAMS


@settings(RELAXED, max_examples=20)
@given(crowded)
def test_both_take_a_message_with_sixty_buttons(message: Message) -> None:
    check(message)


@pytest.mark.parametrize("text", NASTY)
def test_both_show_the_same_and_all_of_it(text: str) -> None:
    several: list[Block] = [
        Heading(f"h {text} h"),
        Paragraph((f"p {text} ", Bold(f"b {text} "), Mono(f"m {text} "), Link(f"l {text} l", "https://e/"))),
        Pairs(((f"n {text} n", f"v {text} v"),)),
        Code(f"c {text} c"),
        Buttons((Button(f"x {text[:60]} x", "undo 1a2b3c4d"),)),
    ]
    message = Message("root", "fallback", tuple(several))
    seen = cards.flattened(teams.render(message))
    assert seen == slack_rules.flattened(*slack.render(message))
    harmless = text.translate({0: 0xFFFD, 0x1B: 0xFFFD, 0x202E: 0xFFFD, 0xD800: 0xFFFD, 0x0D: None})
    assert seen.count(harmless) >= 8


@pytest.mark.parametrize(
    "url", ["javascript:zqx", "slack://zqx", "msteams:zqx", "//zqx", "https://zqx\u202e/"]
)
def test_an_address_that_is_none_of_the_web_is_nowhere(url: str) -> None:
    message = Message("root", "x", (Paragraph((Link("here", url),)),))
    assert not list(fields(slack.render(message)[1], WORD))
    assert not list(fields(teams.as_activity(message), WORD))


# ---- what the presenter really says


def told(incident: Incident) -> None:
    thread = present(incident)
    for message in (thread.root, *thread.replies):
        check(message)


@pytest.mark.parametrize("stage", list(Stage))
def test_both_take_the_thread_of_every_stage(stage: Stage) -> None:
    told(AT[stage]())


@settings(RELAXED, max_examples=40)
@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=30))
def test_both_take_the_thread_whatever_happened(names: list[str]) -> None:
    incident = looking()
    for name in names:
        try:
            incident = MOVES[name](incident)
        except NotNow:
            continue
    told(incident)


def evil(word: str) -> Incident:
    """One that strangers wrote as far as they can, and somewhat further."""
    bad = replace(pull(word, word, namespace=word, message=word, pods=(word,)), image=word)
    found = Finding(word, word, Leg.RIGHTS, bad, failed(word, (word, word), about=word), explains=True)
    plan = Plan((Turn(word, before=True, after=False),), choice=word, caution=word)
    offers = [
        Offer.of(open_door, plan, enabled=True),
        Offer.of(open_door, None, refused=word),
        replace(Offer.of(open_door, None, refused=""), by_hand=ByHand(word, (word,), word)),
    ]
    incident = replace(looking(), pulls=(bad,)).found([found]).proposed(offers)
    incident = incident.requested(plan.digest, replace(ANA, name=word), NOON, LATER)
    incident = incident.approved(plan.digest, replace(BEN, name=word), NOON, second_person=False, quorum=2)
    return replace(incident, note=word, verified=(found,))


@pytest.mark.parametrize("text", [*NASTY, "{{DATE(2020-01-01T00:00:00Z)}}\n" * 4000])
def test_an_incident_made_of_markup_is_text_from_end_to_end(text: str) -> None:
    told(evil(f"{WORD}{text}{WORD}"))
