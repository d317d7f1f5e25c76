"""Activities as Teams sends them.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from __future__ import annotations

from typing import Any

APP = "00000000-0000-4000-8000-0000000000b0"
BOT = f"28:{APP}"
TENANT = "11111111-2222-4333-8444-555555555555"
ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
CHANNEL = "19:alerts@thread.tacv2"
GROUP = "99999999-0000-4000-8000-000000000009"
SERVICE = "https://smba.trafficmanager.net/emea/"

Json = dict[str, Any]


def activity(kind: str, conversation: str = f"{CHANNEL};messageid=1700000000001", **more: Any) -> Json:
    return {
        "type": kind,
        "id": "1700000000002",
        "channelId": "msteams",
        "serviceUrl": SERVICE,
        "from": {"id": "29:alice", "name": "Alice", "aadObjectId": ALICE},
        "recipient": {"id": BOT, "name": "pullbot"},
        "conversation": {
            "id": conversation,
            "conversationType": "channel",
            "isGroup": True,
            "tenantId": TENANT,
        },
        "channelData": {
            "channel": {"id": CHANNEL},
            "team": {"id": "19:general@thread.tacv2", "aadGroupId": GROUP},
            "tenant": {"id": TENANT},
        },
        **more,
    }


def mention(text: str = "pullbot", who: str = BOT) -> Json:
    return {"type": "mention", "text": f"<at>{text}</at>", "mentioned": {"id": who, "name": text}}


def said(text: str, **more: Any) -> Json:
    return activity("message", text=f"<at>pullbot</at> {text}", entities=[mention()], **more)


def personal(text: str) -> Json:
    there = {"id": "a:1alice", "conversationType": "personal", "tenantId": TENANT}
    return {
        **activity("message", text=text),
        "conversation": there,
        "channelData": {"tenant": {"id": TENANT}},
    }


def pressed(value: str, key: str = "1a2b3c4d:offer", verb: str = "press", **more: Any) -> Json:
    action = {"type": "Action.Execute", "verb": verb, "data": {"action": value, "on": key}}
    return activity(
        "invoke",
        name="adaptiveCard/action",
        replyToId="1700000000007",
        value={"action": action, "trigger": "manual"},
        **more,
    )


def submitted(value: str, key: str = "1a2b3c4d:offer") -> Json:
    """As a client does that does not know Action.Execute."""
    return activity("message", replyToId="1700000000007", value={"action": value, "on": key})
