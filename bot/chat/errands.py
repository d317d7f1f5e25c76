"""What is acknowledged at once is done afterwards, and what is said back is said once, however a chat is.

A chat asks again if it is not answered within seconds, so its listeners only begin something here.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from bot.chat.clock import Pause
from bot.chat.message import Message
from bot.chat.platform import Chat, ChatDown, ChatRefused, Place

log = logging.getLogger(__name__)

_TRIES = 4
_GOODBYE_SECONDS = 3.0

T = TypeVar("T")


class Errands:
    """What they ``start`` is done when ``finish`` returns, or given up."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._at_work: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        """
        :param what: is lost if it fails, for the log: ``what U0ALICE said``
        """
        task = asyncio.create_task(work, name=what)
        self._at_work.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, seconds: float = _GOODBYE_SECONDS) -> None:
        """Give what is on its way ``seconds`` to get done; a chat may have asked it to wait for longer."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._at_work and loop.time() < until:
            await asyncio.wait(self._at_work, timeout=until - loop.time())
        late = list(self._at_work)
        for task in late:
            log.error("given up, for we are told to end: %s", task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def post(self, chat: Chat, place: Place, message: Message, event: str, to: str) -> None:
        """Answer ``to``, where everybody reads: once, even if the chat's own answer is lost.

        :param event: what is answered
        """
        key = f"answer:{hashlib.sha256(event.encode()).hexdigest()[:16]}"
        tried = False

        async def post() -> None:
            nonlocal tried
            if tried and await chat.find(place, key) is not None:
                return
            tried = True
            await chat.post(place, message, key)

        await self.tell(post, to)

    async def tell(self, tell: Callable[[], Awaitable[object]], to: str) -> bool:
        """Answer ``to`` by calling ``tell``, and again while the chat is down. Whether it was done."""
        for left in reversed(range(_TRIES)):
            try:
                await tell()
                return True
            except ChatDown as down:
                if not left:
                    log.error("an answer to %s could not be given: %s; that was the last try", to, down)
                    return False
                log.warning("an answer to %s is delayed: %s", to, down)
                await self._pause(down.retry_after)
            except ChatRefused as refused:
                log.error("an answer to %s could not be given: %s", to, refused)
                return False
        raise AssertionError("the last try returns")

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._at_work.discard(task)
        if task.cancelled() or (why := task.exception()) is None:
            return
        crash = None if isinstance(why, ChatDown | ChatRefused) else why
        log.error("%s could not be taken to the desk: %s", task.get_name(), why, exc_info=crash)
