"""What a chat said lately need not be asked again, for a minute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_FRESH_SECONDS = 60.0
_REMEMBERED = 1000

T = TypeVar("T")


class Fresh(Generic[T]):
    """Answers that are good for a minute, by key. Failures are not remembered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: dict[str, tuple[float, T]] = {}

    async def get(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        found = self._answers.get(key)
        if found is not None and self._clock() - found[0] < _FRESH_SECONDS:
            return found[1]
        answer = await read()
        self._answers.pop(key, None)
        self._answers[key] = (self._clock(), answer)
        while len(self._answers) > _REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return answer
