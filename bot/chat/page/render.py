"""A message as JSON for the page. Text stays text: the page never builds HTML from it."""

from __future__ import annotations

from typing import Any, assert_never
from urllib.parse import urlsplit

from bot.chat.message import Block, Bold, Buttons, Code, Heading, Link, Message, Mono, Pairs, Paragraph, Span


def rendered(message: Message) -> dict[str, Any]:
    return {"fallback": message.fallback, "blocks": [_block(block) for block in message.blocks]}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Heading(text):
            return {"type": "heading", "text": text}
        case Paragraph(line):
            return {"type": "paragraph", "spans": [_span(span) for span in line]}
        case Pairs(rows):
            return {"type": "pairs", "rows": [list(row) for row in rows]}
        case Code(text):
            return {"type": "code", "lines": _lines(text)}
        case Buttons(buttons):
            made = [{"label": b.label, "value": b.action, "style": b.style} for b in buttons]
            return {"type": "buttons", "buttons": made}
        case _:
            assert_never(block)


def _span(span: Span) -> dict[str, str]:
    match span:
        case str():
            return {"text": span}
        case Bold(text):
            return {"text": text, "style": "bold"}
        case Mono(text):
            return {"text": text, "style": "mono"}
        case Link(text, url):
            # A browser would run javascript: addresses.
            return {"text": text, "url": url} if urlsplit(url).scheme in ("http", "https") else {"text": text}
        case _:
            assert_never(span)


def _lines(text: str) -> list[dict[str, str]]:
    """Lines of code. A unified diff, told by its first line, has added and removed ones."""
    lines = text.split("\n")
    if not lines[0].startswith("@@ "):
        return [{"text": line} for line in lines]
    kinds = {"+": "added", "-": "removed", "@": "place"}
    return [{"text": line, "kind": kinds.get(line[:1], "kept")} for line in lines]
