"""A message as Slack's blocks. Text from outside goes where Slack has no markup to parse.

``rich_text`` and ``plain_text`` are shown as they are, so an image called ``<!channel>`` or ``*bold*`` is
only a name. The one place with markup is the notification's text, and it is escaped.

Slack refuses a message that is too long as a whole, so the longest texts are cut until it fits, and say so.
Buttons are never cut: without them nobody can decide.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, assert_never

from bot.chat.message import (
    Block,
    Bold,
    Buttons,
    Code,
    Heading,
    Line,
    Link,
    Message,
    Mono,
    Pairs,
    Paragraph,
    Span,
)

# https://docs.slack.dev/reference/block-kit/blocks/
_BLOCKS = 50
_HEADER = 150
_TEXT = 3000
_URL = 3000
_LABEL = 75
_BUTTONS_IN_A_ROW = 25
_FALLBACK = 4000
# Nowhere written down: `msg_blocks_too_long` was seen from some 13,100 characters of JSON upwards.
# https://github.com/slackapi/bolt-js/issues/2509
WHOLE = 12_000
_OVERHEAD = 60  # the block_id that Slack adds to every block

_CUT = "… (cut)"
_SHORTEST = 60  # below this a text says nothing; rather are the last ones left out

# Line breaks and tabs stay. The rest is invisible, or turns the reading direction (a way to fake a name).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Json = dict[str, Any]


def render(message: Message, size: int = WHOLE) -> tuple[str, list[Json]]:
    """The notification's text, and the blocks. ``size``: characters of JSON that these may have."""
    return _fallback(message.fallback), _fitting(message.blocks, size)


def _fitting(blocks: Sequence[Block], size: int) -> list[Json]:
    """All of it if it fits; else every text no longer than fits; else without the last texts, too."""

    def capped(cap: int) -> list[Json]:
        return list(_rendered(blocks, cap))

    def first(count: int) -> list[Json]:
        return list(_rendered(_first(blocks, count), _SHORTEST))

    if _fits(whole := capped(size), size):
        return whole
    if _fits(capped(_SHORTEST), size):
        return capped(_largest(lambda cap: _fits(capped(cap), size), _SHORTEST, size))
    return first(_largest(lambda count: _fits(first(count), size), 0, len(blocks)))


def _largest(good: Callable[[int], bool], lowest: int, highest: int) -> int:
    """The largest number that is still good, where ``lowest`` is and all after the first bad one are not."""
    return bisect_left(range(lowest + 1, highest + 1), True, key=lambda one: not good(one)) + lowest


def _first(blocks: Sequence[Block], count: int) -> Iterator[Block]:
    """The first ``count`` texts, a word about the rest, and all buttons."""
    told = False
    for at, block in enumerate(blocks):
        if at < count or isinstance(block, Buttons):
            yield block
        elif not told:
            told = True
            yield Paragraph((_CUT,))


def _fits(rendered: Sequence[Json], size: int) -> bool:
    needed = sum(_units(json.dumps(one, ensure_ascii=False)) + _OVERHEAD for one in rendered)
    return len(rendered) <= _BLOCKS and needed <= size


# ---- blocks


def _rendered(blocks: Iterable[Block], cap: int) -> Iterator[Json]:
    """Every text at most ``cap`` characters. Neighbouring texts share a block: 50 are soon used up."""
    texts: list[Json] = []
    pressed = 0
    for block in blocks:
        match block:
            case Heading(text):
                yield from _gathered(texts)
                if shown := _clean(text).strip():
                    yield {"type": "header", "text": _plain(shown, _HEADER)}
            case Paragraph(line):
                texts += _section(_spans(line, cap))
            case Pairs(rows):
                for name, value in rows:
                    row: Line = (Bold(name), ": ", value) if value.strip() else (Bold(name),)
                    texts += _section(_spans(row, cap))
            case Code(text):
                if parts := _texts(_cut(_clean(text), cap)):
                    texts.append({"type": "rich_text_preformatted", "elements": parts})
            case Buttons(buttons):
                yield from _gathered(texts)
                made = [
                    _button(one.label, one.action, one.style, f"press-{at}")
                    for at, one in enumerate(buttons, pressed)
                ]
                pressed += len(made)
                for at in range(0, len(made), _BUTTONS_IN_A_ROW):
                    yield {"type": "actions", "elements": made[at : at + _BUTTONS_IN_A_ROW]}
            case _:
                assert_never(block)
    yield from _gathered(texts)


def _gathered(texts: list[Json]) -> Iterator[Json]:
    if texts:
        yield {"type": "rich_text", "elements": texts.copy()}
        texts.clear()


def _section(elements: list[Json]) -> list[Json]:
    return [{"type": "rich_text_section", "elements": elements}] if elements else []


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": _cut(text, limit), "emoji": False}


def _button(label: str, action: str, style: str, action_id: str) -> Json:
    button: Json = {
        "type": "button",
        "action_id": action_id,
        "text": _plain(_clean(label).strip() or "…", _LABEL),
        "value": action,
    }
    return button | ({"style": style} if style != "default" else {})


# ---- spans


def _spans(line: Line, cap: int) -> list[Json]:
    elements: list[Json] = []
    left = cap
    for span in line:
        text = _clean(span if isinstance(span, str) else span.text)
        if not text:
            continue
        if left <= 0:
            return elements if elements[-1].get("text", "").endswith(_CUT) else [*elements, *_texts(_CUT)]
        shown = _cut(text, left) if _units(text) > left else text
        left -= _units(text)
        elements += _span(span, shown)
    return elements


def _span(span: Span, text: str) -> list[Json]:
    """``text`` is what is shown of the span."""
    match span:
        case str():
            return _texts(text)
        case Bold():
            return _texts(text, "bold")
        case Mono():
            return _texts(text, "code")
        case Link(_, url):
            # Anything else than a web address would be an action of the reader's own machine.
            if not url.startswith(("https://", "http://")) or _units(url) > _URL or _UNSEEN.search(url):
                return _texts(text)
            return [{"type": "link", "url": url, "text": _cut(text, _TEXT)}]
        case _:
            assert_never(span)


def _texts(text: str, style: str = "") -> list[Json]:
    """One element, or several for a text longer than one may hold; they are shown seamlessly."""
    parts = [text[at : at + _TEXT // 2] for at in range(0, len(text), _TEXT // 2)]  # half: 😀 counts twice
    return [{"type": "text", "text": one} | ({"style": {style: True}} if style else {}) for one in parts]


# ---- text


def _fallback(text: str) -> str:
    text = _clean(text).strip() or "pullbot"
    escaped = _escaped(text)
    # Not cut after escaping: half an entity would be shown as what it is.
    return escaped if _units(escaped) <= _FALLBACK else _escaped(_cut(text, _FALLBACK // len("&amp;")))


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text/#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clean(text: str) -> str:
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n"))


def _cut(text: str, limit: int) -> str:
    if _units(text) <= limit:
        return text
    room = max(0, limit - len(_CUT))
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore") + _CUT


def _units(text: str) -> int:
    """Its length as JavaScript counts, which is the longest way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
