"""Activities as Teams sends them to a bot: what they carry was read off a real tenant's.

A message tells less of its team than an installation does: only that has the team's group in Entra.
"""

from __future__ import annotations

import html
import uuid
from datetime import UTC, datetime
from typing import Any

from tests.fakes.cards import Json
from tests.fakes.entra import TENANT
from tests.fakes.teams_tenant import BOT, BOT_NAME, TEAM, TEAM_GROUP, Conversation, Person, Said

_CLIENT = {
    "locale": "en-GB",
    "country": "GB",
    "platform": "Web",
    "timezone": "Europe/London",
    "type": "clientInfo",
}


def message(service_url: str, there: Conversation, who: Person, said: Said) -> Json:
    """In a channel and in a group the bot is mentioned; alone with it nobody is."""
    mentioned = there.kind != "personal"
    mark = f"<at>{BOT_NAME}</at>"
    mention = {"type": "mention", "text": mark, "mentioned": {"id": BOT, "name": BOT_NAME}}
    span = f'<span itemtype="http://schema.skype.com/Mention" itemscope="" itemid="0">{BOT_NAME}</span>&nbsp;'
    shown = f"<p>{span if mentioned else ''}{html.escape(said.text, quote=False)}</p>"
    return _activity("message", service_url, there, who, said.thread or said.ref) | {
        "id": said.ref,
        "text": f"{mark}\xa0{said.text}\n" if mentioned else said.text,
        "textFormat": "plain",
        "attachments": [{"contentType": "text/html", "content": shown}],
        "entities": [*([mention] if mentioned else []), _CLIENT],
    }


def press(service_url: str, there: Conversation, who: Person, said: Said, action: Json) -> Json:
    """Of an ``Action.Execute`` of that message. ``trigger`` "automatic": nobody pressed, the card is seen."""
    trigger = action.pop("trigger", "manual")
    pressed = {name: action[name] for name in ("type", "title", "verb", "data") if name in action}
    body = _activity("invoke", service_url, there, who, said.thread or said.ref)
    body["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{uuid.uuid4().hex}"}}
    return body | {
        "id": f"f:{uuid.uuid4()}",
        "name": "adaptiveCard/action",
        "value": {"action": pressed, "trigger": trigger},
        "replyToId": said.ref,
        "entities": [_CLIENT],
    }


def submit(service_url: str, there: Conversation, who: Person, said: Said, data: Json) -> Json:
    """Of an ``Action.Submit``, from a client that knows nothing newer."""
    body = _activity("message", service_url, there, who, said.thread or said.ref)
    body["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{uuid.uuid4().hex}"}}
    return body | {"id": f"f:{uuid.uuid4()}", "value": data, "replyToId": said.ref, "entities": [_CLIENT]}


def installation(service_url: str, there: Conversation, who: Person, action: str = "add") -> Json:
    """Of the app in a team, with ``there`` as the channel that was chosen for it."""
    body = _activity("installationUpdate", service_url, there, who, "")
    body["channelData"] = {
        "settings": {"selectedChannel": {"id": there.id}},
        "team": {"aadGroupId": TEAM_GROUP, "name": "Platform", "id": TEAM},
        "tenant": {"id": TENANT},
        "source": {"name": "message"},
    }
    return body | {"id": f"f:{uuid.uuid4()}", "action": action, "entities": [_CLIENT]}


def joined(service_url: str, there: Conversation, who: Person, *, left: bool = False) -> Json:
    """The bot itself came to a team, or went."""
    body = _activity("conversationUpdate", service_url, there, who, "")
    event = "teamMemberRemoved" if left else "teamMemberAdded"
    body["channelData"] = {
        "team": {"aadGroupId": TEAM_GROUP, "name": "Platform", "id": TEAM},
        "eventType": event,
        "tenant": {"id": TENANT},
    }
    return body | {"id": f"f:{uuid.uuid4()}", f"members{'Removed' if left else 'Added'}": [{"id": BOT}]}


def _activity(kind: str, service_url: str, there: Conversation, who: Person, root: str) -> Json:
    in_channel = there.kind == "channel"
    conversation: Json = {
        "id": f"{there.id};messageid={root}" if in_channel and root else there.id,
        "conversationType": there.kind,
        "tenantId": TENANT,
    } | ({"isGroup": True} if there.kind != "personal" else {})
    data: dict[str, Any] = {"tenant": {"id": TENANT}}
    if in_channel:
        data |= {"teamsChannelId": there.id, "teamsTeamId": TEAM}
        data |= {"channel": {"id": there.id}, "team": {"id": TEAM}}
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": kind,
        "timestamp": now,
        "localTimestamp": now,
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": who.id, "name": who.name, "aadObjectId": who.object_id},
        "conversation": conversation,
        "recipient": {"id": BOT, "name": BOT_NAME},
        "channelData": data,
        "locale": "en-GB",
        "localTimezone": "Europe/London",
    }
