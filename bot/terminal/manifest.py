"""``pullbot manifest``: what a chat has to know about the app, ready to be handed in where apps are made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from bot import VERSION
from bot.terminal.manifest_slack import slack_manifest
from bot.terminal.manifest_teams import READ_CHANNELS, READ_CHATS, Refused, teams_manifest, teams_package

if TYPE_CHECKING:
    from bot.settings_shape import Slack, Teams

_EXAMPLE = "https://pullbot.example.com"


class ChatSettings(Protocol):
    """The only settings that this command looks at."""

    @property
    def slack(self) -> Slack: ...

    @property
    def teams(self) -> Teams: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chat", choices=["slack", "teams"], help="whose manifest")
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="write it there: JSON if FILE ends in .json, else Slack's YAML or Teams' app package (.zip)",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        default="",
        help="slack: where this service is reached, needed if slack.mode is http; "
        "teams: the page that people are sent to who want to know more about the app",
    )
    teams = parser.add_argument_group("for Teams")
    teams.add_argument(
        "--read-channels",
        action="store_true",
        help="ask each team to let it read its channels, "
        "to find a message of its own again if Teams' answer was lost",
    )
    teams.add_argument("--read-chats", action="store_true", help="the same for group chats")
    teams.add_argument(
        "--app-version",
        metavar="X.Y.Z",
        default=VERSION,
        help="raise it whenever a package that was uploaded changes (default: %(default)s, this program's)",
    )


def run(arguments: argparse.Namespace, settings: ChatSettings) -> int:
    """Exit status: 0, or 2 if it cannot be made or written."""
    try:
        return _write(arguments.out, _made(arguments, settings))
    except Refused as error:
        print(f"pullbot: {error}", file=sys.stderr)
        return 2


def _made(arguments: argparse.Namespace, settings: ChatSettings) -> str | bytes:
    as_json = (arguments.out or "").endswith(".json")
    if arguments.chat == "slack":
        manifest = _slack(arguments.url, settings.slack)
        return _json(manifest) if as_json else yaml.safe_dump(manifest, sort_keys=False)
    reads = [READ_CHANNELS] * arguments.read_channels + [READ_CHATS] * arguments.read_chats
    if reads and settings.teams.registration == "managed_identity":
        # https://github.com/MicrosoftDocs/msteams-docs/issues/14285
        raise Refused(
            "--read-channels and --read-chats are for registered apps; with a managed identity "
            "(teams.registration) Teams does not install an app that asks for them"
        )
    manifest = teams_manifest(
        settings.teams.app_id,
        url=arguments.url or _EXAMPLE,
        version=arguments.app_version,
        reads=reads,
    )
    if not arguments.url:
        print(
            f"pullbot: for more about the app Teams will lead to {_EXAMPLE}; put your page with --url",
            file=sys.stderr,
        )
    return _json(manifest) if as_json else teams_package(_json(manifest))


def _slack(url: str, settings: Slack) -> dict[str, Any]:
    http = settings.mode == "http"
    if http and not url:
        print(f"pullbot: slack.mode is http: put your address for {_EXAMPLE}, or use --url", file=sys.stderr)
    return slack_manifest((url or _EXAMPLE).rstrip("/") if http else "")


def _json(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=2) + "\n"


def _write(out: str | None, made: str | bytes) -> int:
    if out:
        try:
            Path(out).write_bytes(made if isinstance(made, bytes) else made.encode())
        except OSError as error:
            raise Refused(f"cannot write {out}: {error.strerror}") from error
    elif isinstance(made, str):
        print(made, end="")
    elif sys.stdout.isatty():
        raise Refused("the app package is a zip file: say where to with --out pullbot-teams.zip")
    else:
        sys.stdout.buffer.write(made)
    return 0
