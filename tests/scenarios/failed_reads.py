"""What may come of a read that fails: a check says that it does not know, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from checks.model import Finding, Status, Verdict


class Seen(Protocol):
    """All that is told of a pull, by check, and what is planned for it."""

    @property
    def findings(self) -> Mapping[str, Finding]: ...

    @property
    def plans(self) -> AbstractSet[Any]: ...


@dataclass(frozen=True)
class FailedReads:
    """``names``: whether a verdict tells which action it lacks. ``may_be_silent``: checks that may be left
    out where they passed.
    """

    names: Callable[[Verdict, str], bool]
    may_be_silent: frozenset[str] = frozenset()

    def became_unknown(self, before: Seen, after: Seen, action: str) -> set[str]:
        """The checks that say so since ``action`` fails. Nothing else may be told, accused or planned."""
        unknown: set[str] = set()
        for name in before.findings.keys() | after.findings.keys():
            was, now = before.findings.get(name), after.findings.get(name)
            if now is None:
                assert name in self.may_be_silent, f"{name} is silent without {action}"
                assert was is not None
                assert was.verdict.status is Status.PASS
            elif was is None or was.verdict.status is not now.verdict.status:
                self._is_no_accusation(was, now, action)
                if now.verdict.status is Status.UNKNOWN:
                    unknown.add(name)
            assert now is None or not now.is_cause or (was is not None and was.is_cause), f"{name}: {action}"
        assert after.plans <= before.plans, f"planned without {action}: {after.plans - before.plans}"
        return unknown

    def _is_no_accusation(self, was: Finding | None, now: Finding, action: str) -> None:
        verdict = now.verdict
        told = f"{now.check} without {action}: {verdict.summary}"
        if verdict.status is Status.PASS:
            # What was left out for another reason; a fault or a doubt never becomes right.
            assert was is None, told
            return
        assert verdict.status is Status.UNKNOWN, told
        assert self.names(verdict, action), told
