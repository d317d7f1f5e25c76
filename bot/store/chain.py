"""The hash chain of the audit trail.

Each entry's hash covers the hash before it, its position and its canonical JSON; a head record,
kept apart from the entries, counts them and repeats the last hash.

What ``first_break`` proves: no entry was altered, removed, inserted or reordered, and none was cut
off the end, by anybody who did not also rewrite everything after it *and* the head record.
What it cannot prove: somebody who may write to the whole store can build a new chain that is
whole. Against that every entry's position and hash go to the log as well (``pullbot.audit``):
compare the head with the newest such line in a place where the store's owner cannot write.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from bot.store.codec import json_bytes
from bot.store.ports import Broken, Head
from checks.redaction import redact
from handlers.world import Entry

_log = logging.getLogger("pullbot.audit")


@dataclass(frozen=True, slots=True)
class Link:
    """One stored entry. ``incident`` repeats what the body says, for look-ups."""

    position: int
    incident: str
    body: bytes
    hash: str


def seal(entry: Entry, head: Head) -> Link:
    """The link that follows ``head``. Texts are freed of secrets first, for they stay for ever."""
    body = json_bytes(
        {
            "actor": redact(entry.actor),
            "at": entry.at.isoformat(),
            "details": [[name, redact(value)] for name, value in entry.details],
            "incident": entry.incident,
            "what": entry.what,
        },
        orjson.OPT_SORT_KEYS,
    )
    position = head.count + 1
    return Link(position, entry.incident, body, _hash(head.hash, position, body))


def entry_of(link: Link) -> Entry:
    """:raises ValueError: the body is not an entry."""
    try:
        tree = orjson.loads(link.body)
        at = datetime.fromisoformat(tree["at"])
        details = tuple((str(name), str(value)) for name, value in tree["details"])
        return Entry(at, tree["incident"], tree["actor"], tree["what"], details)
    except (KeyError, TypeError) as error:
        raise ValueError(f"entry {link.position} is not an audit entry: {error!r}") from error


def tell_log(link: Link) -> None:
    """Leave a copy outside the store."""
    _log.info(
        "audit entry %d", link.position,
        extra={"audit": orjson.loads(link.body), "position": link.position, "hash": link.hash},
    )  # fmt: skip


async def first_break(
    page: Callable[[int], Awaitable[Sequence[Link]]], head: Callable[[], Awaitable[Head]]
) -> Broken | None:
    """Walk the trail while others may append to it.

    :param page: answers some links whose position is greater than the one given, in order; none at the end
    :param head: answers the head record as it is now
    """
    seen = Head(0, "")
    while True:
        links = await page(seen.count)
        if not links:
            top = await head()
            # The head is read before the last look for entries: whatever it counts must be there.
            links = await page(seen.count)
            if not links:
                return _end(seen, top)
        for link in links:
            fault = _fault(link, seen)
            if fault:
                return Broken(seen.count + 1, fault)
            seen = Head(link.position, link.hash)


def _fault(link: Link, seen: Head) -> str:
    expected = seen.count + 1
    if link.position != expected:
        return f"entry {expected} is missing; the next one is {link.position}"
    if _hash(seen.hash, link.position, link.body) != link.hash:
        return "its hash does not fit: it, or the one before it, was altered"
    try:
        told = entry_of(link).incident
    except ValueError as error:
        return str(error)
    if told != link.incident:
        return f"it is filed under incident {link.incident or '(none)'}, but was written for {told}"
    return ""


def _end(seen: Head, top: Head) -> Broken | None:
    if seen.count < top.count:
        first = seen.count + 1
        return Broken(first, f"cut off: the head record counts {top.count} entries, {seen.count} are there")
    if seen.count > top.count:
        return Broken(
            top.count + 1, f"it was added behind the bot's back: the head record counts {top.count}"
        )
    if seen.hash != top.hash:
        return Broken(seen.count, "the head record has another hash for it: the trail was rewritten")
    return None


def _hash(previous: str, position: int, body: bytes) -> str:
    return hashlib.sha256(b"%s\n%d\n%s" % (previous.encode(), position, body)).hexdigest()
