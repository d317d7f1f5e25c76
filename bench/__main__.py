"""Every measurement, one line each. Exit status 1 if one is not good enough."""

from __future__ import annotations

import asyncio
import sys

from bench import aks, classify, fleet, rounds, startup, storm


async def main() -> int:
    good = True
    for part in (startup, classify, rounds, aks, fleet, storm):
        async for figure in part.figures():
            print(figure, flush=True)  # noqa: T201  that is what it is for
            good = good and figure.is_good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
