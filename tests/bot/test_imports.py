"""Heavy packages are imported off the event loop, and never two at a time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot.imports import imported

MODULE = """
import {shared}
{shared}.seen.append("begun")
{shared}.other[{mine}].set()
{shared}.other[{theirs}].wait(0.1)  # in vain, for whoever is one at a time
{shared}.seen.append("done")
"""


async def test_nobody_imports_while_another_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    shared = "imports_shared"
    (tmp_path / f"{shared}.py").write_text(
        "from threading import Event\nseen = []\nother = [Event(), Event()]\n", "utf-8"
    )
    names = ["imports_first", "imports_second"]
    for mine, name in enumerate(names):
        text = MODULE.format(shared=shared, mine=mine, theirs=1 - mine)
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    try:
        modules = await asyncio.gather(*map(imported, names))
        assert [one.__name__ for one in modules] == names
        assert sys.modules[shared].seen == ["begun", "done", "begun", "done"]
    finally:
        for name in (shared, *names):
            sys.modules.pop(name, None)


async def test_what_is_not_there_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="no_such_package"):
        await imported("no_such_package")
