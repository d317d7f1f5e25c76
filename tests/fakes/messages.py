"""Any message at all, for properties that hold for all of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bot.chat.message import Bold, Button, Buttons, Code, Heading, Link, Message, Mono, Pairs, Paragraph

# The same examples on every run, however slow the machine.
RELAXED = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NASTY = (
    "<!channel>", "<!here|x>", "<@U0ALICE>", "<https://evil.example|bank>", "*bold*", "`code`", "```",
    "&lt;!channel&gt;", "[bank](https://evil.example)", "<at>Alice</at>", "# heading", "${$root.x}",
    "{{DATE(2020-01-01T00:00:00Z,SHORT)}}", "{{{TIME(2020-01-01T00:00:00Z)}}}",
    "@@ -1 +1 @@\n-{{\n+\t  ${\n ", "\x00\x1b[31m", "\u202egnp.exe", "😀" * 40, "한국어", "\ud800",
    "a\r\nb", " ", "",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.builds(
        lambda one, n: one * n, st.sampled_from(["x", "é\n", "😀", "<", '"', "{"]), st.integers(0, 9000)
    ),
    st.just("r.example/oak " * 7500),
)
spans = st.one_of(
    texts,
    texts.map(Bold),
    texts.map(Mono),
    st.builds(Link, texts, st.one_of(texts, st.just("https://e.example/"))),
)
shown_blocks = st.one_of(
    texts.map(Heading),
    texts.map(Code),
    st.lists(spans, max_size=5).map(lambda line: Paragraph(tuple(line))),
    st.lists(st.tuples(texts, texts), max_size=4).map(lambda rows: Pairs(tuple(rows))),
)
button_rows = st.lists(
    st.builds(
        Button,
        texts,
        st.from_regex(r"[a-z_]{1,12} [0-9a-f]{8} [0-9a-f]{16}", fullmatch=True),
        st.sampled_from(["default", "primary", "danger"]),
    ),
    min_size=1,
    max_size=5,
).map(lambda row: Buttons(tuple(row)))
messages = st.builds(
    lambda fallback, many, some, row: Message("k", fallback, (*many, *some, row)),
    texts,
    st.builds(lambda one, n: [one] * n, shown_blocks, st.integers(0, 70)),
    st.lists(st.one_of(shown_blocks, shown_blocks, button_rows), max_size=6),
    button_rows,
)
crowded = st.builds(
    lambda message, row: Message(
        "k", message.fallback, (*message.blocks[:5], Buttons((row.buttons * 60)[:60]))
    ),
    messages,
    button_rows,
)
