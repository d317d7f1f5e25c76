"""A message as Slack's blocks. Text from outside goes where Slack has no markup to parse.

``rich_text`` and ``plain_text`` are shown as they are, so an image called ``<!channel>`` or ``*bold*`` is
only a name. The one place with markup is the notification's text, and it is escaped.

Slack refuses a message that is too long as a whole, so the longest texts are cut until it fits, and say so.
Buttons are never cut: without them nobody can decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, assert_never

from bot.chat.fitting import as_line, clean, cut, fitted, is_web_address, label, shortened, shown, units
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
    Span,
)

# https://docs.slack.dev/reference/block-kit/blocks/
_BLOCKS = 50
_HEADER = 150
_TEXT = 3000
_BUTTONS_IN_A_ROW = 25
_FALLBACK = 4000
# Nowhere written down: `msg_blocks_too_long` was seen from some 13,100 characters of JSON upwards.
# https://github.com/slackapi/bolt-js/issues/2509
WHOLE = 12_000
_OVERHEAD = 60  # the block_id that Slack adds to every block

Json = dict[str, Any]


def render(message: Message, size: int = WHOLE) -> tuple[str, list[Json]]:
    """The notification's text, and the blocks. ``size``: characters of JSON that these may have."""
    return _fallback(message.fallback), fitted(
        message.blocks,
        size,
        lambda blocks, cap, longest: list(_rendered(blocks, cap, longest)),
        lambda rendered: _fits(rendered, size),
    )


def _fits(rendered: Sequence[Json], size: int) -> bool:
    needed = sum(units(json.dumps(one, ensure_ascii=False)) + _OVERHEAD for one in rendered)
    return len(rendered) <= _BLOCKS and needed <= size


# ---- blocks


def _rendered(blocks: Iterable[Block], cap: int, longest: int) -> Iterator[Json]:
    """Every text at most ``cap`` characters, every label ``longest``.

    Neighbouring texts share a block: 50 are soon used up.
    """
    texts: list[Json] = []
    pressed = 0
    for block in blocks:
        match block:
            case Heading(text):
                yield from _gathered(texts)
                if title := shortened(text.strip(), _HEADER):
                    yield {"type": "header", "text": _plain(title)}
            case Paragraph(line):
                texts += _section(_spans(line, cap))
            case Pairs(rows):
                for name, value in rows:
                    texts += _section(_spans(as_line(name, value), cap))
            case Code(text):
                if parts := _texts(shortened(text, cap)):
                    texts.append({"type": "rich_text_preformatted", "elements": parts})
            case Buttons(buttons):
                yield from _gathered(texts)
                made = [
                    _button(label(one.label, longest), one, f"press-{at}")
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


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _button(title: str, button: Button, action_id: str) -> Json:
    made: Json = {
        "type": "button",
        "action_id": action_id,
        "text": _plain(title),
        "value": button.action,
    }
    return made | ({"style": button.style} if button.style != "default" else {})


# ---- spans


def _spans(line: Line, cap: int) -> list[Json]:
    return [element for span, text in shown(line, cap) for element in _span(span, text)]


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
            if not is_web_address(url):
                return _texts(text)
            return [{"type": "link", "url": url, "text": cut(text, _TEXT)}]
        case _:
            assert_never(span)


def _texts(text: str, style: str = "") -> list[Json]:
    """One element, or several for a text longer than one may hold; they are shown seamlessly."""
    parts = [text[at : at + _TEXT // 2] for at in range(0, len(text), _TEXT // 2)]  # half: 😀 counts twice
    return [{"type": "text", "text": one} | ({"style": {style: True}} if style else {}) for one in parts]


# ---- text


def _fallback(text: str) -> str:
    text = clean(text).strip() or "pullbot"
    escaped = _escaped(text)
    # Not cut after escaping: half an entity would be shown as what it is.
    return escaped if units(escaped) <= _FALLBACK else _escaped(cut(text, _FALLBACK // len("&amp;")))


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text/#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
