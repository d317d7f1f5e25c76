"""What a button carries: a verb, an incident and a plan's digest. Never what to do, never who may.

A button is a question to the bot ("may I approve plan D of incident I?"); the answer is looked up
in the store and in the approvers, so a forged or old value can do nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Verb(Enum):
    FIX = "fix"  # ask for approval
    APPROVE = "approve"
    REJECT = "reject"
    UNDO = "undo"
    CHECK_AGAIN = "check_again"
    MUTE = "mute"


class BadAction(ValueError):
    """The button's value is not one of ours."""


@dataclass(frozen=True, slots=True)
class Action:
    verb: Verb
    incident: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.verb.value} {self.incident} {self.digest}".rstrip()


_SHAPE = re.compile(r"(?P<verb>[a-z_]+) (?P<incident>[0-9a-f]{8})(?: (?P<digest>[0-9a-f]{16}))?")


def parse_action(value: str) -> Action:
    """``"approve 1a2b3c4d 0123456789abcdef"`` to an ``Action``.

    :raises BadAction: for anything else.
    """
    match = _SHAPE.fullmatch(value)
    if match is None or match["verb"] not in {verb.value for verb in Verb}:
        raise BadAction("this button is not one that pullbot made")
    return Action(Verb(match["verb"]), match["incident"], match["digest"] or "")
