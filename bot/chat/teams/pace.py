"""No more than Teams takes, rather than being refused: sliding windows, and only the newest of several edits.

The limits are Microsoft's: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
Each replica keeps them for itself; what is too much of all together is refused, and tried again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

Pause = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]
Limit = tuple[int, float]
"""So many within so many seconds."""

# Of each conversation, and "a conversation is 1:1 between bot and user, a group chat, or a channel in a
# team": the threads of a channel share what it has. Edits, and new threads, are counted among its messages.
WRITES: Sequence[Limit] = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
# What nobody waits for leaves some of it to those who do wait: a storm of alerts fills any window, and for
# the rest of that hour no approval could be shown.
BULK: Sequence[Limit] = ((6, 1.0), (7, 2.0), (48, 30.0), (1600, 3600.0))
READS: Sequence[Limit] = ((14, 1.0), (16, 2.0), (120, 30.0), (3600, 3600.0))
# "The global limit per app per tenant is 50 Requests Per Second", and we have one of each.
ALL: Sequence[Limit] = ((50, 1.0),)

_LONGEST_WAIT = 60.0


class TooLong(Exception):
    """The turn would come only after ``seconds``, and whoever waits may have better to do."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:g} s")
        self.seconds = seconds


class Window:
    """Moments of the last turns, as many as the limits have to know.

    ``queue`` serves whoever came first; ``waiting`` are those in it and before it.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._longest = max(seconds for _, seconds in limits)
        self._turns: deque[float] = deque(maxlen=max(count for count, _ in limits))
        self._held_until = float("-inf")
        self.queue = asyncio.Lock()
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
    """

    def __init__(
        self, limits: Sequence[Limit], clock: Clock, pause: Pause, together: Window | None = None
    ) -> None:
        self._limits = limits
        self._clock, self._pause = clock, pause
        self._together = together or everything()
        self._windows: dict[str, Window] = {}

    async def turn(self, key: str) -> None:
        """Wait for it; first come, first served.

        :raises TooLong: not within a minute
        """
        window = self._window(key)
        window.waiting += 1
        try:
            async with window.queue:
                while not await self._has_taken(window):
                    pass
        finally:
            window.waiting -= 1

    async def _has_taken(self, window: Window) -> bool:
        await self._wait(window)
        async with self._together.queue:
            await self._wait(self._together)
            now = self._clock()
            if window.due() > now:  # it was held meanwhile, and nobody else should wait for that
                return False
            window.take(now)
            self._together.take(now)
            return True

    def hold(self, key: str, seconds: float) -> None:
        """Teams said to wait that long."""
        self._window(key).hold(self._clock() + seconds)

    async def _wait(self, window: Window) -> None:
        while (wait := window.due() - self._clock()) > 0:
            if wait > _LONGEST_WAIT:
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


def everything() -> Window:
    """What all calls count in."""
    return Window(ALL)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Line(Generic[V]):
    value: V
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Newest(Generic[K, V]):
    """Of several values for one key that wait to be sent, only the newest is, and one after the other.

    :param send: sends what its second argument answers, which is the newest when it is called
    """

    def __init__(self, send: Callable[[K, Callable[[], V]], Awaitable[None]]) -> None:
        self._send = send
        self._lines: dict[K, _Line[V]] = {}

    async def put(self, key: K, value: V) -> None:
        """Until it, or a newer one, is sent; raises what ``send`` does."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(value)
            line.task = asyncio.create_task(self._work(key, line), name=f"newest of {key}")
        line.value = value
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(sent)
        await sent

    async def _work(self, key: K, line: _Line[V]) -> None:
        try:
            while line.waiting:
                await self._once(key, line)
        finally:
            for one in line.waiting:
                one.cancel()
            del self._lines[key]

    async def _once(self, key: K, line: _Line[V]) -> None:
        served: list[asyncio.Future[None]] = []

        def newest() -> V:
            served.extend(line.waiting)
            line.waiting.clear()
            return line.value

        failure: Exception | None = None
        try:
            await self._send(key, newest)
        except Exception as error:
            failure = error
            if not served:  # it did not come to that
                newest()
        except asyncio.CancelledError:
            newest()
            for one in served:
                one.cancel()
            raise
        for one in served:
            if one.done():
                continue  # whoever waited does no more
            if failure is None:
                one.set_result(None)
            else:
                one.set_exception(failure)

    async def close(self) -> None:
        """Whoever waits is cancelled."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
