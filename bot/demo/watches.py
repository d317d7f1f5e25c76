"""Watches: a list of changes that never ends, one JSON object a line.

A watch follows one resource from a resource version on. Selectors are looked at before and after each change,
so an object that stops matching is DELETED for who watches, as it is with the real server. Who asks for a
version that was forgotten is answered 410 at the start, and with an ERROR event once the watch is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from aiohttp import web

from bot.demo.objects import Change, Objects, Tree
from bot.demo.resources import Refused, Target, bad_request, too_old
from bot.demo.selectors import Selects

_LONGEST_WATCH = 3600


@dataclass(frozen=True, slots=True)
class _Asked:
    target: Target
    selects: Selects
    bookmarks: bool
    ends: float


class Watches:
    """All watches that are running. None of them sleeps: each waits for the next change, or for its end."""

    def __init__(self, objects: Objects, bookmark_every: float) -> None:
        self._objects, self._bookmark_every = objects, bookmark_every
        self._round = 0
        self._bookmark_round = 0
        self._gone = False

    def end(self, *, gone: bool) -> None:
        self._round, self._gone = self._round + 1, gone
        self._objects.wake()

    def bookmark(self) -> None:
        self._bookmark_round += 1
        self._objects.wake()

    async def serve(self, request: web.Request, target: Target, selects: Selects) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        seconds = min(number(request, "timeoutSeconds") or _LONGEST_WATCH, _LONGEST_WATCH)
        bookmarks = request.query.get("allowWatchBookmarks") in ("true", "1")
        asked = _Asked(target, selects, bookmarks, loop.time() + seconds)
        revision = number(request, "resourceVersion")
        # Without a version, or with 0, a watch begins with everything that is there.
        first = [] if revision else self._objects.trees(target.resource.plural, target.namespace, selects)
        position = revision or self._objects.revision
        self._objects.since(target.resource.plural, position)  # refuses before the answer has begun
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            await response.write(b"".join(_line("ADDED", one) for one in first))
            await self._follow(response, asked, position)
            await response.write_eof()
        except ConnectionResetError:
            pass  # the client went away, as watchers do
        return response

    async def _follow(self, response: web.StreamResponse, asked: _Asked, position: int) -> None:
        loop = asyncio.get_running_loop()
        began, bookmarked = self._round, self._bookmark_round
        next_bookmark = loop.time() + self._bookmark_every
        while True:
            pulse = self._objects.pulse
            try:
                changes = self._objects.since(asked.target.resource.plural, position)
                if began != self._round and self._gone:
                    raise too_old(position, self._objects.revision)
            except Refused as refused:
                await response.write(_line("ERROR", refused.status))
                return
            position = self._objects.revision
            lines = b"".join(_events(changes, asked))
            over = began != self._round or loop.time() >= asked.ends
            due = bookmarked != self._bookmark_round or over or loop.time() >= next_bookmark
            if asked.bookmarks and due:
                bookmarked = self._bookmark_round
                next_bookmark = loop.time() + self._bookmark_every
                lines += _bookmark(asked.target, position)
            if lines:
                await response.write(lines)
            if over:
                return
            until = min(asked.ends, next_bookmark) if asked.bookmarks else asked.ends
            try:
                async with asyncio.timeout_at(until):
                    await pulse.wait()
            except TimeoutError:
                continue  # time for a bookmark, or over


def _events(changes: list[Change], asked: _Asked) -> Iterator[bytes]:
    """What a change means to a watch that sees only what its selectors match."""
    for one in changes:
        tree = one.after or one.before or {}
        if asked.target.namespace not in ("", tree["metadata"].get("namespace")):
            continue
        was = one.before is not None and asked.selects(one.before)
        is_now = one.after is not None and asked.selects(one.after)
        if is_now and one.after is not None:
            yield _line("MODIFIED" if was else "ADDED", one.after)
        elif was and one.before is not None:
            metadata = one.before["metadata"] | {"resourceVersion": str(one.revision)}
            yield _line("DELETED", one.before | {"metadata": metadata})


def _bookmark(target: Target, revision: int) -> bytes:
    metadata = {"resourceVersion": str(revision), "creationTimestamp": None}
    kind = {"kind": target.resource.kind, "apiVersion": target.resource.api_version}
    return _line("BOOKMARK", kind | {"metadata": metadata})


def _line(kind: str, tree: Tree) -> bytes:
    return orjson.dumps({"type": kind, "object": tree}) + b"\n"


def number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "") or "0"
    if not text.isdecimal():
        raise bad_request(f"invalid value for {name}: {text!r}")
    return int(text)
