"""How time is told, and how it is waited for, where either may be another's than the machine's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Clock = Callable[[], float]
"""Seconds since whenever."""
Pause = Callable[[float], Awaitable[None]]
"""Returns after so many seconds."""
