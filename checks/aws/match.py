"""Three answers to "does it match?": yes, no, and *unknown*, which is never taken for either."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Match(Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, holds: bool) -> Match:
        return cls.YES if holds else cls.NO

    def inverted(self) -> Match:
        return {Match.YES: Match.NO, Match.NO: Match.YES}.get(self, Match.UNKNOWN)


def all_of(parts: Iterable[Match]) -> Match:
    found = set(parts)
    if Match.NO in found:
        return Match.NO
    return Match.UNKNOWN if Match.UNKNOWN in found else Match.YES


def any_of(parts: Iterable[Match]) -> Match:
    return all_of(part.inverted() for part in parts).inverted()
