"""What Teams tells us, parsed: an activity's JSON in, one frozen value out.

Only what was signed by Microsoft comes here, but half of it was written by people: nothing of it is
trusted to have a shape. Who did something is the activity's ``from.aadObjectId``, never what a card carries.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-basics
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from bot.chat.platform import Sender
from bot.chat.teams.places import Kind, Reference, kind_of
from bot.chat.teams.spoken import spoken

Json = dict[str, Any]

# https://github.com/microsoft/botframework-sdk/blob/main/specs/botframework-activity/botframework-activity.md
_OTHERS = frozenset(
    {
        "command", "commandResult", "contactRelationUpdate", "deleteUserData", "endOfConversation", "event",
        "handoff", "messageDelete", "messageReaction", "messageUpdate", "suggestion", "trace", "typing",
    }
)  # fmt: skip
_LONGEST = 400  # characters of an id


class BadActivity(ValueError):
    """It is not one that we understand. ``status`` is HTTP's; the message is safe to log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Origin:
    """``ref``: the activity's id, the same when it is delivered again. ``thread``: the root's, "" for none.

    ``member``: the sender's id in Teams (``29:…``). ``on``: the message that the button is on. ``team``: the
    id that Teams has for the team, "" for none.
    """

    ref: str
    place: Reference
    thread: str
    sender: Sender
    member: str
    on: str = ""
    team: str = ""

    @property
    def event(self) -> str:
        """Unique over everything that is ever delivered."""
        return f"teams:{self.place.conversation}:{self.ref}"


@dataclass(frozen=True, slots=True)
class Words:
    """Somebody wrote to us, and to nobody else if ``direct``."""

    origin: Origin
    text: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Press:
    """A button. ``key``: of the message that it is on. ``waits``: the client waits for a card or a word."""

    origin: Origin
    value: str
    key: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Refresh:
    """A card is seen by somebody who should see it as it is now."""

    origin: Origin
    key: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The app, or somebody, came or went. ``gone``: it is the app, and it went."""

    origin: Origin
    gone: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is none of our business: somebody types, reacts, talks to others."""

    kind: str


Inbound = Words | Press | Refresh | Moved | Nothing


def parse(body: Json) -> Inbound:
    """:raises BadActivity: with the status to answer"""
    kind = _text(body, "type")
    match kind:
        case "message":
            return _message(body)
        case "invoke":
            return _invoke(body)
        case "installationUpdate":
            return Moved(_origin(body), gone=_text(body, "action").startswith("remove"))
        case "conversationUpdate":
            left = {_text(one, "id") for one in _list(body, "membersRemoved")}
            return Moved(_origin(body), gone=_text(body, "recipient", "id") in left)
        case _ if kind in _OTHERS:
            return Nothing(kind)
        case "":
            raise BadActivity(400, "the activity has no type")
        case _:
            raise BadActivity(501, f"pullbot knows no activities of type {kind[:40]!r}")


def tenants_of(body: Json) -> frozenset[str]:
    """Every tenant that the activity claims to come from."""
    told = (_text(body, "conversation", "tenantId"), _text(body, "channelData", "tenant", "id"))
    return frozenset(one.lower() for one in told if one)


def _message(body: Json) -> Inbound:
    origin = _origin(body)
    value = body.get("value")
    if isinstance(value, dict) and not _text(body, "text").strip():
        return Press(origin, _text(value, "action"), _text(value, "on"), waits=False)
    us = _text(body, "recipient", "id")
    mentions = [
        _text(one, "text")
        for one in _list(body, "entities")
        if _text(one, "type") == "mention" and _text(one, "mentioned", "id") == us
    ]
    direct = origin.place.kind == "personal"
    if not direct and not mentions:
        return Nothing("message that does not mention us")  # told to apps that may read the channel
    if _text(body, "from", "role") == "bot":
        return Nothing("message of a bot")
    return Words(origin, spoken(_text(body, "text"), mentions), direct)


def _invoke(body: Json) -> Inbound:
    name = _text(body, "name")
    if name != "adaptiveCard/action":
        raise BadActivity(501, f"pullbot knows no invokes called {name[:60]!r}")
    action = _tree(_tree(body, "value"), "action")
    data = _tree(action, "data")
    match _text(action, "verb"):
        case "press":
            return Press(_origin(body), _text(data, "action"), _text(data, "on"), waits=True)
        case "refresh":
            return Refresh(_origin(body), _text(data, "on"))
        case _:
            raise BadActivity(400, "the card's action is not one that pullbot made")


def _origin(body: Json) -> Origin:
    told = _text(body, "conversation", "id")
    conversation, _, thread = told.partition(";messageid=")
    ref = _text(body, "id")
    if not conversation or len(told) > _LONGEST or len(ref) > _LONGEST:
        raise BadActivity(400, "the activity has no conversation, or none of Teams'")
    user = _text(body, "from", "aadObjectId").lower() or _text(body, "from", "id")
    if _text(body, "type") in ("message", "invoke"):
        if not ref:
            raise BadActivity(400, "the activity has no id, so nobody could tell whether it was heard before")
        if not user:
            raise BadActivity(400, "the activity does not say whom it is from")
    stated = _text(body, "conversation", "conversationType")
    kind = cast(Kind, stated) if stated in ("channel", "groupChat", "personal") else kind_of(conversation)
    place = Reference(
        service_url=_text(body, "serviceUrl"),
        conversation=conversation,
        kind=kind,
        tenant=_text(body, "conversation", "tenantId") or _text(body, "channelData", "tenant", "id"),
        team=_text(body, "channelData", "team", "aadGroupId"),
        bot=_text(body, "recipient", "id"),
    )
    sender = Sender("teams", user[:_LONGEST], _text(body, "from", "name")[:_LONGEST] or user[:_LONGEST])
    # The message that begins a thread tells itself as its root.
    root = thread if thread != ref else ""
    return Origin(
        ref,
        place,
        root,
        sender,
        member=_text(body, "from", "id"),
        on=_text(body, "replyToId"),
        team=_text(body, "channelData", "team", "id"),
    )


# ---- whatever shape it has


def _tree(tree: Any, name: str) -> Json:
    found = tree.get(name) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def _list(tree: Json, name: str) -> list[Json]:
    found = tree.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(tree: Any, *names: str) -> str:
    for name in names[:-1]:
        tree = _tree(tree, name)
    found = tree.get(names[-1]) if isinstance(tree, dict) else None
    return found if isinstance(found, str) else ""
