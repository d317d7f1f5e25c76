"""What the texts mean: an ordered table, first match wins.

The order follows the evidence. What stops a pull on the node or on the way is said once and is final;
"denied", "not found" and the like are also said by wrappers, so they come late, the most particular
first. Within a station, what the runtimes say of themselves comes before what only sounds like it.
"""

from __future__ import annotations

from checks.image.symptom.rules.content import BYTES, FORM, UNREADABLE
from checks.image.symptom.rules.kubelet import KUBELET, NAMES
from checks.image.symptom.rules.last import LAST
from checks.image.symptom.rules.network import CONNECTION, WIRE
from checks.image.symptom.rules.node import DISK, RUNTIME, SIGNATURES
from checks.image.symptom.rules.registry import CLEAR, LIMITS, ODD, PARTICULAR, STATUS
from checks.image.symptom.rules.rule import Rule
from checks.image.symptom.rules.search import Search

RULES: tuple[Rule, ...] = (
    *KUBELET, *ODD, *NAMES, *DISK, *SIGNATURES, *CLEAR, *WIRE, *LIMITS, *FORM, *RUNTIME, *BYTES, *CONNECTION,
    *PARTICULAR, *STATUS, *UNREADABLE, *LAST,
)  # fmt: skip


_SEARCHES = tuple((phrase.needle, phrase.pattern, rule) for rule in RULES for phrase in rule.phrases)
_SEARCH = Search([needle for needle, _, _ in _SEARCHES], [rule.example for rule in RULES])


def first_match(text: str) -> Rule | None:
    """``text``: in lower case, without names."""
    for number in _SEARCH.candidates(text):
        needle, pattern, rule = _SEARCHES[number]
        if needle in text and (pattern is None or pattern.search(text)):
            return rule
    return None
