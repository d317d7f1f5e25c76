"""The manifest makes an app that can do what the code does, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.__main__ import main
from bot.terminal.manifest_slack import slack_manifest
from tests.fakes.slack_workspace import SCOPES

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    written = tmp_path / "pullbot.yaml"
    written.write_text("slack: {mode: http}\n")
    return written


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["manifest", "slack", *words]) == 0
    return yaml.safe_load(capsys.readouterr().out)


def test_socket_mode_needs_no_address(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nothing = tmp_path / "empty.yaml"
    nothing.write_text("{}\n")
    manifest = printed(capsys, "--config", str(nothing))
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["event_subscriptions"] == {"bot_events": ["app_mention", "message.im"]}


def test_http_mode_names_the_address_for_events_and_presses(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    manifest = printed(capsys, "--config", str(config), "--url", "https://bot.example.org/")
    door = "https://bot.example.org/slack/events"
    assert manifest["settings"]["socket_mode_enabled"] is False
    assert manifest["settings"]["interactivity"]["request_url"] == door
    assert manifest["settings"]["event_subscriptions"]["request_url"] == door


def test_http_mode_without_an_address_says_what_to_replace(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    assert main(["manifest", "slack", "--config", str(config)]) == 0
    out, err = capsys.readouterr()
    assert "https://pullbot.example.com/slack/events" in out
    assert "--url" in err


def test_a_json_file_is_json(tmp_path: Path, config: Path) -> None:
    out = tmp_path / "app.json"
    assert main(["manifest", "slack", "--config", str(config), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["display_information"]["name"] == "pullbot"


def test_any_other_file_is_yaml(tmp_path: Path, config: Path) -> None:
    out = tmp_path / "app.yaml"
    assert main(["manifest", "slack", "--config", str(config), "--out", str(out)]) == 0
    assert yaml.safe_load(out.read_text())["features"]["bot_user"]["display_name"] == "pullbot"


def test_a_file_that_cannot_be_written_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: Path
) -> None:
    out = str(tmp_path / "no" / "app.yaml")
    assert main(["manifest", "slack", "--config", str(config), "--out", out]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1] == f"pullbot: cannot write {out}: No such file or directory"
    )


def test_the_scopes_are_those_that_the_calls_and_events_want() -> None:
    """The calls are found in the code, so a new one that wants a new scope fails here."""
    code = "".join(one.read_text() for one in (PROJECT / "bot" / "chat" / "slack").glob("*.py"))
    calls = set(re.findall(r'"((?:chat|conversations|users|usergroups)\.[\w.]+)"', code))
    assert calls == set(SCOPES)
    events = {"app_mentions:read", "im:history"}
    elsewhere = {"groups:history", "users:read.email"}  # private channels; a field of users.info
    wanted = {SCOPES[call] for call in calls} | events | elsewhere
    assert set(slack_manifest()["oauth_config"]["scopes"]["bot"]) == wanted


def test_texts_are_as_short_as_slack_wants_them() -> None:
    shown = slack_manifest()["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
