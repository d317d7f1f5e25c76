"""The SQLite file: its tables, and how it is opened.

``PRAGMA user_version`` numbers the tables; a new version appends its statements to ``_VERSIONS``.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.store.ports import StoreUnusable

_FIRST = """
CREATE TABLE incidents (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, opened REAL NOT NULL, closed_at REAL, body BLOB NOT NULL
) STRICT;
CREATE INDEX incidents_by_opening ON incidents (opened);
CREATE INDEX incidents_by_closing ON incidents (closed_at);

CREATE TABLE posted (
    incident TEXT NOT NULL, chat TEXT NOT NULL, key TEXT NOT NULL,
    ref TEXT NOT NULL, digest TEXT NOT NULL, channel TEXT NOT NULL,
    PRIMARY KEY (incident, chat, key)
) STRICT;
CREATE INDEX posted_by_ref ON posted (chat, channel, ref);

CREATE TABLE mutes (target TEXT PRIMARY KEY, until REAL NOT NULL) STRICT;

CREATE TABLE claims (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) STRICT;
CREATE INDEX claims_by_end ON claims (until);

CREATE TABLE audit (
    position INTEGER PRIMARY KEY, incident TEXT NOT NULL, body BLOB NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_incident ON audit (incident, position);
CREATE TABLE audit_head (count INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_head VALUES (0, '');

-- Against accidents; the hash chain is what proves that nothing was changed.
CREATE TRIGGER audit_is_never_altered BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
"""

_ADDRESSES = """
CREATE TABLE addresses (
    chat TEXT NOT NULL, place TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (chat, place)
) STRICT;
"""

_VERSIONS = (_FIRST, _ADDRESSES)


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to the store in ``path``, usable from any thread but by one at a time.

    The file is created, readable by its owner only, if it is not there; its folder must be.

    :raises StoreUnusable: it cannot be opened, is something else, or belongs to a newer version.
    """
    try:
        path.touch(mode=0o600)
        db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(
            f"cannot open the store {path}: {error}; choose a file in a folder that exists and is writable"
        ) from error
    try:
        _refuse_others(db, path)  # first: switching to WAL writes to the file
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _bring_up_to_date(db)
    except sqlite3.Error as error:
        db.close()
        raise StoreUnusable(
            f"cannot use the store {path}: {error}; it must be a SQLite file of pullbot, or not exist"
        ) from error
    except StoreUnusable:
        db.close()
        raise
    return db


def _refuse_others(db: sqlite3.Connection, path: Path) -> None:
    version = _version(db)
    if version > len(_VERSIONS):
        raise StoreUnusable(
            f"the store {path} was written by a newer pullbot (schema {version}); run that version or newer"
        )
    if version == 0 and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreUnusable(f"{path} is a SQLite file of something else; choose another file for the store")


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")  # two replicas of a new version may start at once
    version = _version(db)
    for number, statements in enumerate(_VERSIONS[version:], version + 1):
        for statement in _statements(statements):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    """One by one: ``executescript`` would commit in between and leave half a schema after a crash."""
    found: list[str] = []
    begun = ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
