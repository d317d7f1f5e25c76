"""How well messages are read: a table per label, for a file whose lines carry the right answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.model import Symptom

_LABELS = [symptom.value for symptom in Symptom]


class BadLabel(ValueError):
    """A line does not say what would be right. The text says what is wrong with it."""


@dataclass(slots=True)
class _Row:
    lines: int = 0
    right: int = 0
    acceptable: int = 0

    def text(self, label: str, width: int) -> str:
        share = f"{self.acceptable / self.lines:.1%}" if self.lines else "-"
        return f"{label:{width}}  {self.lines:5}  {self.right:5}  {self.acceptable:17}  {share:>6}"


@dataclass(slots=True)
class Score:
    """``right`` is the label itself; ``with alternatives`` also counts what ``alt_symptoms`` allows."""

    _rows: dict[str, _Row] = field(default_factory=dict)
    _total: _Row = field(default_factory=_Row)

    def add(self, labelled: Mapping[str, Any], read: Symptom) -> None:
        """:raises BadLabel: there is no ``symptom``, or one that nobody knows."""
        label, alternatives = labelled.get("symptom"), labelled.get("alt_symptoms") or []
        if not isinstance(label, str):
            raise BadLabel("no `symptom` to compare with; --score wants JSON lines that carry one")
        if not isinstance(alternatives, list):
            raise BadLabel("`alt_symptoms` is not a list")
        for one in (label, *alternatives):
            if one not in _LABELS:
                raise BadLabel(f"there is no symptom {one!r}")
        right = read.value == label
        for row in (self._rows.setdefault(label, _Row()), self._total):
            row.lines += 1
            row.right += right
            row.acceptable += right or read.value in alternatives

    def table(self) -> str:
        width = max(map(len, (*self._rows, "SYMPTOM")))
        head = f"{'SYMPTOM':{width}}  LINES  RIGHT  WITH ALTERNATIVES"
        rows = [row.text(label, width) for label, row in sorted(self._rows.items())]
        return "\n".join([head, *rows, self._total.text("total", width)])
