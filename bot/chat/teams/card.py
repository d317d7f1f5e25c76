"""A message as an Adaptive Card. Text from outside goes where a card has no markup to parse.

Teams reads Markdown in a ``TextBlock`` and in facts, so there are none: every text is a ``TextRun``, shown as
it is (https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features). Titles of buttons and the
notification are plain text. A mention needs an entity beside the card's text, and we never send one.

The longest texts are cut until the whole fits, and say so. Buttons are never cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, assert_never

from bot.chat.fitting import (
    as_line,
    fitted,
    is_web_address,
    label,
    largest,
    shortened,
    shown,
)
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

# Teams counts UTF-16 and answers 413 above its limit, which was 28 KB once, then 40, and is about 100 now:
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
# This many bytes of JSON, which is ASCII, are 40 KB in UTF-16.
WHOLE = 20_480
_SUMMARY = 400
_HEADING = 200
_SHOWN_LABEL = 40  # narrow clients cut what is longer, without a word
# More than six of one set are not shown on a desktop. https://github.com/MicrosoftDocs/msteams-docs/issues/5356
_BUTTONS_IN_A_ROW = 6
# https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
_REFRESHED = 60

_KEY = "pullbot:"
_STYLES = {"primary": "positive", "danger": "destructive"}
_COLOURS = {"+": "Good", "-": "Attention", "@": "Accent"}
# Clients may read Markdown in it, so nothing of the message is in there.
_TOO_OLD = "This Teams client is too old to show what pullbot says. Please update it."
# {{DATE(…)}} is computed wherever it stands in one run, and ${…} by whoever expands templates.
_COMPUTED = re.compile(r"(?<=[{$])(?=\{)")

Json = dict[str, Any]


def as_activity(
    message: Message, *, key: str = "", refresh_for: Sequence[str] = (), size: int = WHOLE
) -> Json:
    """The message as it is sent; ``size``: bytes of JSON that it may have."""
    return _activity(message, render(message, key=key, refresh_for=refresh_for, size=size))


def render(message: Message, *, key: str = "", refresh_for: Sequence[str] = (), size: int = WHOLE) -> Json:
    """The card. ``key`` travels in it unseen; it is fetched anew for ``refresh_for`` when they look at it."""
    frame: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "msteams": {"width": "Full"},
        "fallbackText": _TOO_OLD,
    } | _refresh(key, refresh_for, size // 3)

    def card(blocks: Iterable[Block], cap: int, longest: int) -> Json:
        body = list(_rendered(blocks, cap, longest, key))
        body = body or [_text(_runs(shortened(message.fallback, cap)) or _runs("…"))]
        if key:
            body[0] |= {"id": _KEY + key}
        return frame | {"body": body}

    def fits(made: Json) -> bool:
        return len(json.dumps(_activity(message, made))) <= size

    return fitted(message.blocks, size, card, fits)


def key_of(card: Json) -> str:
    """The key that ``render`` put into a card, "" if there is none. The card may be anybody's."""
    body = card.get("body")
    first = body[0] if isinstance(body, list) and body else None
    name = first.get("id") if isinstance(first, dict) else None
    return name.removeprefix(_KEY) if isinstance(name, str) and name.startswith(_KEY) else ""


def _activity(message: Message, card: Json) -> Json:
    return {
        "type": "message",
        "summary": shortened(message.fallback.strip(), _SUMMARY) or "pullbot",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def _refresh(key: str, people: Sequence[str], size: int) -> Json:
    if not people:
        return {}
    action = {"type": "Action.Execute", "verb": "refresh", "data": {"on": key}}

    def refresh(count: int) -> Json:
        return {"refresh": {"action": action, "userIds": list(people[:count])}}

    return refresh(
        largest(lambda count: len(json.dumps(refresh(count))) <= size, 0, min(len(people), _REFRESHED))
    )


# ---- blocks


def _rendered(blocks: Iterable[Block], cap: int, longest: int, key: str) -> Iterator[Json]:
    """Every text at most ``cap`` characters, every button's title ``longest``."""
    for block in blocks:
        match block:
            case Heading(text):
                if title := shortened(text.strip(), min(cap, _HEADING)):
                    yield _text(_runs(title, size="Large", weight="Bolder"))
            case Paragraph(line):
                yield from _line(line, cap)
            case Pairs(rows):
                for at, (name, value) in enumerate(rows):
                    yield from _line(as_line(name, value), cap, "Default" if at == 0 else "None")
            case Code(text):
                yield from _code(shortened(text.strip("\r\n"), cap))
            case Buttons(buttons):
                made = [_button(label(one.label, longest), one, key) for one in buttons]
                for at in range(0, len(made), _BUTTONS_IN_A_ROW):
                    yield {"type": "ActionSet", "actions": made[at : at + _BUTTONS_IN_A_ROW]}
            case _:
                assert_never(block)


def _text(runs: list[Json], spacing: str = "Default") -> Json:
    return {"type": "RichTextBlock", "inlines": runs} | ({"spacing": spacing} if spacing != "Default" else {})


def _code(text: str) -> Iterator[Json]:
    """A unified diff, told by its first line, has added and removed lines; the rest is shown as one text."""
    if not text.strip():
        return
    look = {"fontType": "Monospace"}
    if not text.startswith("@@ "):
        items = [_text(_runs(text, **look))]
    else:
        items = [
            _text(
                _runs("\n".join(map(_unfolded, lines)), **look, **({"color": colour} if colour else {})),
                "None",
            )
            for colour, lines in groupby(text.split("\n"), lambda line: _COLOURS.get(line[:1], ""))
        ]
    yield {"type": "Container", "style": "emphasis", "items": items}


def _unfolded(line: str) -> str:
    """A line of a diff, with spaces that a browser does not fold. Not for commands: a shell needs its own."""
    mark, rest = (line[:1], line[1:]) if line[:1] in _COLOURS else ("", line)
    rest = rest.replace("\t", "    ")
    text = rest.lstrip(" ")
    return mark + "\u00a0" * (len(rest) - len(text)) + text.replace("  ", " \u00a0")


def _button(title: str, button: Button, key: str) -> Json:
    """Clients that know no ``Action.Execute`` send the same data as a message.

    No datum may be called ``key``: Adaptive Cards' own renderer for browsers then sends nothing at all.
    """
    press: Json = {"title": title, "data": {"action": button.action, "on": key}}
    if len(title) > _SHOWN_LABEL:
        press["tooltip"] = title
    if button.style != "default":
        press["style"] = _STYLES[button.style]
    return {
        "type": "Action.Execute",
        "verb": "press",
        **press,
        "fallback": {"type": "Action.Submit", **press},
    }


# ---- spans


def _line(line: Line, cap: int, spacing: str = "Default") -> Iterator[Json]:
    if runs := [run for span, text in shown(line, cap) for run in _span(span, text)]:
        yield _text(runs, spacing)


def _span(span: Span, text: str) -> list[Json]:
    """``text`` is what is shown of the span."""
    match span:
        case str():
            return _runs(text)
        case Bold():
            return _runs(text, weight="Bolder")
        case Mono():
            return _runs(text, fontType="Monospace")
        case Link(_, url):
            if not is_web_address(url):
                return _runs(text)
            return _runs(text, selectAction={"type": "Action.OpenUrl", "url": url})
        case _:
            assert_never(span)


def _runs(text: str, **look: Any) -> list[Json]:
    """One run, or several where one would be computed; they are shown seamlessly."""
    return [{"type": "TextRun", "text": one, **look} for one in _COMPUTED.split(text) if one]
