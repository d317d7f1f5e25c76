"""The container image, as far as it can be told without a builder: what goes in, and who it runs as."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot import VERSION
from bot.__main__ import main

PROJECT = Path(__file__).parent.parent
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
CHART = (PROJECT / "helm" / "pullbot" / "templates" / "deployment.yaml").read_text()
# Nobody restarts a service to try the demonstration; tests and builders have no business in there.
_NOT_SHIPPED = {"moto", "flask", "pytest", "hypothesis", "mypy", "ruff", "playwright"}


def copied() -> list[str]:
    """What the Dockerfile takes from the project."""
    return re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)


def test_all_that_is_copied_is_let_through_and_nothing_else() -> None:
    ignore = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignore[0] == "**"
    assert {line[1:] for line in ignore if line.startswith("!")} == set(copied())
    assert all((PROJECT / one).exists() for one in copied())


def test_what_is_installed_is_locked_and_holds_no_tools() -> None:
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (PROJECT / "requirements.lock").read_text(), re.MULTILINE))
    assert "boto3" in locked
    assert not locked & _NOT_SHIPPED
    assert "--require-hashes" in DOCKERFILE


def test_what_is_copied_runs_on_its_own(tmp_path: Path) -> None:
    for name in ("checks", "handlers", "bot"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-B", "-P", "-m", "bot", "--version"],
        cwd="/",
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"pullbot {VERSION}\n", "")


def test_it_runs_as_the_same_nobody_in_the_chart() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert set(user) == set(re.findall(r"runAsUser: (\d+)|runAsGroup: (\d+)", CHART)[0]) - {""}
    assert user[0] != "0"


def test_the_chart_gives_words_that_the_command_line_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 'ENTRYPOINT ["python", "-m", "bot"]' in DOCKERFILE
    (words,) = re.findall(r"args: (\[.*\])", CHART)
    name, option, path = yaml.safe_load(words)
    assert re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE) == [f'["{name}", "{option}", "{path}"]']
    assert main([name, option, str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_without_its_extra_the_demo_says_what_to_install() -> None:
    hidden = "import sys; sys.modules['moto'] = None; from bot.__main__ import main; sys.exit(main(['demo']))"
    done = subprocess.run(
        [sys.executable, "-c", hidden], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "pullbot: the demo needs its extra packages: pip install 'pullbot[demo]', or `make demo`\n"
    )
