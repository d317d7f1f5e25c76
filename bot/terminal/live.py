"""What is going on while the checks run: findings as they land, and that we still wait for more.

Drawn on a terminal only and taken away before the report, which says it all in order.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import TextIO

from bot.terminal.text import MARK, Palette
from bot.terminal.untrusted import on_one_line
from checks.model import Finding

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_SECONDS = 0.1
_SHOWN = 12
_CLEAR_BELOW = "\x1b[J"


class Live:
    """Draws on ``stream``, a terminal. ``landed`` is called for each finding, ``doing`` before each part."""

    def __init__(self, stream: TextIO, palette: Palette) -> None:
        self._stream = stream
        self._palette = palette
        self._doing = ""
        self._lines: list[str] = []
        self._drawn = 0
        self._since = time.monotonic()

    def doing(self, what: str) -> None:
        self._doing = what

    def landed(self, finding: Finding) -> None:
        status = finding.verdict.status
        mark = self._palette.of(status)(MARK[status])
        self._lines.append(f"{mark} {self._cut(f'{finding.title}: {finding.verdict.summary}')}")

    def draw(self, frame: str) -> None:
        shown = self._lines[-min(_SHOWN, max(1, shutil.get_terminal_size().lines - 2)) :]
        seconds = time.monotonic() - self._since
        waiting = f"{frame} {self._cut(f'{self._doing} ({seconds:.0f} s)')}"
        self._replace([*shown, waiting])

    def clear(self) -> None:
        self._replace([])

    def _replace(self, lines: list[str]) -> None:
        up = f"\x1b[{self._drawn}A\r" if self._drawn else "\r"
        self._stream.write(up + _CLEAR_BELOW + "".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)

    def _cut(self, text: str) -> str:
        """What fits on a line: a line that wraps would not be cleared away."""
        width = shutil.get_terminal_size().columns - 3
        shown = on_one_line(text)
        return shown if len(shown) <= width else f"{shown[: width - 1]}…"


@asynccontextmanager
async def shown(live: Live | None) -> AsyncIterator[None]:
    """Keep ``live`` moving meanwhile, and leave the terminal as it was; ``None`` shows nothing."""
    if live is None:
        yield
        return
    spinner = asyncio.create_task(_spin(live))
    try:
        yield
    finally:
        spinner.cancel()
        live.clear()


async def _spin(live: Live) -> None:
    for step in count():
        live.draw(_FRAMES[step % len(_FRAMES)])
        await asyncio.sleep(_FRAME_SECONDS)
