"""Which incidents somebody waits for: what is sent about those goes before what nobody asked for.

Somebody may begin to wait while it is waiting already, so what waits is given an event to look at.
"""

from __future__ import annotations

import asyncio

_REMEMBERED = 1000


class Hurry:
    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def of(self, key: str, *, awaited: bool) -> asyncio.Event:
        """Set once somebody waits for the incident that the message with that key is of.

        :param awaited: they do
        """
        incident = key.partition(":")[0]
        event = self._events.pop(incident, None) or asyncio.Event()
        if awaited:
            event.set()
        self._events[incident] = event
        while len(self._events) > _REMEMBERED:
            del self._events[next(iter(self._events))]
        return event
