"""What Teams has to know about the app: its manifest, and the package that an administrator uploads.

https://learn.microsoft.com/microsoftteams/platform/resources/schema/manifest-schema
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from importlib import resources
from typing import Any

from bot.settings_values import is_guid

# What finds a message of its own again, in a team's channels and in a group chat (`bot.chat.teams.graph`).
READ_CHANNELS = "ChannelMessage.Read.Group"
READ_CHATS = "ChatMessage.Read.Chat"

_VERSION = "1.25"
_SCOPES = ("team", "groupChat", "personal")
# No semver's suffixes: https://github.com/OfficeDev/microsoft-teams-app-schema/issues/174
_NUMBERED = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")
_EXAMPLE = "1c2d3e4f-0000-4000-8000-00000000abcd"
_ICONS = ("color.png", "outline.png")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file can name

# What Teams suggests to who mentions the bot; a title is what it then types for them.
_COMMANDS = {
    "why": "In a thread: look at this incident again. In a channel: what fails now on its clusters",
    "status": "The open incidents",
    "history": "The latest incidents",
    "mute": "mute 2h [TARGET]: no new alerts for a while; in a thread, for its workloads",
    "unmute": "unmute [TARGET]: alerts again",
    "help": "What you can write",
}

_ABOUT = """\
Tells this channel when a workload of its clusters cannot pull an image, and why: who pulls, what lets \
them, the way there, the registry, the node.

It proposes the exact change, has it approved here by whom you named, makes it once, waits for a real \
pull, and can undo it. Everybody who sees the channel sees what was asked, approved and changed.

"""
_HEARING = "It is sent what mentions it and what is written to it directly, and nothing else."
_READING = """\
It is sent what is written where it was allowed to read, and drops what neither mentions it nor is \
written to it directly. It looks back only for messages of its own."""


class Refused(Exception):
    """Why it cannot be made or written, and what to do: one sentence."""


def teams_manifest(app_id: str, *, url: str, version: str, reads: Sequence[str] = ()) -> dict[str, Any]:
    """The app's manifest.

    :param app_id: the bot's. It is the app's id too, as Microsoft's page allows, so that whoever looks at
        either finds the other
    :param url: leads whoever wants to know more to a page of yours
    :param reads: permissions that teams and chats are asked for, such as ``READ_CHANNELS``
    :raises Refused: one of them is not what Teams takes
    """
    if not app_id:
        raise Refused("MICROSOFT_APP_ID is not set; the app package names the bot by its app id")
    if not is_guid(app_id):  # not repeated: it may be the password, in the wrong place
        raise Refused(f"MICROSOFT_APP_ID is no app id, such as {_EXAMPLE}: Azure shows it with the bot")
    if not _NUMBERED.fullmatch(version):
        raise Refused(f"--app-version is {version!r}; it should be three numbers, such as 1.0.1")
    if not re.match(r"https://[^/\s]", url):
        raise Refused(f"--url is {url!r}; Teams takes only an address that begins with https://")
    commands = [{"title": title, "description": does} for title, does in _COMMANDS.items()]
    return {
        "$schema": f"https://developer.microsoft.com/json-schemas/teams/v{_VERSION}/MicrosoftTeams.schema.json",
        "manifestVersion": _VERSION,
        "version": version,
        "id": app_id.lower(),
        "developer": {"name": "pullbot", "websiteUrl": url, "privacyUrl": url, "termsOfUseUrl": url},
        "name": {"short": "pullbot", "full": "pullbot: why images are not pulled"},
        "description": {
            "short": "Finds out why images are not pulled, and mends it once approved",
            "full": _ABOUT + (_READING if reads else _HEARING),
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#1f2937",
        "bots": [
            {
                "botId": app_id.lower(),
                "scopes": list(_SCOPES),
                "isNotificationOnly": False,
                "supportsFiles": False,
                "commandLists": [{"scopes": list(_SCOPES), "commands": commands}],
            }
        ],
        "defaultInstallScope": "team",
        # An app for teams must have it from 1.25 on, and with it is let into private and shared channels.
        # https://learn.microsoft.com/microsoftteams/platform/build-apps-for-shared-private-channels
        "supportsChannelFeatures": "tier1",
        "validDomains": [],  # no page of anybody's is shown within Teams
        **(_asking(app_id.lower(), reads) if reads else {}),
    }


def teams_package(manifest: str) -> bytes:
    """The zip: the manifest and two icons. The same manifest makes the same bytes, anywhere, at any time."""
    files = {"manifest.json": manifest.encode()}
    folder = resources.files("bot.terminal") / "icons"
    files |= {name: (folder / name).read_bytes() for name in _ICONS}
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as zipped:
        for name, content in files.items():
            # Neither compressed nor dated: other versions of zlib, and the clock, would make other bytes.
            about = zipfile.ZipInfo(name, _LONG_AGO)
            about.create_system = 3  # as made on Unix, wherever it is made
            about.external_attr = 0o644 << 16
            zipped.writestr(about, content)
    return package.getvalue()


def _asking(app_id: str, reads: Sequence[str]) -> dict[str, Any]:
    """https://learn.microsoft.com/microsoftteams/platform/graph-api/rsc/resource-specific-consent"""
    asked = [{"name": one, "type": "Application"} for one in reads]
    return {
        # Without single sign-on the resource stands for nothing, but it has to be there.
        "webApplicationInfo": {"id": app_id, "resource": "https://notapplicable"},
        "authorization": {"permissions": {"resourceSpecific": asked}},
    }
