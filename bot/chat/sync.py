"""Bring a chat thread in line with what it should say: post what is new, edit what changed.

The thread is a pure function of the incident. Nothing else ever posts into it, so a restart, a
retry or a second replica cannot repeat a message. A message that the thread no longer has is
retired: its buttons go, so that nobody presses what no longer counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.chat.message import Message, Paragraph, Thread
from bot.store.ports import Posted


@dataclass(frozen=True, slots=True)
class Post:
    message: Message


@dataclass(frozen=True, slots=True)
class Edit:
    ref: str
    message: Message


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Nobody knows whether it was posted, and by now it is not wanted: if it is there, it becomes this."""

    message: Message


def changes(thread: Thread, posted: Mapping[str, Posted]) -> Iterator[Post | Edit | Withdraw]:
    """What to do to get from ``posted`` (by message key) to ``thread``.

    In a busy channel each takes its time: the root, which tells the state, goes first, then what is new, and
    then what changed.
    """
    wanted = {message.key: message for message in (thread.root, *thread.replies)}
    there = {key: one for key, one in posted.items() if one.ref}
    new = [message for key, message in wanted.items() if key not in there]
    changed = [
        message for key, message in wanted.items() if key in there and there[key].digest != digest(message)
    ]
    for message in sorted((*new, *changed), key=lambda one: one is not thread.root):
        yield Edit(there[message.key].ref, message) if message.key in there else Post(message)
    for key, before in posted.items():
        if key not in wanted and before.digest != digest(retired(key)):
            yield Edit(before.ref, retired(key)) if before.ref else Withdraw(retired(key))


def retired(key: str) -> Message:
    """What is left of a message that no longer counts."""
    text = "(No longer current.)"
    return Message(key, text, (Paragraph((text,)),))


def digest(message: Message) -> str:
    return hashlib.sha256(repr(message).encode()).hexdigest()[:16]
