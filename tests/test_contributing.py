"""The example in CONTRIBUTING.md, written out as it says and run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
_EXAMPLE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FOUND = "from checks.graph import Catalog; print(*(one.id for one in Catalog.load().checks), sep='\\n')"


def test_the_example_check_is_found_and_its_test_passes(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "checks", tmp_path / "checks")
    examples = _EXAMPLE.findall((PROJECT / "CONTRIBUTING.md").read_text())
    assert [path for path, _ in examples] == [
        "checks/image/tag_is_named.py",
        "tests/checks/image/test_tag_is_named.py",
    ]
    for path, code in examples:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(code)

    listed = _run(tmp_path, "-c", _FOUND)
    tested = _run(tmp_path, "-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", examples[1][0])

    assert "image/tag_is_named" in listed.splitlines()
    assert "2 passed" in tested


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
