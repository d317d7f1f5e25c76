"""What Slack refuses in a message, and what people see of one that it took.

Stricter than Slack where Slack is lenient or silent: an unknown key is an error here.
"""

from __future__ import annotations

import json
import re
from typing import Any

Json = dict[str, Any]

_STYLES = {"bold", "italic", "strike", "code"}
_KEYS = {
    "header": {"type", "text", "block_id"},
    "rich_text": {"type", "elements", "block_id"},
    "actions": {"type", "elements", "block_id"},
}


class NotTaken(Exception):
    """``code`` is Slack's word for it, ``detail`` is for who reads the failed test."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def check_message(text: Any, blocks: Any, largest: int = 13_000) -> None:
    """:raises NotTaken: with what Slack would answer"""
    _want(isinstance(text, str) and bool(text.strip()), "a message without text", "no_text")
    _want(len(text) <= 4000, f"a text of {len(text)} characters", "msg_too_long")
    # Markup that notifies or links; ours is always escaped.
    _want(not re.search(r"<[@#!h]", text), f"markup in the text: {text[:80]!r}")
    _want(not re.search(r"&(?!amp;|lt;|gt;)", text), f"an unescaped ampersand: {text[:80]!r}")
    _want(isinstance(blocks, list), "blocks should be a list", "invalid_blocks_format")
    _want(len(blocks) <= 50, f"{len(blocks)} blocks")
    size = len(json.dumps(blocks, ensure_ascii=False))
    _want(size <= largest, f"{size} characters of blocks", "msg_blocks_too_long")
    ids: list[str] = []
    for block in blocks:
        _check_block(block, ids)
    _want(len(ids) == len(set(ids)), f"an action_id twice: {ids}")


def check_metadata(metadata: Any) -> None:
    good = isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}
    _want(good, f"metadata {metadata!r}", "invalid_metadata_format")
    _want(bool(re.fullmatch(r"[a-z0-9_]{1,255}", str(metadata["event_type"]))), "", "invalid_metadata_schema")
    flat = isinstance(metadata["event_payload"], dict) and len(json.dumps(metadata)) < 4000
    _want(flat, "its payload", "invalid_metadata_schema")


def _check_block(block: Any, ids: list[str]) -> None:
    kind = block.get("type")
    _want(kind in _KEYS, f"a block of the type {kind}")
    _want(set(block) <= _KEYS[kind], f"keys {sorted(block)} of a {kind}")
    match kind:
        case "header":
            _check_plain(block["text"], 150)
        case "rich_text":
            _want(bool(block["elements"]), "an empty rich_text")
            for element in block["elements"]:
                _check_rich(element)
        case "actions":
            _want(1 <= len(block["elements"]) <= 25, f"{len(block['elements'])} buttons in a row")
            for element in block["elements"]:
                _check_button(element)
                ids.append(element["action_id"])


def _check_plain(text: Any, limit: int) -> None:
    _want(isinstance(text, dict) and text.get("type") == "plain_text", f"{text!r} is not plain_text")
    _want(set(text) <= {"type", "text", "emoji"}, f"keys {sorted(text)} of a plain_text")
    _want(1 <= len(text["text"]) <= limit, f"a text of {len(text['text'])}, of at most {limit}")


def _check_rich(element: Json) -> None:
    kind = element.get("type")
    _want(kind in ("rich_text_section", "rich_text_preformatted"), f"a rich text of the type {kind}")
    _want(set(element) <= {"type", "elements"}, f"keys {sorted(element)} of a {kind}")
    _want(bool(element["elements"]), f"an empty {kind}")
    for one in element["elements"]:
        if one.get("type") == "link":
            _want(set(one) <= {"type", "url", "text", "style"}, f"keys {sorted(one)} of a link")
            _want(
                bool(re.match(r"https?://", one["url"])) and len(one["url"]) <= 3000, f"link {one['url']!r}"
            )
        else:
            _want(one.get("type") == "text", f"a rich text of the type {one.get('type')}")
            _want(set(one) <= {"type", "text", "style"}, f"keys {sorted(one)} of a text")
        _want(1 <= len(one.get("text", "x")) <= 3000, f"a text of {len(one['text'])}")
        style = one.get("style", {})
        _want(set(style) <= _STYLES and all(value is True for value in style.values()), f"style {style}")


def _check_button(button: Json) -> None:
    _want(button.get("type") == "button", f"an action of the type {button.get('type')}")
    _want(set(button) <= {"type", "action_id", "text", "value", "style"}, f"keys {sorted(button)}")
    _check_plain(button["text"], 75)
    _want(1 <= len(button["action_id"]) <= 255, "an action_id")
    _want(isinstance(button["value"], str) and 1 <= len(button["value"]) <= 2000, "a button's value")
    _want(button.get("style", "primary") in ("primary", "danger"), f"style {button.get('style')}")


def _want(good: bool, detail: str, code: str = "invalid_blocks") -> None:
    if not good:
        raise NotTaken(code, detail)


# ---- what people see


def flattened(text: str, blocks: list[Json]) -> str:
    """A line per header, section and row of buttons (``[Approve] [Reject]``); code as it is."""
    return "\n".join(_flat(block) for block in blocks) or text


def buttons(blocks: list[Json]) -> list[Json]:
    return [one for block in blocks if block["type"] == "actions" for one in block["elements"]]


def _flat(block: Json) -> str:
    match block["type"]:
        case "header":
            return str(block["text"]["text"])
        case "actions":
            return " ".join(f"[{one['text']['text']}]" for one in block["elements"])
        case _:
            return "\n".join(
                "".join(str(one.get("text") or one.get("url", "")) for one in element["elements"])
                for element in block["elements"]
            )
