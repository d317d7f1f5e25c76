"""What every chat's renderer does alike: strangers' text made harmless, and long messages made to fit.

A chat refuses a message that is too long as a whole. The longest texts are cut until it fits, and say so;
buttons are never left out, because without them nobody can decide.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from bot.chat.message import Block, Bold, Buttons, Line, Paragraph, Span

CUT = "… (cut)"
_SHORTEST = 60  # below this a text says nothing; rather are the last ones left out
_LABEL, _SHORTEST_LABEL = 75, 8
_URL = 3000

# Line breaks and tabs stay. The rest is invisible, or turns the reading direction (a way to fake a name).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Rendered = TypeVar("Rendered")


def fitted(
    blocks: Sequence[Block],
    longest: int,
    render: Callable[[Iterable[Block], int, int], Rendered],
    fits: Callable[[Rendered], bool],
) -> Rendered:
    """All of it if it fits; else every text no longer than fits; else without the last texts, too.

    ``longest``: more characters no text of what fits can have. ``render`` is given the blocks, the most
    characters of a text, and those of a button's label: labels are shortened where the buttons alone are too
    long, and what is answered may be too long even then.
    """

    def capped(cap: int) -> Rendered:
        return render(blocks, cap, _LABEL)

    def first(count: int) -> Rendered:
        return render(_first(blocks, count), _SHORTEST, _LABEL)

    def labelled(label: int) -> Rendered:
        return render(_first(blocks, 0), _SHORTEST, label)

    if fits(whole := capped(longest)):
        return whole
    if fits(capped(_SHORTEST)):
        return capped(largest(lambda cap: fits(capped(cap)), _SHORTEST, longest))
    if fits(first(0)):
        return first(largest(lambda count: fits(first(count)), 0, len(blocks)))
    return labelled(largest(lambda label: fits(labelled(label)), _SHORTEST_LABEL, _LABEL))


def largest(good: Callable[[int], bool], lowest: int, highest: int) -> int:
    """The largest number that is still good, where ``lowest`` is and all after the first bad one are not."""
    return bisect_left(range(lowest + 1, highest + 1), True, key=lambda one: not good(one)) + lowest


def _first(blocks: Sequence[Block], count: int) -> Iterator[Block]:
    """The first ``count`` blocks, a word about the rest, and all buttons."""
    told = False
    for at, block in enumerate(blocks):
        if at < count or isinstance(block, Buttons):
            yield block
        elif not told:
            told = True
            yield Paragraph((CUT,))


# ---- text


def shown(line: Line, cap: int) -> Iterator[tuple[Span, str]]:
    """Every span that says something, with what is shown of it: ``cap`` characters in all."""
    left, last = cap, ""
    for span in line:
        text = _clean_head(span if isinstance(span, str) else span.text, left)
        if not text:
            continue
        if left <= 0:
            if not last.endswith(CUT):
                yield CUT, CUT
            return
        last = cut(text, left)
        left -= units(text)
        yield span, last


def as_line(name: str, value: str) -> Line:
    """A row of pairs where there are no columns."""
    return (Bold(name), ": ", value) if value.strip() else (Bold(name),)


def shortened(text: str, limit: int, mark: str = CUT) -> str:
    return cut(_clean_head(text, limit), limit, mark)


def label(text: str, limit: int) -> str:
    """A button's, which is never empty."""
    return shortened(text.strip(), limit, "…") or "…"


def clean(text: str) -> str:
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n"))


def _clean_head(text: str, limit: int) -> str:
    """Cleaned, and a bit more than ``limit`` of it where there is so much: a log may be megabytes long."""
    return clean(text[: 2 * max(limit, 0) + 2])  # twice: a line break may lose its half


def cut(text: str, limit: int, mark: str = CUT) -> str:
    if units(text) <= limit:
        return text
    room = max(0, limit - len(mark))
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore") + mark


def units(text: str) -> int:
    """Its length as JavaScript counts, which is the longest way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_web_address(url: str) -> bool:
    """Anything else would be an action of the reader's own machine."""
    return url.startswith(("https://", "http://")) and units(url) <= _URL and not _UNSEEN.search(url)
