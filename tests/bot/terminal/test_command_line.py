"""``pullbot`` as a shell starts it: what it prints, its exit status, and what it does not wait for."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot import VERSION
from bot.__main__ import COMMANDS

PROJECT = Path(__file__).parents[3]
HEAVY = (
    "aiohttp",
    "apscheduler",
    "boto3",
    "botocore",
    "kubernetes",
    "pydantic",
    "redis",
    "slack_bolt",
    "moto",
)
_LOADED = f"""
import sys
from bot.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*(one for one in {HEAVY} if one in sys.modules), file=sys.stderr)
"""


def pullbot(*words: str, cwd: Path = PROJECT, **environ: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "bot", *words, cwd=cwd, **environ)


def python(*words: str, cwd: Path = PROJECT, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULLBOT_", "AWS_"))}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(PROJECT), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_lists_every_command() -> None:
    done = pullbot("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        if find_spec(command.module):
            assert f"    {command.name} " in done.stdout
            assert command.does.split()[0] in done.stdout


def test_the_version_is_told() -> None:
    done = pullbot("--version")
    assert (done.returncode, done.stdout) == (0, f"pullbot {VERSION}\n")


@pytest.mark.parametrize(
    "words", [("why", "--help"), ("--help",), ("checks",), ("checks", "-o", "json"), ("classify", "--help")]
)
def test_no_sdk_is_loaded_for_what_needs_none(words: tuple[str, ...]) -> None:
    done = python("-c", _LOADED, *words)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr.split() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "COMMAND"),
        (("whyy",), "whyy"),
        (("why", "-o", "yaml"), "yaml"),
        (("why", "--colour", "always"), "--colour"),
        (("why", "-n", "shop", "-A"), "not allowed with"),
        (("checks", "-o", "xml"), "xml"),
        (("permissions",), "cloud"),
        (("run", "--config", "/nowhere/pullbot.yaml"), "/nowhere/pullbot.yaml"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(words: tuple[str, ...], said: str) -> None:
    done = pullbot(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_why_without_a_kubeconfig_says_so_and_nothing_else(tmp_path: Path) -> None:
    done = pullbot("why", cwd=tmp_path, KUBECONFIG=str(tmp_path / "none"), HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pullbot why: ")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr, "it is no terminal, so nothing is drawn on it"


@pytest.fixture
def unreachable(tmp_path: Path) -> dict[str, str]:
    """A cluster whose port nobody listens on."""
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "prod", "context": {"cluster": "c", "user": "u"}}
    written = tmp_path / "kubeconfig"
    written.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [cluster],
                "contexts": [context],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "current-context": "prod",
            }
        )
    )
    return {"KUBECONFIG": str(written), "HOME": str(tmp_path)}


def test_what_goes_on_is_drawn_on_a_terminal_and_taken_away(unreachable: dict[str, str]) -> None:
    status, seen = on_a_terminal("why", TERM="xterm", **unreachable)
    drawn, cleared, left = seen.rpartition("\x1b[J")
    assert status == 2
    assert "looking for failing pulls on prod" in drawn
    assert cleared
    assert left.startswith("pullbot why: ")
    assert len(left.splitlines()) == 1


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_no_colour_where_none_is_wanted(environ: dict[str, str], unreachable: dict[str, str]) -> None:
    status, seen = on_a_terminal("why", **environ, **unreachable)
    assert status == 2
    assert not re.search(r"\x1b\[\d+m", seen)
    assert ("\x1b" in seen) is (environ["TERM"] != "dumb")


def test_what_is_no_terminal_is_not_drawn_on(unreachable: dict[str, str], tmp_path: Path) -> None:
    done = pullbot("why", cwd=tmp_path, TERM="xterm", **unreachable)
    assert (done.returncode, done.stdout) == (2, "")
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def on_a_terminal(*words: str, **environ: str) -> tuple[int, str]:
    """The exit status, and everything that the terminal was sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # the other end was closed: how a terminal says that nothing more comes
        while select.select([ours], [], [], 60)[0] and (part := os.read(ours, 4096)):
            seen += part
    os.close(ours)
    return process.wait(timeout=60), seen.decode()


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m bot checks -o json | head -c 1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "["
    assert done.stderr == ""


def test_what_is_printed_for_programs_can_be_parsed() -> None:
    done = pullbot("remedies", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)
