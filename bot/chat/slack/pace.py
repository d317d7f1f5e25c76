"""No more calls than Slack takes, rather than being refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Pause = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


class Pace:
    """No more than Slack takes: one call ``every`` seconds per key, after a first ``burst``.

    It waits before a call rather than after, and each caller is given the next free moment. That is the
    generic cell rate algorithm: a theoretical time of arrival per key.
    """

    def __init__(self, every: float, clock: Clock, pause: Pause, burst: int = 1) -> None:
        self._every, self._burst = every, burst
        self._clock, self._pause = clock, pause
        self._due: dict[str, float] = {}

    async def turn(self, key: str) -> None:
        now = self._clock()
        due = max(now, self._due.get(key, now))
        self._due[key] = due + self._every
        wait = due - now - (self._burst - 1) * self._every
        if wait > 0:
            await self._pause(wait)

    def hold(self, key: str, seconds: float) -> None:
        """Slack said to wait that long."""
        until = self._clock() + seconds + (self._burst - 1) * self._every
        self._due[key] = max(self._due.get(key, until), until)
