"""``pullbot audit``: who asked for what, who approved it, what was changed, and the proof of it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC
from pathlib import Path
from typing import Protocol

from handlers.world import Entry


class StorePlace(Protocol):
    """The only setting that this command looks at."""

    @property
    def store(self) -> str: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--incident", metavar="ID", default="", help="only what concerns this incident")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="prove that no entry was altered or removed; exit status 1 if one was",
    )


def run(arguments: argparse.Namespace, settings: StorePlace) -> int:
    """Exit status: 0 all is well, 1 the trail was tampered with, 2 the store cannot be read."""
    from bot.store import StoreDown, StoreUnusable  # noqa: PLC0415  `pullbot --help` pays for no store
    from bot.store.opening import is_redis  # noqa: PLC0415  the same

    if not is_redis(settings.store) and not Path(settings.store).exists():
        print(f"pullbot: there is no store at {settings.store} yet; is `store` right?", file=sys.stderr)
        return 2
    try:
        if arguments.verify:
            return asyncio.run(_verify(settings.store))
        return asyncio.run(_list(settings.store, arguments.incident))
    except (StoreDown, StoreUnusable, ValueError) as error:
        print(f"pullbot: {error}", file=sys.stderr)
        return 2


async def _verify(where: str) -> int:
    from bot.store import open_state  # noqa: PLC0415  as above

    state = open_state(where)
    try:
        broken = await state.verify()
        head = await state.head()
    finally:
        await state.close()
    if broken is not None:
        print(f"the audit trail is broken at entry {broken.position}: {broken.why}")
        return 1
    entries = "1 entry" if head.count == 1 else f"{head.count} entries"
    print(f"{entries}, chain whole, head {head.hash or '(none)'}")
    return 0


async def _list(where: str, incident: str) -> int:
    from bot.store import open_state  # noqa: PLC0415  as above

    state = open_state(where)
    try:
        nothing = True
        async for entry in state.entries(incident):
            if nothing:
                print(f"{'TIME':20}  {'INCIDENT':8}  {'WHO':20}  WHAT")
                nothing = False
            print(_text(entry))
    finally:
        await state.close()
    if nothing:
        print(f"nothing is on record for incident {incident}" if incident else "nothing is on record yet")
    return 0


def _text(entry: Entry) -> str:
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = f"{at:20}  {_shown(entry.incident):8}  {_shown(entry.actor):20}  {_shown(entry.what)}"
    return "\n".join([first, *(f"{'':22}{_shown(name)}: {_shown(value)}" for name, value in entry.details)])


def _shown(text: str) -> str:
    """On one line, and without control characters: texts from outside must not steer the terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
