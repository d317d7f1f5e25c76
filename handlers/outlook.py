"""Would a change help? The check is asked again, on the world as it would be then."""

from __future__ import annotations

from typing import Protocol

from checks.graph import Check
from checks.model import Status, Verdict
from handlers.remedy import Refused


class Outlook(Protocol):
    """A world on paper, in which one thing may be another."""

    def says(self, check: Check) -> Verdict | None:
        """The check's verdict; ``None`` where it has none, or lacks a fact."""
        ...


def must_pass(check: Check, then: Outlook) -> None:
    """:raises Refused: it would not."""
    verdict = then.says(check)
    if verdict is None or verdict.status is Status.UNKNOWN:
        why = verdict.summary if verdict is not None else "not all that it takes could be read"
        raise Refused(f"whether it would help is not known: {why}")
    if verdict.status is Status.FAIL:
        raise Refused(f"it would not be enough: {verdict.summary}")


def joined(*cautions: str) -> str:
    """Cautions as one text; empty ones are left out."""
    return "; ".join(one for one in cautions if one)
