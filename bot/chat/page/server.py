"""The page's HTTP side: static files, a stream of posts, and two doors for what people do.

Another web page in the same browser must not press our buttons or read our posts. So every request
has to come over loopback and name us by a loopback name (else a hostile domain could be pointed at
127.0.0.1), and what changes anything has to come from our own page and be JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.chat.message import Message, Paragraph
from bot.chat.page.chat import BOT, PageChat, Persona, Post
from bot.chat.platform import Answer, ChatRefused, Desk, Mention, Place, Sender
from bot.settings_values import is_loopback

_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/blocks.js": ("blocks.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LONGEST = 2000  # characters that a person may say at once
_BEAT_SECONDS = 15.0
_MENTION = re.compile(r"\s*@pullbot\b[:,]?\s*", re.IGNORECASE)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(page: PageChat, desk: Desk) -> Iterable[web.RouteDef]:
    """What to add to the service's web application."""
    front = _Front(page, desk)
    for path in _FILES:
        yield web.get(path, _guarded(front.file))
    yield web.get("/events", _guarded(front.events))
    yield web.post("/say", _guarded(front.say))
    yield web.post("/press", _guarded(front.press))


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        why = _why_refused(request)
        if why:
            return web.Response(status=403, text=f"{why}\n", headers=_HEADERS)
        return await handler(request)

    return guarded


def _why_refused(request: web.Request) -> str:
    if not is_loopback(request.remote or ""):
        return "the page answers on this machine only"
    if not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        return "the page answers to the name localhost or 127.0.0.1 only"
    if request.method != "GET":
        if request.headers.get("Origin") != f"http://{request.host}":
            return "only the page itself may do this"
        if request.content_type != "application/json":
            return "only JSON is understood"
    return ""


class _Front:
    def __init__(self, page: PageChat, desk: Desk) -> None:
        self._page = page
        self._desk = desk

    async def file(self, request: web.Request) -> web.Response:
        name, kind = _FILES[request.path]
        body = (resources.files(__package__) / "static" / name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=_HEADERS)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Everything there is, then what changes. A browser that reconnects gets everything anew."""
        # A browser that never picked anybody, or somebody of an earlier demo, is the first person.
        persona = self._page.persona(request.query.get("person", "")) or self._page.people[0]
        stream = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await stream.prepare(request)
        seen = self._page.version
        try:
            await stream.write(_event("snapshot", seen, self._snapshot(persona)))
            while await self._news_or_beat(stream, seen):
                posts = self._page.since(seen, persona.id)
                seen = self._page.version
                for post in posts:
                    await stream.write(_event("post", post.version, _shown(post)))
        except ConnectionError:
            pass  # the browser went away, as browsers do
        return stream

    async def _news_or_beat(self, stream: web.StreamResponse, seen: int) -> bool:
        """Wait for news. Meanwhile an empty comment now and then finds out who went away."""
        while True:
            try:
                async with asyncio.timeout(_BEAT_SECONDS):
                    return await self._page.changed(seen)
            except TimeoutError:
                await stream.write(b":\n\n")

    def _snapshot(self, persona: Persona) -> dict[str, Any]:
        people = [{"id": one.id, "name": one.name, "role": one.role} for one in self._page.people]
        posts = [_shown(post) for post in self._page.since(0, persona.id)]
        channels = list(self._page.channels)
        return {"bot": BOT, "you": persona.id, "channels": channels, "people": people, "posts": posts}

    async def say(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        persona = self._who(asked)
        text = _text(asked, "text").strip()
        if not 0 < len(text) <= _LONGEST:
            raise web.HTTPBadRequest(text=f"say something, in at most {_LONGEST} characters\n")
        place = Place(_text(asked, "channel"), _text(asked, "thread"))
        try:
            ref = self._page.said(persona, place, text)
        except ChatRefused as why:
            raise web.HTTPBadRequest(text=f"{why}\n") from None
        answer_place = Place(place.channel, place.thread or ref)
        mention = _MENTION.match(text)
        if mention is None:
            hint = "I only listen to messages that begin with @pullbot."
            self._page.answered(answer_place, _sentence(hint), only_for=persona.id)
            return web.json_response({"ref": ref}, headers=_HEADERS)
        answer = await self._desk.mention(
            Mention(
                self._sender(persona), place.channel, place.thread, ref, text[mention.end() :], _event_id()
            )
        )
        self._tell(answer, answer_place, persona)
        return web.json_response({"ref": ref}, headers=_HEADERS)

    async def press(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        persona = self._who(asked)
        place = self._page.place_of(_text(asked, "ref"))
        if place is None:
            raise web.HTTPBadRequest(text="that message is not here any more; reload the page\n")
        answer = await self._desk.click(self._sender(persona), _text(asked, "value"), _event_id())
        self._tell(answer, place, persona)
        return web.json_response({}, headers=_HEADERS)

    def _who(self, asked: dict[str, Any]) -> Persona:
        persona = self._page.persona(_text(asked, "person"))
        if persona is None:
            raise web.HTTPBadRequest(text="person is none of the page's people\n")
        return persona

    def _sender(self, persona: Persona) -> Sender:
        return Sender(self._page.name, persona.id, persona.name)

    def _tell(self, answer: Answer, place: Place, persona: Persona) -> None:
        if answer.message is not None:
            self._page.answered(place, answer.message, only_for=persona.id if answer.private else "")


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        asked = await request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="a JSON object is wanted\n")
    return asked


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise web.HTTPBadRequest(text=f"{name} should be text\n")
    return value


def _shown(post: Post) -> dict[str, Any]:
    return {
        "ref": post.ref,
        "channel": post.place.channel,
        "thread": post.place.thread,
        "author": post.author,
        "at": post.at.isoformat(),
        "version": post.version,
        "edited": post.edited,
        "private": bool(post.only_for),
        **post.content,
    }


def _event(name: str, version: int, data: dict[str, Any]) -> bytes:
    # JSON has no line breaks of its own, so one data line holds it all.
    return f"event: {name}\nid: {version}\ndata: {json.dumps(data)}\n\n".encode()


def _event_id() -> str:
    return f"page:{uuid.uuid4()}"


def _sentence(text: str) -> Message:
    return Message("answer", text, (Paragraph((text,)),))
