"""The app package is one that Teams takes, by Microsoft's own check, and asks for no more than it must."""

from __future__ import annotations

import io
import json
import os
import pty
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.chat.words import COMMANDS
from bot.terminal.manifest_teams import READ_CHANNELS, teams_manifest, teams_package

PROJECT = Path(__file__).parents[3]
APP = "5bd0f1c2-9e0d-4f0b-8d62-2f6d7c1a3e44"
PAGE = "https://wiki.example.com/pullbot"


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pullbot.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROSOFT_APP_ID", APP)


def made(tmp_path: Path, *words: str) -> Any:
    """The manifest within the package that these words make."""
    out = tmp_path / "made.zip"
    assert main(["manifest", "teams", "--url", PAGE, "--out", str(out), *words]) == 0
    with zipfile.ZipFile(out) as package:
        return json.loads(package.read("manifest.json"))


def faults(*manifests: Any) -> list[list[str]]:
    """What Microsoft's check has against each."""
    done = subprocess.run(
        ["node", PROJECT / "tests" / "oracle" / "manifest.mjs"],
        input="".join(f"{json.dumps(one)}\n" for one in manifests),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"is it installed? `make test` does that: {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def manifest(**changes: Any) -> dict[str, Any]:
    return {**teams_manifest(APP, url=PAGE, version="1.0.0", reads=[READ_CHANNELS]), **changes}


def test_microsoft_takes_the_manifest_with_and_without_permissions(tmp_path: Path) -> None:
    reading = made(tmp_path, "--read-channels", "--read-chats")
    assert faults(made(tmp_path), reading) == [[], []]


def test_microsofts_check_would_have_seen_a_mistake() -> None:
    bot = manifest()["bots"][0]
    broken = {
        "/bots/0/botId": manifest(bots=[{**bot, "botId": "pullbot"}]),
        "/bots/0/scopes/0": manifest(bots=[{**bot, "scopes": ["groupchat"]}]),
        "/bots/0": manifest(bots=[{**bot, "supportsFile": False}]),
        "/description/short": manifest(description={"short": "x" * 81, "full": "x"}),
        "/developer/websiteUrl": manifest(developer={**manifest()["developer"], "websiteUrl": "wiki"}),
        "/manifestVersion": manifest(manifestVersion="1.24"),
        "/authorization/permissions/resourceSpecific/0": manifest(
            authorization={"permissions": {"resourceSpecific": [{"name": "ChannelMessage.Read.Group"}]}}
        ),
    }
    found = faults(*broken.values())
    assert [[one.split(" ")[0] for one in each] for each in found] == [[where] for where in broken]


def test_the_package_holds_the_manifest_and_its_two_icons_at_the_top(tmp_path: Path) -> None:
    icons = made(tmp_path)["icons"]
    with zipfile.ZipFile(tmp_path / "made.zip") as package:
        assert package.testzip() is None
        assert sorted(package.namelist()) == sorted(["manifest.json", icons["color"], icons["outline"]])
        assert drawn(package.read(icons["color"]))[:2] == (192, 192)
        width, height, pixels = drawn(package.read(icons["outline"]))
    assert (width, height) == (32, 32)
    assert {pixel[:3] for pixel in pixels} == {b"\xff\xff\xff"}, "white on transparent, as Teams asks for"
    assert {pixel[3:] for pixel in pixels} >= {b"\x00", b"\xff"}


def test_the_same_settings_make_the_same_bytes() -> None:
    once, again = (teams_package(json.dumps(manifest())) for _ in range(2))
    assert once == again
    with zipfile.ZipFile(io.BytesIO(once)) as package:
        assert {one.date_time for one in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_app_and_its_bot_have_the_app_id_of_the_settings(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert (found["id"], found["bots"][0]["botId"]) == (APP, APP)


def test_what_teams_suggests_is_what_the_bot_understands(tmp_path: Path) -> None:
    (bot,) = made(tmp_path)["bots"]
    (suggested,) = bot["commandLists"]
    assert {one["title"] for one in suggested["commands"]} == set(COMMANDS)
    assert set(suggested["scopes"]) == set(bot["scopes"]) == {"team", "groupChat", "personal"}


def test_it_asks_for_no_permission_unless_it_is_to_read_channels(tmp_path: Path) -> None:
    asked = {"authorization", "webApplicationInfo", "permissions", "devicePermissions"}
    assert asked.isdisjoint(made(tmp_path))
    reading = made(tmp_path, "--read-channels")
    assert reading["authorization"]["permissions"]["resourceSpecific"] == [
        {"name": "ChannelMessage.Read.Group", "type": "Application"}
    ]
    assert reading["webApplicationInfo"]["id"] == APP
    chats = made(tmp_path, "--read-chats")["authorization"]["permissions"]["resourceSpecific"]
    assert chats == [{"name": "ChatMessage.Read.Chat", "type": "Application"}]


def test_a_managed_identity_asks_for_no_permission_with_which_teams_would_not_install_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULLBOT_TEAMS_REGISTRATION", "managed_identity")
    assert made(tmp_path)["bots"][0]["botId"] == APP
    assert main(["manifest", "teams", "--url", PAGE, "--read-channels", "--out", "app.zip"]) == 2
    assert "managed identity" in capsys.readouterr().err
    assert not Path("app.zip").exists()


def test_its_description_says_what_it_is_sent(tmp_path: Path) -> None:
    assert "and nothing else" in made(tmp_path)["description"]["full"]
    assert "allowed to read" in made(tmp_path, "--read-channels")["description"]["full"]


def test_an_update_can_be_given_another_version(tmp_path: Path) -> None:
    assert made(tmp_path, "--app-version", "0.1.7")["version"] == "0.1.7"


def test_a_json_file_is_the_manifest_alone(tmp_path: Path) -> None:
    out = tmp_path / "manifest.json"
    assert main(["manifest", "teams", "--url", PAGE, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["bots"][0]["botId"] == APP


def test_a_pipe_is_given_the_package(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    made(tmp_path)
    assert main(["manifest", "teams", "--url", PAGE]) == 0
    out, err = capfdbinary.readouterr()
    assert out == (tmp_path / "made.zip").read_bytes()
    assert err == b""


def test_a_terminal_is_given_no_zip_file() -> None:
    terminal, its_end = pty.openpty()
    with os.fdopen(terminal, "rb"), os.fdopen(its_end, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "manifest", "teams", "--url", PAGE],
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "pullbot: the app package is a zip file: say where to with --out pullbot-teams.zip\n"
    )


@pytest.mark.parametrize(
    ("app_id", "said"),
    [("", "MICROSOFT_APP_ID is not set"), ("A~secret", "MICROSOFT_APP_ID is no app id")],
)
def test_without_the_bots_app_id_there_is_no_package(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    app_id: str,
    said: str,
) -> None:
    monkeypatch.setenv("MICROSOFT_APP_ID", app_id)
    assert main(["manifest", "teams", "--out", "app.zip"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "secret" not in line, "it may be the password, in the wrong place"
    assert not Path("app.zip").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "http://wiki.example.com"], "Teams takes only an address that begins with https://"),
        (["--url", "wiki"], "Teams takes only an address that begins with https://"),
        (["--app-version", "2"], "--app-version is '2'; it should be three numbers"),
        (["--out", "no/app.zip"], "cannot write no/app.zip: No such file or directory"),
    ],
)
def test_what_teams_would_refuse_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["manifest", "teams", "--out", "app.zip", "--url", PAGE, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_without_a_page_of_your_own_it_says_what_to_replace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "teams", "--out", "app.json"]) == 0
    assert "--url" in capsys.readouterr().err
    assert (
        json.loads(Path("app.json").read_text())["developer"]["websiteUrl"] == "https://pullbot.example.com"
    )


def drawn(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and pixels of a PNG whose lines are not filtered, as ours are."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, colours = struct.unpack(">IIBB", png[16:26])
    size = {2: 3, 6: 4}[colours] * depth // 8
    start = png.index(b"IDAT") + 4
    lines = zlib.decompressobj().decompress(png[start:])
    pixels = []
    for line in range(height):
        at = line * (width * size + 1)
        assert lines[at] == 0
        pixels += [lines[at + 1 + one * size : at + 1 + (one + 1) * size] for one in range(width)]
    return width, height, pixels
