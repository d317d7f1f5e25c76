from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store import StoreUnusable, open_state
from bot.store.opening import fault_in


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "empty"),
        ("postgres://db/pullbot", "postgres:// is not supported"),
        ("redis://", "names no host"),
        ("redis://cache:port/0", "cannot be read"),
        ("rediss://cache:6379/main", "a database is a number"),
    ],
)
def test_a_bad_value_is_refused_with_an_example_of_a_good_one(where: str, said: str) -> None:
    with pytest.raises(StoreUnusable, match=said) as refusal:
        open_state(where)
    assert "redis://host:6379/0" in str(refusal.value)


def test_a_refusal_never_repeats_the_password() -> None:
    assert "hunter2" not in fault_in("redis://:hunter2@cache:6379/main")
    assert "hunter2" not in fault_in("redis://:hunter2@cache:x/0")


async def test_a_file_is_created_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "pullbot.db"
    state = open_state(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    await state.close()


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="choose a file in a folder that exists"):
        open_state(str(tmp_path / "nowhere" / "pullbot.db"))


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a shopping list, long enough to be mistaken for nothing else\n" * 20)
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="must be a SQLite file of pullbot"):
        open_state(str(path))
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="something else"):
        open_state(str(path))
    assert path.read_bytes() == before


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pullbot.db"
    await open_state(str(path)).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnusable, match="newer pullbot"):
        open_state(str(path))
