"""Any message is a card that Teams takes, keeps its buttons, and shows text from outside as text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
from bot.chat.teams.card import WHOLE, as_activity, key_of, render
from tests.fakes.cards import NotTaken, buttons, check_activity, check_card, flattened, objects
from tests.fakes.messages import RELAXED, crowded, messages

PEOPLE = [f"29:{n:03}{'x' * 90}" for n in range(90)]
FIX = Button("Fix: open the door", "fix 1a2b3c4d 0123456789abcdef", "primary")
DIFF = """\
@@ -1,4 +1,4 @@
 {
-  "Effect": "Deny",
+\t"Effect":  "Allow",
   "Action": "*"
 }"""


def card(*blocks: Block, **options: Any) -> dict[str, Any]:
    made = render(Message("k", "x", blocks), **options)
    check_card(made)
    return made


def shown(*blocks: Block) -> str:
    return flattened(card(*blocks))


# ---- any message


@settings(RELAXED, max_examples=80)
@given(messages, st.sampled_from(["", "root", "x" * 64]), st.sampled_from([0, 2, 90]))
def test_any_message_is_one_that_teams_takes(message: Message, key: str, people: int) -> None:
    made = as_activity(message, key=key, refresh_for=PEOPLE[:people])
    check_activity(made, WHOLE)
    assert key_of(made["attachments"][0]["content"]) == key


@settings(RELAXED, max_examples=20)
@given(crowded)
def test_with_sixty_buttons_too(message: Message) -> None:
    check_activity(as_activity(message, key="offer:10", refresh_for=PEOPLE[:2]))


@settings(RELAXED, max_examples=40)
@given(st.one_of(messages, crowded), st.sampled_from([WHOLE, WHOLE // 2, WHOLE // 4]))
def test_no_button_is_ever_lost_or_changed(message: Message, size: int) -> None:
    wanted = [one for block in message.blocks if isinstance(block, Buttons) for one in block.buttons]
    made = buttons(render(message, key="offer:1", size=size))
    assert [one["data"] for one in made] == [{"action": one.action, "on": "offer:1"} for one in wanted]
    styles = {"positive": "primary", "destructive": "danger", "default": "default"}
    assert [styles[one.get("style", "default")] for one in made] == [one.style for one in wanted]


@settings(RELAXED, max_examples=40)
@given(st.text(st.sampled_from('{}$\\"aDATE(<>'), max_size=60))
@example("{{DATE(2020-01-01T00:00:00Z,SHORT)}} {{{{{TIME(2020-01-01T00:00:00Z)}} ${${$data}")
def test_what_would_be_computed_stays_what_it_is(text: str) -> None:
    line: Line = (text, Bold(text), Mono(text), Link(text, "https://e/"))
    assert shown(Paragraph(line), Code(text)) == (f"{text * 4}\n{text}" if text else "x")


# ---- its parts


def test_every_block_has_its_shape() -> None:
    made = card(
        Heading("Title"),
        Paragraph(("plain ", Bold("bold"), Mono("mono"), Link("link", "https://e/"))),
        Pairs((("Role", "eks-node"), ("Nothing", ""))),
        Code("aws ecr get-login-password"),
        Buttons((FIX,)),
        key="root",
    )
    press = {
        "title": "Fix: open the door",
        "data": {"action": "fix 1a2b3c4d 0123456789abcdef", "on": "root"},
        "style": "positive",
    }
    assert made["body"] == [
        {
            "type": "RichTextBlock",
            "id": "pullbot:root",
            "inlines": [{"type": "TextRun", "text": "Title", "size": "Large", "weight": "Bolder"}],
        },
        {
            "type": "RichTextBlock",
            "inlines": [
                {"type": "TextRun", "text": "plain "},
                {"type": "TextRun", "text": "bold", "weight": "Bolder"},
                {"type": "TextRun", "text": "mono", "fontType": "Monospace"},
                {
                    "type": "TextRun",
                    "text": "link",
                    "selectAction": {"type": "Action.OpenUrl", "url": "https://e/"},
                },
            ],
        },
        {
            "type": "RichTextBlock",
            "inlines": [
                {"type": "TextRun", "text": "Role", "weight": "Bolder"},
                {"type": "TextRun", "text": ": "},
                {"type": "TextRun", "text": "eks-node"},
            ],
        },
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": "Nothing", "weight": "Bolder"}],
            "spacing": "None",
        },
        {
            "type": "Container",
            "style": "emphasis",
            "items": [
                {
                    "type": "RichTextBlock",
                    "inlines": [
                        {"type": "TextRun", "text": "aws ecr get-login-password", "fontType": "Monospace"}
                    ],
                }
            ],
        },
        {
            "type": "ActionSet",
            "actions": [
                {
                    "type": "Action.Execute",
                    "verb": "press",
                    **press,
                    "fallback": {"type": "Action.Submit", **press},
                }
            ],
        },
    ]


def test_a_card_is_as_wide_as_the_channel_and_says_its_version() -> None:
    made = card(Heading("Title"))
    assert made["msteams"] == {"width": "Full"}
    assert (made["version"], made["$schema"]) == (
        "1.5",
        "http://adaptivecards.io/schemas/adaptive-card.json",
    )


def test_a_diff_has_colours_and_keeps_its_spaces() -> None:
    [container] = card(Code(DIFF))["body"]
    runs = [run for text in container["items"] for run in text["inlines"]]
    assert [(run.get("color", "plain"), run["text"]) for run in runs] == [
        ("Accent", "@@ -1,4 +1,4 @@"),
        ("plain", "\u00a0{"),
        ("Attention", '-\u00a0\u00a0"Effect": "Deny",'),
        ("Good", '+\u00a0\u00a0\u00a0\u00a0"Effect": \u00a0"Allow",'),
        ("plain", '\u00a0\u00a0\u00a0"Action": "*"\n\u00a0}'),
    ]
    assert {run["fontType"] for run in runs} == {"Monospace"}
    assert [text.get("spacing") for text in container["items"]] == ["None"] * 5


def test_commands_can_be_copied_as_they_are() -> None:
    commands = "aws ecr set-repository-policy \\\n    --repository-name oak\n- not a diff\n+ neither"
    [container] = card(Code(commands))["body"]
    [text] = container["items"]
    assert text["inlines"] == [{"type": "TextRun", "text": commands, "fontType": "Monospace"}]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "msteams://x", "file:///etc/passwd", "", "https://\u202ee/"]
)
def test_only_web_addresses_are_links(url: str) -> None:
    [text] = card(Paragraph((Link("here", url),)))["body"]
    assert text["inlines"] == [{"type": "TextRun", "text": "here"}]


def test_texts_that_turn_the_reading_direction_do_not() -> None:
    assert shown(Paragraph(("app\u202egnp",))) == "app\ufffdgnp"


def test_more_than_six_buttons_are_in_several_rows() -> None:
    made = card(Buttons((FIX,) * 14))
    assert [len(row["actions"]) for row in made["body"]] == [6, 6, 2]


def test_a_message_without_words_shows_its_notification() -> None:
    assert flattened(render(Message("k", "all is well", (Paragraph(("",)), Code("\n"))))) == "all is well"
    assert flattened(render(Message("k", "", ()))) == "…"


def test_the_notification_is_the_fallback_and_short() -> None:
    assert as_activity(Message("k", "*all* is <b>well</b>", ()))["summary"] == "*all* is <b>well</b>"
    assert as_activity(Message("k", " ", ()))["summary"] == "pullbot"
    assert len(as_activity(Message("k", "x" * 9000, ()))["summary"]) == 400


# ---- keys, and who sees it anew


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"body": None},
        {"body": []},
        {"body": ["text"]},
        {"body": [{"id": 1}]},
        {"body": [{"id": "root"}]},
        {"body": [{}, {"id": "pullbot:root"}]},
    ],
)
def test_a_card_of_somebody_else_has_no_key(theirs: dict[str, Any]) -> None:
    assert key_of(theirs) == ""


def test_a_card_is_fetched_anew_for_at_most_sixty() -> None:
    made = card(Heading("h"), key="root", refresh_for=[f"29:{n}" for n in range(90)])
    assert made["refresh"] == {
        "action": {"type": "Action.Execute", "verb": "refresh", "data": {"on": "root"}},
        "userIds": [f"29:{n}" for n in range(60)],
    }
    assert "refresh" not in card(Heading("h"), key="root")


def test_for_fewer_where_a_card_must_be_small() -> None:
    made = as_activity(Message("k", "x", (Code("y" * 9000),)), refresh_for=PEOPLE, size=WHOLE // 4)
    check_activity(made, WHOLE // 4)
    users = made["attachments"][0]["content"]["refresh"]["userIds"]
    assert users == PEOPLE[: len(users)]
    assert 10 < len(users) < 60
    assert made["attachments"][0]["content"]["body"][0]["items"][0]["inlines"][0]["text"].endswith("… (cut)")


# ---- what fits


def test_a_long_text_is_cut_and_says_so_and_what_follows_stays() -> None:
    text = shown(Code("line\n" * 90_000), Paragraph(("Risk low",)), Buttons((FIX,)))
    code, risk, row = text.rsplit("\n", 2)
    assert code.startswith("line\nline\n")
    assert code.endswith("… (cut)")
    assert len(code) > 15_000
    assert (risk, row) == ("Risk low", "[Fix: open the door]")


def test_the_longest_texts_are_cut_first() -> None:
    text = shown(Code("a" * 19_000), Code("b" * 900), Code("c" * 19_000))
    assert "b" * 900 in text
    assert text.count("… (cut)") == 2


def test_a_long_diff_keeps_its_colours() -> None:
    [container] = card(Code("@@ -1 +1 @@\n" + "-  old\n+  new\n" * 3000))["body"]
    assert len(container["items"]) > 50
    assert {text["inlines"][0].get("color") for text in container["items"][1:-1]} == {"Attention", "Good"}


def test_too_many_texts_end_in_a_word_about_it_and_the_buttons() -> None:
    many = [block for n in range(200) for block in (Heading(f"h{n}"), Paragraph((f"p{n}",)))]
    text = shown(*many, Buttons((FIX,)))
    assert text.startswith("h0\np0\n")
    assert text.endswith("\n… (cut)\n[Fix: open the door]")


def test_too_many_buttons_keep_short_titles() -> None:
    made = as_activity(Message("k", "x", (Code("y" * 900), Buttons((Button("😀" * 70, FIX.action),) * 60))))
    check_activity(made, WHOLE)
    titles = {one["title"] for one in buttons(made["attachments"][0]["content"])}
    assert titles == {"😀😀😀…"}


def test_what_is_measured_is_what_is_sent() -> None:
    """Whatever serializes it: ASCII is the longest way to write JSON."""
    made = as_activity(Message("k", "é", (Code("é" * 9000),)))
    assert WHOLE - 60 < len(json.dumps(made)) <= WHOLE
    assert len(json.dumps(made, ensure_ascii=False).encode()) < WHOLE


# ---- the rules themselves


def spoilt(old: str, new: str) -> Any:
    made = as_activity(
        Message("k", "x", (Heading("here"), Paragraph((Link("link", "https://e/"),)), Buttons((FIX, FIX)))),
        key="root",
        refresh_for=["29:a"],
    )
    check_activity(made)
    text = json.dumps(made)
    assert old in text
    return json.loads(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"TextRun"', '"TextBlock"'),
        ('"RichTextBlock"', '"Text"'),
        ('"Action.Submit"', '"Action.Http"'),
        ('"text": "here"', '"text": ""'),
        ('"text": "here"', '"txt": "here"'),
        ('"text": "here"', '"text": "{{DATE(2020-01-01T00:00:00Z)}}"'),
        ('"text": "here"', '"text": "\\ud800"'),
        ('"size": "Large"', '"size": "Enormous"'),
        ('"style": "positive"', '"style": "green"'),
        ('"width": "Full"', '"width": "Full", "entities": []'),
        ('"version": "1.5"', '"version": "1.2"'),
        ('"https://e/"', '"javascript:x"'),
        ('"verb": "press"', '"verb": "press", "id": "pullbot:root"'),
        ('"userIds"', '"users"'),
        ('"summary": "x"', '"summary": ""'),
        ('"summary"', '"text": "*x*", "summary"'),
        ("too old", "[too old](http://e)"),
    ],
)
def test_the_rules_refuse(old: str, new: str) -> None:
    with pytest.raises(NotTaken) as refused:
        check_activity(spoilt(old, new))
    assert (refused.value.status, refused.value.code) == (400, "BadSyntax")


def test_the_rules_refuse_what_is_too_long() -> None:
    with pytest.raises(NotTaken, match="413 MessageSizeTooBig"):
        check_activity(spoilt("here", "x" * 30_000))


def test_no_text_reads_markdown() -> None:
    made = card(Heading("*h*"), Paragraph(("*p*",)), Pairs((("*k*", "*v*"),)), Code("*c*"), Buttons((FIX,)))
    holders = {one["type"] for one in objects(made) if re.search(r"\*.\*", str(one.get("text")))}
    assert holders == {"TextRun"}


def test_a_long_label_is_read_in_full_by_whoever_points_at_it() -> None:
    long = "Fix: Attach the execution policy to the task execution role"
    card = render(Message("offer", "x", (Buttons((Button(long, "fix 1a2b3c4d"), Button("Undo", "undo"))),)))
    check_card(card)
    attach, undo = buttons(card)
    assert (attach["tooltip"], "tooltip" in undo) == (long, False)
