"""Packages that take a third of a second to import are imported when somebody needs them, off the event loop.

One at a time: two threads that import packages which share a third one, whose modules import each other
(``requests`` and its ``utils`` do), may both be given half of it, and fail.
"""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


async def imported(name: str) -> Any:
    """The module.

    :raises ImportError: as the import statement does
    """
    return await asyncio.to_thread(_imported, name)


def _imported(name: str) -> Any:
    with _ONE_AT_A_TIME:
        return import_module(name)
