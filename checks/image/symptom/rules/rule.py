"""One line of the table: when a text says these words, it means that."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.model import Symptom


@dataclass(frozen=True, slots=True)
class Phrase:
    """``needle`` is in every text that matches; searching for plain text costs next to nothing.

    ``pattern`` is None where the needle is all there is to the phrase.
    """

    needle: str
    pattern: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """``why``: who says so, and why it means this. ``example`` is read by this very rule."""

    symptom: Symptom
    why: str
    example: str
    phrases: tuple[Phrase, ...]


def rule(symptom: Symptom, why: str, example: str, *phrases: str) -> Rule:
    r"""Phrases are regular expressions for lower-case text without names, where ``…`` stands for one.

    Each begins with at least three plain characters (after a ``\b``, if need be) and has bounded gaps
    only, so that no text can make it slow.

    :raises ValueError: a phrase does not.
    """
    return Rule(symptom, why, example, tuple(map(_phrase, phrases)))


def _phrase(phrase: str) -> Phrase:
    needle = _beginning(phrase)
    return Phrase(needle, None if needle == phrase else re.compile(phrase))


_PLAIN = re.compile(r"(?:\\b)?(?P<plain>(?:[^\\.^$*+?{}\[\]|()]|\\[.()\[\]/])+)(?P<optional>[?*{])?")
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d*,\}")


def _beginning(phrase: str) -> str:
    found = _PLAIN.match(phrase)
    plain = re.sub(r"\\(.)", r"\1", found["plain"]) if found else ""
    if found and found["optional"]:
        plain = plain[:-1]
    if len(plain) < 3 or _UNBOUNDED.search(phrase) or _has_bare_alternative(phrase):
        raise ValueError(f"a phrase begins with plain words and has bounded gaps only: {phrase!r}")
    return plain


def _has_bare_alternative(phrase: str) -> bool:
    """``a|b`` outside of parentheses: the beginning would not be that of every alternative."""
    depth = 0
    for before, one in zip(f" {phrase}", phrase, strict=False):
        if before != "\\":
            depth += (one == "(") - (one == ")")
            if one == "|" and not depth:
                return True
    return False
