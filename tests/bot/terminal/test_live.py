"""What is drawn while checks run, on a terminal that really moves its cursor."""

from __future__ import annotations

import asyncio
import io
import re

import pytest

from bot.terminal.live import Live, shown
from bot.terminal.text import Palette
from checks.model import failed
from tests.bot.terminal.diagnoses import DENIED, FINE, UNREAD, finding

_MOVE = re.compile(r"\x1b\[(\d*)([AJm])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen(io.StringIO):
    """As much of a terminal as is used: lines, the cursor up, and clearing from the cursor on."""

    def __init__(self, *above: str) -> None:
        super().__init__()
        self.lines = [*above, ""]
        self.row = len(above)
        self.drawn = asyncio.Event()

    def write(self, text: str) -> int:
        moves = list(_MOVE.finditer(text))
        assert "".join(move[0] for move in moves) == text, "something that this terminal does not know"
        for move in moves:
            number, code, back, down, word = move.groups()
            if code == "A":
                self.row -= int(number)
                assert self.row >= 0, "it went above what it drew"
            elif code == "J":
                del self.lines[self.row :]
                self.lines.append("")
            elif down:
                self.row += 1
                self.lines.append("")
            elif word and not back:
                self.lines[self.row] += word
        self.drawn.set()
        return len(text)

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen() -> Screen:
    return Screen("$ pullbot why")


def test_findings_are_shown_as_they_land(screen: Screen) -> None:
    live = Live(screen, Palette(False))
    live.doing("checking")
    live.draw("⠋")
    assert screen.lines == ["$ pullbot why", "⠋ checking (0 s)", ""]
    live.landed(DENIED)
    live.landed(UNREAD)
    live.draw("⠙")
    told = screen.lines
    assert told[1].startswith("✗ The repository policy allows the pull: the statement")
    assert told[2] == "? The image is active: ecr:DescribeImages was denied"
    assert told[3:] == ["⠙ checking (0 s)", ""]


def test_it_leaves_the_terminal_as_it_was(screen: Screen) -> None:
    live = Live(screen, Palette(True))
    for _ in range(30):  # more than it shows at once
        live.landed(FINE)
        live.draw("⠋")
    live.clear()
    assert screen.lines == ["$ pullbot why", ""]
    live.clear()
    assert screen.lines == ["$ pullbot why", ""]


def test_nothing_drawn_is_wider_than_the_terminal_or_obeyed_by_it(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "5")
    live = Live(screen, Palette(False))
    live.doing("looking " * 20)
    for _ in range(9):
        live.landed(finding(failed("\x1b[2J\r\n" + "denied " * 20)))
        live.draw("⠋")
    assert len(screen.lines) <= 1 + 5, "a screen of five lines would have scrolled"
    assert max(len(line) for line in screen.lines) < 40
    assert screen.lines[1].endswith("…")


async def test_it_moves_while_somebody_waits_and_is_gone_afterwards(screen: Screen) -> None:
    live = Live(screen, Palette(False))
    frames: set[str] = set()
    async with asyncio.timeout(10):
        async with shown(live):
            live.doing("checking")
            while len(frames) < 3:
                await screen.drawn.wait()
                screen.drawn.clear()
                frames.add(screen.lines[1][:1])
    assert screen.lines == ["$ pullbot why", ""]


async def test_an_error_takes_it_away_too(screen: Screen) -> None:
    live = Live(screen, Palette(False))

    async def fail() -> None:
        async with shown(live):
            await screen.drawn.wait()
            raise LookupError("no")

    async with asyncio.timeout(10):
        with pytest.raises(LookupError):
            await fail()
    assert screen.lines == ["$ pullbot why", ""]


async def test_without_a_terminal_nothing_is_drawn() -> None:
    async with shown(None):
        await asyncio.sleep(0)
