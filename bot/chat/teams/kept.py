"""Tokens that are kept while they live, each asked for by one at a time.

One that cannot be renewed in time is used for as long as it lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.chat.clock import Clock
from bot.chat.platform import ChatDown, ChatRefused
from checks.secret import Secret

log = logging.getLogger(__name__)

_EARLY = 300.0  # seconds before its end that a token is renewed
_LAST = 10.0  # seconds before its end that a token is no longer used: a request has to arrive with it
# A person has to mend it, and Entra locks out who keeps on asking with a wrong secret.
_REFUSED_FOR = 60.0
# One that is younger is not the reason why it is refused: the next one would be, too.
_YOUNG = 60.0


@dataclass(frozen=True, slots=True)
class _No:
    """Why there is no token, and when to ask again. ``passes``: by itself."""

    why: str
    again: float
    passes: bool

    def error(self, now: float) -> ChatDown | ChatRefused:
        return ChatDown(self.why, max(self.again - now, 1.0)) if self.passes else ChatRefused(self.why)


@dataclass
class _Scope:
    """What is known of one scope. ``since`` is when its token was got, ``early`` when to renew it, ``late``
    when no longer to use it.
    """

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Secret[str] | None = None
    since: float = 0.0
    early: float = 0.0
    late: float = 0.0
    no: _No | None = None

    def living(self, now: float) -> Secret[str] | None:
        return self.token if now < self.late else None


class Kept:
    """:param ask: a scope's new token and the seconds it lives; raises ``ChatDown`` or ``ChatRefused``"""

    def __init__(self, ask: Callable[[str], Awaitable[tuple[Secret[str], float]]], clock: Clock) -> None:
        self._ask, self._clock = ask, clock
        self._scopes: dict[str, _Scope] = {}

    async def token(self, scope: str) -> Secret[str]:
        """:raises ChatDown, ChatRefused: as ``ask``, and there is none that lives"""
        one, now = self._scopes.setdefault(scope, _Scope()), self._clock()
        living = one.living(now)
        if living and (now < one.early or one.asking.locked()):
            return living  # somebody else waits for the next one
        async with one.asking:
            return await self._renewed(scope, one)

    def refused(self, scope: str, token: Secret[str]) -> bool:
        """Those it is for did not take ``token``, long as it may live: the app was disabled for a while, say.

        :returns: whether the next one that is asked for may do better
        """
        one = self._scopes.setdefault(scope, _Scope())
        if one.token is not token:
            return True  # it was renewed meanwhile
        if self._clock() < one.since + _YOUNG:
            return False
        one.token, one.early, one.late = None, 0.0, 0.0
        return True

    async def _renewed(self, scope: str, one: _Scope) -> Secret[str]:
        now = self._clock()
        if one.token and now < one.early:  # by whoever asked before us
            return one.token
        if one.no is None or now >= one.no.again:
            await self._renew(scope, one)
        token = one.living(self._clock()) if one.no else one.token
        if token:
            return token
        assert one.no is not None  # noqa: S101  or there would be one
        raise one.no.error(self._clock())

    async def _renew(self, scope: str, one: _Scope) -> None:
        try:
            token, lives = await self._ask(scope)
        except (ChatDown, ChatRefused) as error:
            now = self._clock()
            if one.living(now) and (one.no is None or one.no.why != str(error)):
                log.warning("the bot's token is used until it expires, and was not renewed: %s", error)
            wait = error.retry_after if isinstance(error, ChatDown) else _REFUSED_FOR
            one.no = _No(str(error), now + wait, passes=isinstance(error, ChatDown))
            return
        now = self._clock()
        one.token, one.no, one.since = token, None, now
        one.early = now + lives - min(_EARLY, lives / 2)
        one.late = now + lives - _LAST
