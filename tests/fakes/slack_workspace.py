"""A Slack workspace: its people, channels and messages, and what the Web API's methods do to them.

Without any network; ``tests.fakes.slack`` puts it behind HTTP and a socket.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_rules import Json, NotTaken, buttons, check_message, check_metadata, flattened

TEAM, BOT_USER, BOT = "T0HOME", "U0PULLBOT", "B0PULLBOT"
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "users.info": "users:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
}


@dataclass
class User:
    id: str
    name: str = ""
    email: str = ""
    team: str = TEAM
    deleted: bool = False

    def __post_init__(self) -> None:
        self.name = self.name or self.id.removeprefix("U0").capitalize()
        self.email = self.email or f"{self.name.lower()}@example.com"


@dataclass
class Group:
    id: str
    handle: str
    users: list[str]
    disabled: bool = False


@dataclass
class Channel:
    id: str
    joined: bool = True
    archived: bool = False
    restricted: bool = False


@dataclass
class Said:
    """A message. ``text`` is what people see; ``replies`` are those of its thread, oldest first."""

    ts: str
    channel: str
    user: str
    text: str
    thread: str = ""
    blocks: list[Json] = field(default_factory=list)
    raw: str = ""
    metadata: Json = field(default_factory=dict)
    edits: int = 0
    only_for: str = ""
    replies: list[Said] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return self.ts

    @property
    def key(self) -> str:
        return str(self.metadata.get("event_payload", {}).get("key", ""))

    @property
    def buttons(self) -> list[str]:
        return [one["text"]["text"] for one in buttons(self.blocks)]


class Workspace:
    """``every``: seconds between two messages in one channel, below which they are refused.

    ``scopes``: what the bot's token may.
    """

    def __init__(
        self,
        users: Sequence[str | User],
        groups: Mapping[str, Sequence[str]],
        channels: Sequence[str | Channel],
        every: float,
        clock: Callable[[], float],
    ) -> None:
        self.users = {one.id: one for one in (User(u) if isinstance(u, str) else u for u in users)}
        self.groups = [
            Group(f"S0{handle.strip('@').upper()}", handle.strip("@"), list(who))
            for handle, who in groups.items()
        ]
        made = (Channel(c) if isinstance(c, str) else c for c in channels)
        self.channels = {one.id: one for one in made}
        self.scopes = set(SCOPES.values()) | {"users:read.email"}
        self.largest = 13_000  # characters of blocks
        self.refusals: list[str] = []  # what was asked and is not allowed
        self._said: list[Said] = []
        self._every, self._clock = every, clock
        self._last_post: dict[str, float] = {}
        self._count = itertools.count(1)
        self._news = asyncio.Event()

    # ---- what people see

    def channel(self, channel: str) -> list[Said]:
        """The channel's messages, oldest first, each with its thread."""
        return [one for one in self._said if one.channel == channel and not one.thread and not one.only_for]

    def ephemeral(self, user: str) -> list[Said]:
        return [one for one in self._said if one.only_for == user]

    async def until(self, true: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Wait for something to be so; gives what ``true`` gave.

        :raises AssertionError: with what there is instead
        """
        try:
            async with asyncio.timeout(seconds):
                while not (found := true()):
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            shown = "\n".join(
                f"{one.channel} {one.thread and '  '}{one.user}: {one.text}" for one in self._said
            )
            raise AssertionError(
                f"not so after {seconds} s; Slack shows:\n{shown}\n{self.refusals}"
            ) from None

    def say(self, user: str, channel: str, text: str, thread: str = "", metadata: Json | None = None) -> str:
        """Words that are not for the bot, so nobody tells it of them."""
        return self._add(channel, user, text, thread=thread, metadata=metadata or {}).ts

    def delete(self, channel: str, ts: str) -> None:
        self._said.remove(self._find(channel, ts))

    # ---- the Web API's methods

    async def call(self, method: str, asked: Json) -> Json:
        """:raises NotTaken: with what Slack would answer"""
        if SCOPES.get(method, "chat:write") not in self.scopes:
            raise NotTaken("missing_scope", SCOPES[method])
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            raise NotTaken("unknown_method", method)
        answer: Json = await handler(asked)
        return answer

    async def _auth_test(self, _: Json) -> Json:
        return {"user_id": BOT_USER, "bot_id": BOT, "team_id": TEAM, "team": "Home", "user": "pullbot"}

    async def _chat_postMessage(self, asked: Json) -> Json:
        channel = self._joined(asked)
        now = self._clock()
        if now - self._last_post.get(channel, float("-inf")) < self._every:
            raise NotTaken("ratelimited", f"a second message within {self._every} s in {channel}")
        self._check(asked)
        if "metadata" in asked:
            check_metadata(asked["metadata"])
        self._known_thread(channel, asked)
        self._last_post[channel] = now
        said = self._add(
            channel,
            BOT_USER,
            asked["text"],
            thread=str(asked.get("thread_ts", "")),
            blocks=asked.get("blocks", []),
            metadata=asked.get("metadata", {}),
        )
        return {"channel": channel, "ts": said.ts, "message": _as_json(said, metadata=False)}

    async def _chat_update(self, asked: Json) -> Json:
        said = self._find(self._joined(asked), str(asked.get("ts", "")))
        if said.user != BOT_USER:
            raise NotTaken("cant_update_message")
        self._check(asked)
        if "metadata" in asked:
            check_metadata(asked["metadata"])
        said.raw, said.blocks = asked["text"], asked.get("blocks", [])
        said.text = flattened(said.raw, said.blocks)
        said.metadata = asked.get("metadata", {})  # what is not said again is gone
        said.edits += 1
        return {"channel": said.channel, "ts": said.ts, "text": said.raw}

    async def _chat_postEphemeral(self, asked: Json) -> Json:
        channel = self._joined(asked)
        if asked.get("user") not in self.users:
            raise NotTaken("user_not_in_channel", str(asked.get("user")))
        self._check(asked)
        self._known_thread(channel, asked)
        said = self._add(
            channel,
            BOT_USER,
            asked["text"],
            thread=str(asked.get("thread_ts", "")),
            blocks=asked.get("blocks", []),
            only_for=asked["user"],
        )
        return {"message_ts": said.ts}

    async def _conversations_history(self, asked: Json) -> Json:
        channel = self._joined(asked)
        return _page(list(reversed(self.channel(channel))), asked)

    async def _conversations_replies(self, asked: Json) -> Json:
        root = self._find(self._joined(asked), str(asked.get("ts", "")), "thread_not_found")
        return _page([root, *root.replies], asked)

    async def _users_info(self, asked: Json) -> Json:
        user = self.users.get(str(asked.get("user")))
        if user is None:
            raise NotTaken("user_not_found", str(asked.get("user")))
        profile = {"display_name": user.name, "real_name": f"{user.name} Example"}
        profile |= {"email": user.email} if "users:read.email" in self.scopes else {}
        shown = {"id": user.id, "team_id": user.team, "name": user.name.lower(), "deleted": user.deleted}
        return {"user": {**shown, "is_bot": False, "profile": profile}}

    async def _usergroups_list(self, asked: Json) -> Json:
        all_of_them = str(asked.get("include_disabled", "0")).lower() in ("1", "true")
        return {
            "usergroups": [
                {"id": one.id, "handle": one.handle, "date_delete": 1_700_000_000 if one.disabled else 0}
                for one in self.groups
                if all_of_them or not one.disabled
            ]
        }

    async def _usergroups_users_list(self, asked: Json) -> Json:
        found = next((one for one in self.groups if one.id == asked.get("usergroup")), None)
        if found is None:
            raise NotTaken("no_such_subteam")
        return {"users": found.users}

    # ---- messages

    def _add(self, channel: str, user: str, text: str, *, thread: str = "", **more: Any) -> Said:
        blocks = more.get("blocks", [])
        said = Said(self._ts(), channel, user, flattened(text, blocks), thread, raw=text, **more)
        self._said.append(said)
        if thread and not said.only_for:
            self._find(channel, thread).replies.append(said)
        self._news.set()
        return said

    def _find(self, channel: str, ts: str, code: str = "message_not_found") -> Said:
        for one in self._said:
            if (one.channel, one.ts) == (channel, ts) and not one.only_for:
                return one
        raise NotTaken(code, ts)

    def _check(self, asked: Json) -> None:
        check_message(asked.get("text"), asked.get("blocks", []), self.largest)
        if asked.get("parse") != "none" or str(asked.get("link_names")).lower() not in ("0", "false"):
            raise NotTaken("invalid_arguments", "without parse=none, names become links that notify")

    def _known_thread(self, channel: str, asked: Json) -> None:
        if asked.get("thread_ts"):
            root = self._find(channel, str(asked["thread_ts"]), "thread_not_found")
            if root.thread:
                raise NotTaken("cannot_reply_to_message", "a reply is no root")

    def _joined(self, asked: Json) -> str:
        channel = self.channels.get(str(asked.get("channel")))
        if channel is None:
            raise NotTaken("channel_not_found", str(asked.get("channel")))
        if not channel.joined:
            raise NotTaken("not_in_channel", channel.id)
        if channel.archived:
            raise NotTaken("is_archived", channel.id)
        if channel.restricted:
            raise NotTaken("restricted_action", channel.id)
        return channel.id

    def _ts(self) -> str:
        return f"1790000000.{next(self._count):06}"


def _page(messages: list[Said], asked: Json) -> Json:
    at, limit = int(asked.get("cursor") or 0), min(int(asked.get("limit") or 100), 999)
    metadata = str(asked.get("include_all_metadata", "0")).lower() in ("1", "true")
    more = at + limit < len(messages)
    return {
        "messages": [_as_json(one, metadata=metadata) for one in messages[at : at + limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(at + limit) if more else ""},
    }


def _as_json(said: Said, *, metadata: bool) -> Json:
    one: Json = {"type": "message", "ts": said.ts, "user": said.user, "text": said.raw, "blocks": said.blocks}
    if said.user == BOT_USER:
        one["bot_id"] = BOT
    if said.thread:
        one["thread_ts"] = said.thread
    if metadata and said.metadata:
        one["metadata"] = said.metadata
    return one
