"""From the word in the configuration to a store."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from bot.store.ports import State, StoreUnusable

DEFAULT = "./pullbot.db"
_EXAMPLES = "use redis://host:6379/0, rediss://host:6379/0, or the path of a file such as ./pullbot.db"


def open_state(where: str = DEFAULT) -> State:
    """The store at a ``redis://`` or ``rediss://`` URL, or in a SQLite file that is created if need be.

    Redis is first contacted by the first call; a file is opened now.

    :raises StoreUnusable: ``where`` is neither, or the file cannot be used.
    """
    fault = fault_in(where)
    if fault:
        raise StoreUnusable(fault)
    from bot.store.codec import standard_codec  # noqa: PLC0415  loads every remedy

    if is_redis(where):
        from bot.store.redis import RedisState  # noqa: PLC0415  only who uses Redis pays for its import

        return RedisState.at(where, standard_codec())
    from bot.store.sqlite import SqliteState  # noqa: PLC0415  nor who uses SQLite for the other's

    return SqliteState(Path(where), standard_codec())


def is_redis(where: str) -> bool:
    return where.startswith(("redis://", "rediss://"))


def fault_in(where: str) -> str:
    """What is wrong with such a value, without ever repeating a password; "" if nothing is."""
    if not where.strip():
        return f"the store is empty; {_EXAMPLES}"
    if not is_redis(where):
        scheme = re.match(r"([A-Za-z][\w+.-]*)://", where)
        return f"a store of the kind {scheme[1]}:// is not supported; {_EXAMPLES}" if scheme else ""
    try:
        parts = urlsplit(where)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"the store's Redis URL cannot be read ({error}); {_EXAMPLES}"
    if not host:
        return f"the store's Redis URL names no host; {_EXAMPLES}"
    if not re.fullmatch(r"/?\d*", parts.path):
        return f"the store's Redis URL ends in {parts.path}, but a database is a number; {_EXAMPLES}"
    return ""
