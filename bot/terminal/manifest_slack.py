"""What Slack has to know about the app: its manifest, ready to be pasted where apps are made."""

from __future__ import annotations

from typing import Any

# Each with the calls or events that want it; `bot.chat.slack` makes no others.
_SCOPES = {
    "app_mentions:read": "to be told when it is mentioned",
    "channels:history": "to find a message of its own again, in public channels",
    "chat:write": "to post, to edit, to answer",
    "groups:history": "the same as channels:history, in private channels",
    "im:history": "to be told what people write to it directly",
    "usergroups:read": "to know who is in an approving group",
    "users:read": "to know people's names",
    "users:read.email": "to know an approver by their address",
}


def slack_manifest(url: str = "") -> dict[str, Any]:
    """Slack's app manifest. ``url``: where events and presses are sent; "" for Socket Mode.

    https://docs.slack.dev/reference/app-manifest/
    """
    door = {"request_url": f"{url}/slack/events"} if url else {}
    return {
        "display_information": {
            "name": "pullbot",
            "description": "Finds out why images are not pulled, and mends it once somebody approves",
            "background_color": "#1f2937",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "pullbot", "always_online": True},
        },
        "oauth_config": {"scopes": {"bot": sorted(_SCOPES)}},
        "settings": {
            "event_subscriptions": {**door, "bot_events": ["app_mention", "message.im"]},
            "interactivity": {"is_enabled": True, **door},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
