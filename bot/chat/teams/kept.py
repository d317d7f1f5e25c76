"""Tokens that are kept while they live, each asked for by one at a time.

One that cannot be renewed in time is used for as long as it lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.keys import Clock
from checks.secret import Secret

log = logging.getLogger(__name__)

_EARLY = 300.0  # seconds before its end that a token is renewed
_LAST = 10.0  # seconds before its end that a token is no longer used: a request has to arrive with it
# A person has to mend it, and Entra locks out who keeps on asking with a wrong secret.
_REFUSED_FOR = 60.0


@dataclass
class _Scope:
    """What is known of one scope. ``early`` is when to renew, ``late`` when no longer to use."""

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Secret[str] | None = None
    early: float = 0.0
    late: float = 0.0
    refused: ChatDown | ChatRefused | None = None
    not_before: float = 0.0  # it was refused, and is not asked again until then

    def living(self, now: float) -> Secret[str] | None:
        return self.token if now < self.late else None


class Kept:
    """Tokens by scope. ``ask`` gives one and how many seconds it lives."""

    def __init__(self, ask: Callable[[str], Awaitable[tuple[Secret[str], float]]], clock: Clock) -> None:
        self._ask, self._clock = ask, clock
        self._scopes: dict[str, _Scope] = {}

    async def token(self, scope: str) -> Secret[str]:
        one = self._scopes.setdefault(scope, _Scope())
        living = one.living(self._clock())
        if living and (self._clock() < one.early or one.asking.locked()):
            return living  # somebody else waits for the next one
        async with one.asking:
            return await self._renewed(scope, one)

    async def _renewed(self, scope: str, one: _Scope) -> Secret[str]:
        now = self._clock()
        if one.token and now < one.early:
            return one.token
        if one.refused is None or now >= one.not_before:
            await self._renew(scope, one)
        living = one.living(self._clock())
        if one.refused is None and one.token:
            return one.token
        if living:
            return living
        if isinstance(one.refused, ChatDown):
            raise ChatDown(str(one.refused), one.refused.retry_after)
        raise ChatRefused(str(one.refused))

    async def _renew(self, scope: str, one: _Scope) -> None:
        try:
            token, lives = await self._ask(scope)
        except (ChatDown, ChatRefused) as why:
            wait = why.retry_after if isinstance(why, ChatDown) else _REFUSED_FOR
            one.refused, one.not_before = why, self._clock() + wait
            log.warning("the bot's token was not renewed: %s", why)
            return
        now = self._clock()
        one.token, one.refused = token, None
        one.early = now + lives - min(_EARLY, lives / 2)
        one.late = now + max(lives - _LAST, 0)
