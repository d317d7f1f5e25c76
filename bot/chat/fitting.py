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
SHORTEST = 60  # below this a text says nothing; rather are the last ones left out
_URL = 3000

# Line breaks and tabs stay. The rest is invisible, or turns the reading direction (a way to fake a name).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Rendered = TypeVar("Rendered")


def fitted(
    blocks: Sequence[Block],
    largest_cap: int,
    render: Callable[[Iterable[Block], int], Rendered],
    fits: Callable[[Rendered], bool],
) -> Rendered:
    """All of it if it fits; else every text no longer than fits; else without the last texts, too.

    ``render`` is given the blocks and how many characters each text of them may have, ``largest_cap`` at
    most. What is answered does not fit where the buttons alone are too many.
    """

    def capped(cap: int) -> Rendered:
        return render(blocks, cap)

    def first(count: int) -> Rendered:
        return render(first_texts(blocks, count), SHORTEST)

    if fits(whole := capped(largest_cap)):
        return whole
    if fits(capped(SHORTEST)):
        return capped(largest(lambda cap: fits(capped(cap)), SHORTEST, largest_cap))
    return first(largest(lambda count: fits(first(count)), 0, len(blocks)))


def largest(good: Callable[[int], bool], lowest: int, highest: int) -> int:
    """The largest number that is still good, where ``lowest`` is and all after the first bad one are not."""
    return bisect_left(range(lowest + 1, highest + 1), True, key=lambda one: not good(one)) + lowest


def first_texts(blocks: Sequence[Block], count: int) -> Iterator[Block]:
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
        text = clean(span if isinstance(span, str) else span.text)
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


def clean(text: str) -> str:
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n"))


def cut(text: str, limit: int) -> str:
    if units(text) <= limit:
        return text
    room = max(0, limit - len(CUT))
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore") + CUT


def units(text: str) -> int:
    """Its length as JavaScript counts, which is the longest way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_web_address(url: str) -> bool:
    """Anything else would be an action of the reader's own machine."""
    return url.startswith(("https://", "http://")) and units(url) <= _URL and not _UNSEEN.search(url)
