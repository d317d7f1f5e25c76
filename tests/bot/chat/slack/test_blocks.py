"""Any message fits into Slack's limits, keeps its buttons, and shows text from outside as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from slack_sdk.models.blocks import Block as SdkBlock

from bot.chat.message import (
    Block,
    Bold,
    Button,
    Buttons,
    Code,
    Heading,
    Line,
    Link,
    Message,
    Mono,
    Pairs,
    Paragraph,
)
from bot.chat.slack.blocks import render
from tests.fakes.messages import RELAXED, messages
from tests.fakes.slack_rules import buttons, check_message, flattened


@settings(RELAXED, max_examples=100)
@given(messages)
def test_any_message_is_one_that_slack_takes(message: Message) -> None:
    text, blocks = render(message)
    check_message(text, blocks)
    for block in SdkBlock.parse_all(blocks):
        block.validate_json()
    json.dumps(blocks).encode()
    text.encode()


@settings(RELAXED, max_examples=40)
@given(messages)
def test_no_button_is_ever_lost_or_changed(message: Message) -> None:
    _, blocks = render(message)
    wanted = [one for block in message.blocks if isinstance(block, Buttons) for one in block.buttons]
    assert [one["value"] for one in buttons(blocks)] == [one.action for one in wanted]
    styles = [one.get("style", "default") for one in buttons(blocks)]
    assert styles == [one.style for one in wanted]


@settings(RELAXED, max_examples=40)
@given(messages)
def test_nothing_is_ever_given_to_a_parser_of_markup(message: Message) -> None:
    text, blocks = render(message)
    assert "mrkdwn" not in {one.get("type") for one in objects(blocks)}
    assert not {"<", ">"} & set(text)


def objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(one for inner in value.values() for one in objects(inner))]
    return [one for inner in value for one in objects(inner)] if isinstance(value, list) else []


def shown(*blocks: Block) -> str:
    return flattened("", render(Message("k", "x", blocks))[1])


@pytest.mark.parametrize(
    "text", ["<!channel>", "*bold* _it_ ~no~ `c`", "<https://evil.example|bank>", "&amp;"]
)
def test_what_looks_like_markup_is_shown_as_it_is(text: str) -> None:
    line: Line = (text, Bold(text), Mono(text))
    assert shown(Heading(text), Paragraph(line), Pairs(((text, text),)), Code(text)) == "\n".join(
        [text, text * 3, f"{text}: {text}", text]
    )


def test_the_notification_is_escaped() -> None:
    assert render(Message("k", "<!channel> & co", ()))[0] == "&lt;!channel&gt; &amp; co"


def test_a_notification_is_not_cut_within_an_entity() -> None:
    text, _ = render(Message("k", "<" * 3900, ()))
    assert text.replace("&lt;", "") == "… (cut)"


def test_spans_keep_their_style() -> None:
    _, [block] = render(
        Message("k", "x", (Paragraph(("a ", Bold("b"), Mono("c"), Link("d", "https://e/"))),))
    )
    assert block["elements"][0]["elements"] == [
        {"type": "text", "text": "a "},
        {"type": "text", "text": "b", "style": {"bold": True}},
        {"type": "text", "text": "c", "style": {"code": True}},
        {"type": "link", "url": "https://e/", "text": "d"},
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "slack://open", "file:///etc/passwd", "", "https://\u202ee/"]
)
def test_only_web_addresses_are_links(url: str) -> None:
    _, [block] = render(Message("k", "x", (Paragraph((Link("here", url),)),)))
    assert block["elements"][0]["elements"] == [{"type": "text", "text": "here"}]


def test_texts_that_turn_the_reading_direction_do_not() -> None:
    assert shown(Paragraph(("app\u202egnp",))) == "app\ufffdgnp"


def test_a_long_text_is_cut_and_says_so_and_what_follows_stays() -> None:
    text = shown(Code("line\n" * 9000), Paragraph(("Risk low",)), Buttons((Button("Fix: it", "fix"),)))
    code, risk, row = text.rsplit("\n", 2)
    assert code.startswith("line\nline\n")
    assert code.endswith("… (cut)")
    assert len(code) > 9000
    assert (risk, row) == ("Risk low", "[Fix: it]")


def test_the_longest_texts_are_cut_first() -> None:
    text = shown(Code("a" * 9000), Code("b" * 900), Code("c" * 9000))
    assert "b" * 900 in text
    assert text.count("… (cut)") == 2


def test_too_many_texts_end_in_a_word_about_it_and_the_buttons() -> None:
    many = [block for n in range(80) for block in (Heading(f"h{n}"), Paragraph((f"p{n}",)))]
    text = shown(*many, Buttons((Button("Approve", "approve"),)))
    assert text.startswith("h0\np0\n")
    assert text.endswith("\n… (cut)\n[Approve]")


def test_buttons_of_one_message_have_ids_of_their_own() -> None:
    row = Buttons((Button("A", "a"), Button("B", "b")))
    _, blocks = render(Message("k", "x", (row, row)))
    assert [one["action_id"] for one in buttons(blocks)] == ["press-0", "press-1", "press-2", "press-3"]


def test_a_span_after_the_cut_is_told_by_the_cut() -> None:
    line: Line = ("x" * 60, Bold("y"))
    many = [Paragraph(line)] * 400
    assert "… (cut)" in shown(*many)
