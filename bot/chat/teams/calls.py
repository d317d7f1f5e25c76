"""Calls of the Bot Connector: at Teams' pace, with the bot's token, and tried again where nothing is doubled.

What Microsoft says passes (412, 429, 502, 503, 504) is tried again, later and later. But a message whose
answer was lost may have arrived, and only who knows its key can find out: that one is not sent again here.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.chat.clock import Clock, Pause
from bot.chat.pace import Lane, Pace, TooLong
from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.identity import Identity
from bot.chat.teams.pace import BULK, READS, WRITES, everything
from bot.chat.teams.refusals import Passing, no_connector, refusal
from bot.imports import imported
from bot.settings_values import is_loopback

_THREADS = 8  # as many requests at once; each has a connection, of which urllib3 keeps 10
_THREADS_OF_BULK = 5  # of these: were Teams slow, the others would wait behind it
_CLIENTS = 16  # a tenant has one service url, or a few while it moves
_TRIES = 5
_PATIENCE = 60.0  # seconds, for all tries
_LONGEST_WAIT = 60.0  # for a turn
_CALL_SECONDS = 50.0
_BULK_SECONDS = 20.0  # by then somebody may wait for it


@dataclass(frozen=True, slots=True)
class Call:
    """``what`` is asked, in words; ``conversation`` is whose turn it takes.

    ``make`` makes it, with the package's ``ConversationsOperations`` and the arguments that carry the token.
    ``repeatable``: it may be made again even if it may have been done. ``reads``: it changes nothing.
    ``hurried``: until that is set it lets go first what somebody waits for; ``None``: that is this one.
    """

    what: str
    service_url: str
    conversation: str
    make: Callable[[Any, dict[str, Any]], Awaitable[Any]]
    repeatable: bool = True
    reads: bool = False
    hurried: asyncio.Event | None = None

    @property
    def is_bulk(self) -> bool:
        return self.hurried is not None and not self.hurried.is_set()


class Calls:
    """:param scope: of the tokens that the Bot Connector takes; it raises as ``answer`` does
    :param spread: between 0 and 1: those who were refused together do not come back together
    """

    def __init__(
        self,
        identity: Identity,
        scope: Callable[[], Awaitable[str]],
        *,
        clock: Clock = time.monotonic,
        pause: Pause = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._identity = identity
        self._scope = scope
        self._clock, self._pause, self._spread = clock, pause, spread
        together = everything()
        self._writes = Lane(
            WRITES,
            BULK,
            clock,
            pause,
            together=together,
            patience=_LONGEST_WAIT,
            under_way=_THREADS_OF_BULK,
        )
        self._reads = Pace(READS, clock, pause, together=together, patience=_LONGEST_WAIT)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="teams")
        self._slots = asyncio.Semaphore(_THREADS)
        self._loading: asyncio.Task[Any] | None = None
        self._clients: dict[str, Any] = {}
        self._closed = False

    def open(self) -> asyncio.Task[Any]:
        """Load the package, off the event loop; the first call would otherwise."""
        if self._loading is None:
            loading = imported("bot.chat.teams._botframework")
            self._loading = asyncio.create_task(loading, name="teams package")
        return self._loading

    async def close(self) -> None:
        """Nothing is called any more. What is on its way ends by itself."""
        self._closed = True
        if self._loading is not None:
            await asyncio.gather(self._loading, return_exceptions=True)
        while self._clients:
            await _close(self._clients.popitem()[1])
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def package(self) -> Any:
        """``bot.chat.teams._botframework``: its models are what calls are made with."""
        if self._closed:
            raise ChatDown("pullbot is about to end, and sends nothing to Teams any more")
        return await asyncio.shield(self.open())

    async def answer(self, call: Call) -> Any:
        """The package's model of it.

        :raises ChatDown: not now
        :raises ChatRefused: not until a person does what the error says
        """
        _check(call.service_url)
        key = call.conversation.partition(";")[0]  # threads share what their channel has
        until = float("inf")
        for tried in range(1, _TRIES + 1):
            async with self._turn(call, key):
                until = min(until, self._clock() + _PATIENCE)  # without its first queue
                try:
                    return await self._once(call)
                except Passing as error:
                    why = error
            wait = max(why.wait, 2.0 ** (tried - 1)) + self._spread()
            if why.certain:
                self._hold(call, key, wait)
            if not (why.certain or call.repeatable) or tried == _TRIES or self._clock() + wait > until:
                raise why
            await self._pause(wait)
        raise AssertionError("the last try answers or raises")

    @asynccontextmanager
    async def _turn(self, call: Call, key: str) -> AsyncIterator[None]:
        """:raises ChatDown: it would be too long until then"""
        async with AsyncExitStack() as around:
            try:
                if call.reads:
                    await self._reads.turn(key)
                else:
                    await around.enter_async_context(self._writes.turn(key, call.hurried))
            except TooLong as why:
                again = min(why.seconds, _BULK_SECONDS) if call.is_bulk else why.seconds
                raise ChatDown(
                    f"{call.what} has to wait for more than a minute: one conversation takes only so many",
                    again,
                    certain=True,
                ) from None
            yield

    def _hold(self, call: Call, key: str, seconds: float) -> None:
        (self._reads if call.reads else self._writes).hold(key, seconds)

    async def _once(self, call: Call) -> Any:
        sdk = await self.package()
        scope = await self._scope()
        token = await self._identity.token(scope)
        async with self._slots:
            client = await self._client(sdk, call.service_url)
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    return await call.make(client.conversations, {"token": token})
            except sdk.HttpOperationError as error:
                answer = error.response
                if answer.status_code == 401 and token and self._identity.refused(scope, token):
                    raise Passing(
                        f"Teams does not take the bot's token for {call.what}", certain=True
                    ) from None
                raise refusal(call.what, answer.status_code, answer.headers, answer.content) from None
            except sdk.ClientRequestError as error:
                raise sdk.unreached(call.what, error) from None
            except TimeoutError:
                raise Passing(f"Teams did not answer {call.what} in time", certain=False) from None
            except sdk.DeserializationError:
                raise no_connector(call.what) from None

    async def _client(self, sdk: Any, service_url: str) -> Any:
        """A new one takes 5 ms, and keeps connections."""
        if self._closed:
            await self.package()
        found = self._clients.pop(service_url, None) or sdk.client(service_url, self._threads)
        self._clients[service_url] = found
        while len(self._clients) > _CLIENTS:
            await _close(self._clients.pop(next(iter(self._clients))))
        return found


async def _close(client: Any) -> None:
    await client.__aexit__(None, None, None)


def _check(service_url: str) -> None:
    """The token goes there: encrypted, or not off this machine."""
    try:
        parts = urlsplit(service_url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    safe = bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
    if not safe or "{" in service_url:  # the package fills braces in
        raise ChatRefused(f"Teams is reached over https, and not at {service_url!r}; see teams.service_url")
