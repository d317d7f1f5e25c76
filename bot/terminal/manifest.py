"""``pullbot manifest``: what a chat has to know about the app, ready to be pasted where apps are made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

if TYPE_CHECKING:
    from bot.settings_shape import Slack

_EXAMPLE = "https://pullbot.example.com"

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


class SlackSettings(Protocol):
    """The only settings that this command looks at."""

    @property
    def slack(self) -> Slack: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chat", choices=["slack"], help="whose manifest")
    parser.add_argument("--out", metavar="FILE", help="write it there; JSON if FILE ends in .json")
    parser.add_argument(
        "--url",
        metavar="URL",
        default="",
        help="where Slack reaches this service; needed if slack.mode is http",
    )


def run(arguments: argparse.Namespace, settings: SlackSettings) -> int:
    """Exit status: 0, or 2 if the file cannot be written."""
    http = settings.slack.mode == "http"
    if http and not arguments.url:
        print(f"pullbot: slack.mode is http: put your address for {_EXAMPLE}, or use --url", file=sys.stderr)
    manifest = slack_manifest((arguments.url or _EXAMPLE).rstrip("/") if http else "")
    text = (
        json.dumps(manifest, indent=2) + "\n"
        if (arguments.out or "").endswith(".json")
        else yaml.safe_dump(manifest, sort_keys=False)
    )
    if not arguments.out:
        print(text, end="")
        return 0
    try:
        Path(arguments.out).write_text(text, "utf-8")
    except OSError as error:
        print(f"pullbot: cannot write {arguments.out}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


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
