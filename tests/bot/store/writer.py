"""A process that writes until it is killed. It prints each number once that number is durable.

Run as ``python writer.py WHERE`` with WHERE as in ``store``.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime

from bot.store import Posted, open_state
from handlers.incident import Incident
from handlers.world import Entry


async def write(where: str) -> None:
    state = open_state(where)
    incident = Incident("a1", "prod", datetime(2026, 5, 4, 12, tzinfo=UTC), ())
    number = 0
    while True:
        await state.save(replace(incident, version=number))
        await state.append(Entry(datetime.now(UTC), "a1", "alice", "approved", (("number", str(number)),)))
        await state.remember("a1", "slack", f"key:{number}", Posted(f"ref-{number}", "d", "C1"))
        await state.learn("teams", "19:abc@thread.tacv2", str(number))
        print(number, flush=True)  # noqa: T201  the parent process reads it
        number += 1


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
