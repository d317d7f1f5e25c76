"""How many messages, no two alike, are read in a second, and how long the worst megabyte takes."""

from __future__ import annotations

import random
import string
import time
from collections.abc import AsyncIterator, Iterator

from bench.figures import Figure
from checks.image.symptom import classify
from checks.image.symptom.rules import RULES

_MESSAGES = 20_000
_AT_ONCE = 500
_WANTED = 20_000
_MEGABYTE = 1_000_000
_LONGEST = 0.050
_WRAPPERS = (
    "{}",
    'Failed to pull image "{image}": {}',
    'Failed to pull image "{image}": rpc error: code = Unknown desc = failed to pull and unpack image '
    '"{image}": failed to resolve reference "{image}": {}',
    'Back-off pulling image "{image}": ErrImagePull: {}',
    "CannotPullContainerError: ref pull has been retried 5 time(s): {}",
)


async def figures() -> AsyncIterator[Figure]:
    rate = _best_rate(tuple(_all_different(random.Random(7))))  # noqa: S311  no secret, a dice
    yield Figure("messages a second on a core", f"{rate:,.0f}, none alike", _WANTED / rate, 1.0)
    slowest, words = max((_seconds(words), words) for words in _worst())
    told = f"{slowest * 1000:.1f} ms for the worst of {len(RULES)} rules' words, {words.strip()!r}"
    yield Figure("a megabyte of one rule's words", told, slowest / _LONGEST, 1.0)


def _all_different(chance: random.Random) -> Iterator[str]:
    """Rules' examples with names, numbers and one word that nobody said before: no memory helps."""

    def fresh(length: int) -> str:
        return "".join(chance.choices(string.ascii_lowercase, k=length))

    for _ in range(_MESSAGES):
        image = f"{fresh(6)}.example/{fresh(5)}/{fresh(7)}:{chance.randrange(1000)}"
        wrapper = chance.choice(_WRAPPERS).replace("{image}", image)
        words = chance.choice(RULES).example.replace("r.example", f"{fresh(6)}.example").split(" ")
        words.insert(chance.randrange(len(words) + 1), fresh(8))
        yield wrapper.replace("{}", " ".join(words))


def _best_rate(messages: tuple[str, ...]) -> float:
    """Of this process, in its best stretch: what else runs on the machine is not measured."""
    return max(
        _AT_ONCE / _spent(messages[start : start + _AT_ONCE]) for start in range(0, len(messages), _AT_ONCE)
    )


def _spent(messages: tuple[str, ...]) -> float:
    started = time.process_time()
    for message in messages:
        classify(message)
    return time.process_time() - started


def _worst() -> Iterator[str]:
    for rule in RULES:
        for phrase in rule.phrases:
            yield f"{phrase.needle} "


def _seconds(words: str) -> float:
    return min(_spent((words * (_MEGABYTE // len(words)),)) for _ in range(3))
