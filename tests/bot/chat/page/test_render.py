"""What the page is sent for each block."""

from __future__ import annotations

from bot.chat.message import Bold, Button, Buttons, Code, Heading, Link, Message, Mono, Pairs, Paragraph
from bot.chat.page.render import rendered


def test_every_block_has_its_shape() -> None:
    message = Message(
        "root",
        "one line",
        (
            Heading("Title"),
            Paragraph(("plain ", Bold("bold"), Mono("mono"))),
            Pairs((("Role", "eks-node"),)),
            Buttons((Button("Approve", "approve 1a2b3c4d", "primary"),)),
        ),
    )
    assert rendered(message) == {
        "fallback": "one line",
        "blocks": [
            {"type": "heading", "text": "Title"},
            {
                "type": "paragraph",
                "spans": [
                    {"text": "plain "},
                    {"text": "bold", "style": "bold"},
                    {"text": "mono", "style": "mono"},
                ],
            },
            {"type": "pairs", "rows": [["Role", "eks-node"]]},
            {
                "type": "buttons",
                "buttons": [{"label": "Approve", "value": "approve 1a2b3c4d", "style": "primary"}],
            },
        ],
    }


def test_a_link_that_would_run_script_is_only_text() -> None:
    spans = rendered(
        Message("m", "m", (Paragraph((Link("docs", "https://e.org/"), Link("x", "javascript:alert(1)"))),))
    )["blocks"][0]["spans"]
    assert spans == [{"text": "docs", "url": "https://e.org/"}, {"text": "x"}]


def test_a_diff_is_told_from_other_code() -> None:
    diff, command = rendered(
        Message("m", "m", (Code("@@ -1,2 +1,2 @@\n same\n-old\n+new"), Code("- not a diff")))
    )["blocks"]
    assert [line["kind"] for line in diff["lines"]] == ["place", "kept", "removed", "added"]
    assert command["lines"] == [{"text": "- not a diff"}]
