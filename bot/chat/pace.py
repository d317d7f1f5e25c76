"""No more than a chat takes, rather than being refused; and what somebody waits for goes first.

Each replica keeps the limits for itself; what is too much of all together is refused, and tried again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from typing import Any

from bot.chat.clock import Clock, Pause

Limit = tuple[int, float]
"""So many within so many seconds."""


class TooLong(Exception):
    """The turn would come only after ``seconds``, and whoever waits may have better to do."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:g} s")
        self.seconds = seconds


class Window:
    """Moments of the last turns, as many as the limits have to know.

    ``queue`` serves whoever came first; ``others`` come behind all of those, and ``waiting`` are those in
    either and before it.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._longest = max((seconds for _, seconds in limits), default=0.0)
        self._turns: deque[float] = deque(maxlen=max((count for count, _ in limits), default=1))
        self._held_until = float("-inf")
        self.queue = asyncio.Lock()
        self.others = asyncio.Lock()
        self.waiting = 0

    def due(self) -> float:
        """When the next turn may be."""
        due = self._held_until
        for count, seconds in self._limits:
            if len(self._turns) >= count:
                due = max(due, self._turns[-count] + seconds)
        return due

    def take(self, now: float) -> None:
        self._turns.append(now)

    def hold(self, until: float) -> None:
        self._held_until = max(self._held_until, until)

    def is_idle(self, now: float) -> bool:
        """Nothing that it knows matters any more."""
        last = self._turns[-1] if self._turns else float("-inf")
        return not self.waiting and self._held_until <= now and last + self._longest <= now


class Pace:
    """Turns within the limits of each key, and of all of them together.

    :param together: shared by several of these, if there is a limit for all
    :param patience: seconds that a turn may be away
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        clock: Clock,
        pause: Pause,
        *,
        together: Window | None = None,
        patience: float = float("inf"),
    ) -> None:
        self._limits = limits
        self._clock, self._pause = clock, pause
        self._together = together or Window(())
        self._patience = patience
        self._windows: dict[str, Window] = {}

    async def turn(self, key: str, hurried: asyncio.Event | None = None) -> None:
        """Wait for it; first come, first served.

        :param hurried: until that is set all others go first
        :raises TooLong: it is further away than ``patience``
        """
        window = self._window(key)
        window.waiting += 1
        try:
            if hurried is None or not await unhurried(hurried, lambda: self._behind_others(window)):
                await self._in_line(window)
        finally:
            window.waiting -= 1

    async def _in_line(self, window: Window) -> None:
        async with window.queue:
            while not await self._has_taken(window):
                await self._wait(window)

    async def _behind_others(self, window: Window) -> None:
        """Stands in line only when its turn could be: whoever comes while it waits is before it."""
        async with window.others:
            taken = False
            while not taken:
                await self._wait(window)
                async with window.queue:
                    taken = await self._has_taken(window)

    async def _has_taken(self, window: Window) -> bool:
        if window.due() > self._clock():
            return False
        async with self._together.queue:
            await self._wait(self._together)
            now = self._clock()
            if window.due() > now:  # it was held meanwhile, and nobody else should wait for that
                return False
            window.take(now)
            self._together.take(now)
            return True

    def hold(self, key: str, seconds: float) -> None:
        """The chat said to wait that long."""
        self._window(key).hold(self._clock() + seconds)

    async def _wait(self, window: Window) -> None:
        while (wait := window.due() - self._clock()) > 0:
            if wait > self._patience:
                raise TooLong(wait)
            await self._pause(wait)

    def _window(self, key: str) -> Window:
        self._forget_the_idle()
        return self._windows.setdefault(key, Window(self._limits))

    def _forget_the_idle(self) -> None:
        """Two are looked at for each one that is asked for: so there are never many more than are in use."""
        now = self._clock()
        for key in list(islice(self._windows, 2)):
            window = self._windows.pop(key)
            if not window.is_idle(now):
                self._windows[key] = window  # behind the others


class Lane:
    """A ``Pace`` that is never filled by what nobody waits for: that has limits of its own, and goes last.

    :param bulk: those limits
    :param under_way: at most so much of it at once
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        bulk: Sequence[Limit],
        clock: Clock,
        pause: Pause,
        *,
        together: Window | None = None,
        patience: float = float("inf"),
        under_way: int | None = None,
    ) -> None:
        self._all = Pace(limits, clock, pause, together=together, patience=patience)
        self._bulk = Pace(bulk, clock, pause, patience=patience)
        self._under_way = asyncio.Semaphore(under_way) if under_way else None

    @asynccontextmanager
    async def turn(self, key: str, hurried: asyncio.Event | None = None) -> AsyncIterator[None]:
        """
        :param hurried: set once somebody waits for it; ``None``: somebody does
        :raises TooLong: as ``Pace.turn``
        """
        async with AsyncExitStack() as around:
            is_bulk = hurried is not None and await unhurried(hurried, lambda: self._bulk.turn(key))
            if is_bulk and self._under_way is not None:
                await around.enter_async_context(self._under_way)
            await self._all.turn(key, hurried)
            yield

    def hold(self, key: str, seconds: float) -> None:
        """The chat said to wait that long."""
        self._all.hold(key, seconds)
        self._bulk.hold(key, seconds)  # or it would crowd before the other


async def unhurried(hurried: asyncio.Event, turn: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Whether that turn was had before ``hurried`` was set. If not, it is given up.

    :raises TooLong: as ``turn`` does
    """
    if hurried.is_set():
        return False
    taking, hurrying = asyncio.create_task(turn()), asyncio.create_task(hurried.wait())
    try:
        await asyncio.wait((taking, hurrying), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (taking, hurrying):
            task.cancel()
        ended = (await asyncio.gather(taking, hurrying, return_exceptions=True))[0]
    if ended is None:
        return True
    if hurried.is_set() and isinstance(ended, (TooLong, asyncio.CancelledError)):
        return False
    raise ended
