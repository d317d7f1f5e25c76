"""Which phrases are worth trying on a text, told from its words.

The table holds some five hundred phrases, and a text can match very few of them: each needs a word that is
rare. So a phrase is filed under its rarest word, each word of a text is looked up once and remembered, and
only what was found is tried, in the table's order. Nothing is decided here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_WORD = re.compile("[a-z0-9]+")
# Everything else separates words. Beyond ASCII too: no phrase has a word there.
_ONLY_WORDS = bytes(one if _WORD.fullmatch(chr(one)) else ord(" ") for one in range(256))
# Words of many examples lead to little, and so do short ones.
_MANY_EXAMPLES = 6
_GRAM = 3

_Filed = list[tuple[bytes, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class _Key:
    """A word of a needle, and whether the needle says where that word begins and ends."""

    word: bytes
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class _Index:
    """Numbers of phrases by a whole word, and by the letters that a word begins, ends or goes on with."""

    whole: dict[bytes, tuple[int, ...]] = field(default_factory=dict)
    beginning: dict[bytes, _Filed] = field(default_factory=lambda: defaultdict(list))
    ending: dict[bytes, _Filed] = field(default_factory=lambda: defaultdict(list))
    within: dict[bytes, _Filed] = field(default_factory=lambda: defaultdict(list))
    short: _Filed = field(default_factory=list)


class Search:
    """``needles`` in the table's order; ``examples`` tell which words are common."""

    def __init__(self, needles: Sequence[str], examples: Iterable[str]) -> None:
        common = Counter(word for one in examples for word in set(_WORD.findall(one.lower())))
        filed: dict[_Key, list[int]] = defaultdict(list)
        for number, needle in enumerate(needles):
            filed[_rarest(needle, common)].append(number)
        index = _index(filed)
        self._of_word = lru_cache(maxsize=16_384)(lambda word: _numbers(index, word))

    def candidates(self, text: str) -> list[int]:
        """Numbers of the needles that ``text``, in lower case, may hold, in order. It holds no other."""
        words = text.encode("ascii", "replace").translate(_ONLY_WORDS).split()
        return sorted(set().union(*map(self._of_word, words)))


def _rarest(needle: str, common: Counter[str]) -> _Key:
    def rank(found: re.Match[str]) -> tuple[bool, bool, int, int]:
        word = found[0]
        return common[word] > _MANY_EXAMPLES, len(word) <= _GRAM, common[word], -len(word)

    word = min(_WORD.finditer(needle), key=rank)
    return _Key(word[0].encode(), begins=word.start() > 0, ends=word.end() < len(needle))


def _index(filed: dict[_Key, list[int]]) -> _Index:
    index = _Index()
    for key, numbers in filed.items():
        entry = key.word, tuple(numbers)
        if key.begins and key.ends:
            index.whole[key.word] = entry[1]
        elif len(key.word) < _GRAM:
            index.short.append(entry)
        elif key.begins:
            index.beginning[key.word[:_GRAM]].append(entry)
        elif key.ends:
            index.ending[key.word[-_GRAM:]].append(entry)
        else:
            index.within[key.word[:_GRAM]].append(entry)
    return index


def _numbers(index: _Index, word: bytes) -> tuple[int, ...]:
    found = [*index.whole.get(word, ())]
    for start, numbers in index.beginning.get(word[:_GRAM], ()):
        if word.startswith(start):
            found += numbers
    for end, numbers in index.ending.get(word[-_GRAM:], ()):
        if word.endswith(end):
            found += numbers
    for at in range(len(word) - _GRAM + 1):
        for part, numbers in index.within.get(word[at : at + _GRAM], ()):
            if word.startswith(part, at):
                found += numbers
    for part, numbers in index.short:
        if part in word:
            found += numbers
    return tuple(found)
