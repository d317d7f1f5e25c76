from __future__ import annotations

import argparse
import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store import open_state
from bot.terminal import audit
from handlers.world import Entry


@dataclass
class Place:
    store: str


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A store with three entries about two incidents."""

    async def fill(where: str) -> None:
        state = open_state(where)
        at = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
        await state.append(Entry(at, "a1", "alice", "requested", (("plan", "d1"),)))
        await state.append(Entry(at, "b2", "bob", "approved", (("before", "{\n}"), ("after", "\x1b[2Jgone"))))
        await state.append(Entry(at, "a1", "pullbot", "step started"))
        await state.close()

    found = Place(str(tmp_path / "pullbot.db"))
    asyncio.run(fill(found.store))
    return found


def run(place: Place, *words: str) -> int:
    parser = argparse.ArgumentParser()
    audit.add_arguments(parser)
    return audit.run(parser.parse_args(words), place)


def test_the_trail_is_shown_with_its_details(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["TIME", "INCIDENT", "WHO", "WHAT"]
    assert out[1].split() == ["2026-05-04T12:30:00Z", "a1", "alice", "requested"]
    assert out[2].strip() == "plan: d1"
    assert out[4:6] == [" " * 22 + r"before: {\n}", " " * 22 + r"after: \x1b[2Jgone"]


def test_one_incident_at_a_time(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "--incident", "a1") == 0
    out = capsys.readouterr().out
    assert "alice" in out
    assert "bob" not in out
    assert run(place, "--incident", "zz") == 0
    assert capsys.readouterr().out == "nothing is on record for incident zz\n"


def test_a_whole_chain_is_proved(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "--verify") == 0
    said = capsys.readouterr().out
    assert said.startswith("3 entries, chain whole, head ")
    assert len(said.split()[-1]) == 64


def test_a_tampered_entry_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(place.store, isolation_level=None)) as db:
        db.execute("DROP TRIGGER audit_is_never_altered")
        db.execute("UPDATE audit SET body = CAST(replace(body, 'bob', 'eve') AS BLOB) WHERE position = 2")
    assert run(place, "--verify") == 1
    assert "broken at entry 2" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_not_created(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.db"
    assert run(Place(str(path))) == 2
    assert "there is no store at" in capsys.readouterr().err
    assert not path.exists()


def test_a_redis_that_is_away_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Place("redis://127.0.0.1:1/0"), "--verify") == 2
    err = capsys.readouterr().err
    assert err.startswith("pullbot: Redis:")
    assert len(err.splitlines()) == 1
