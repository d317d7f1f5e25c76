"""Who pullbot is to Microsoft: tokens for what it sends, by an app's secret or by a managed identity.

A token is asked for by one at a time and kept until shortly before it expires. If it cannot be renewed then,
the old one is used for as long as it lives.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.body import json_in
from bot.chat.teams.keys import Clock
from checks.secret import Secret

log = logging.getLogger(__name__)

_EARLY = 300.0  # seconds before its end that a token is renewed
_LAST = 10.0  # seconds before its end that a token is no longer used: a request has to arrive with it
_TIMEOUT = 10.0
_PATIENCE = 15.0  # azure-identity tries again by itself, and for minutes
_LONGEST_WAIT = 300.0
# A person has to mend it, and Entra locks out who keeps on asking with a wrong secret.
_REFUSED_FOR = 60.0

_REGISTRATION = "see docs/teams.md"
_SECRET = "set MICROSOFT_APP_PASSWORD to the value (not the id) of a client secret of the app's registration"  # noqa: S105  words
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_WHAT_TO_DO = {
    "7000215": f"the secret is wrong; {_SECRET}",
    "7000222": "the secret has expired; make a new client secret in the app's registration, and renew"
    " MICROSOFT_APP_PASSWORD",
    "7000218": f"the secret is missing; {_SECRET}",
    "700016": "the tenant has no such app; are MICROSOFT_APP_ID and MICROSOFT_APP_TENANT_ID those of one"
    " registration, and is that of a single tenant?",
    "7000229": "the app has no enterprise application (service principal) in the tenant; make one, or let an"
    " administrator consent",
    "7000112": "the app is disabled in the tenant; an administrator has to enable it",
    "90002": "there is no such tenant; is MICROSOFT_APP_TENANT_ID right, and teams.authority its cloud's?",
    "900023": "MICROSOFT_APP_TENANT_ID is no tenant's id",
    "53003": "a policy of conditional access forbids it; an administrator has to except the app",
    "700213": "no federated credential of the identity matches this service account",
}


class Identity(Protocol):
    async def token(self, scope: str) -> Secret[str] | None:
        """For an Authorization header; ``None``: nothing is signed here.

        :raises ChatDown: there is none now
        :raises ChatRefused: there will be none until a person does what the error says
        """

    async def close(self) -> None: ...


class Unsigned:
    """Nobody: whom we talk to on this machine asks for no token."""

    async def token(self, scope: str) -> None:
        return None

    async def close(self) -> None:
        return None


class ClientSecret:
    """An app of one tenant, with a secret.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """

    def __init__(
        self,
        authority: str,
        tenant: str,
        app_id: str,
        secret: Secret[str],
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._url = f"{authority.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        self._app_id, self._secret = app_id, secret
        self._kept = _Kept(self._ask, clock)
        self._session: aiohttp.ClientSession | None = None

    async def token(self, scope: str) -> Secret[str]:
        return await self._kept.token(scope)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, scope: str) -> tuple[Secret[str], float]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                trust_env=True, timeout=aiohttp.ClientTimeout(total=_TIMEOUT)
            )
        form = {
            "grant_type": "client_credentials",
            "client_id": self._app_id,
            "client_secret": self._secret.reveal(),
            "scope": scope,
        }
        try:
            # A redirect would carry the secret to whoever it names.
            async with self._session.post(self._url, data=form, allow_redirects=False) as answer:
                status, wait = answer.status, _seconds(answer.headers.get("Retry-After", ""))
                if status == 429 or status >= 500:
                    raise ChatDown(f"Entra answered with status {status} for the bot's token", wait)
                said = await json_in(answer)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ChatDown(f"Entra did not answer for the bot's token ({type(error).__name__})") from None
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ChatDown("what answered for the bot's token was not Entra; is teams.authority right?")
        if status != 200:
            raise _refusal(said)
        return _granted(said)


class ManagedIdentity:
    """The identity of the machine or of the service account we run as, that is registered as the bot.

    :param app_id: its client id
    """

    def __init__(self, app_id: str, *, clock: Clock = time.monotonic) -> None:
        if not app_id:
            raise ValueError("MICROSOFT_APP_ID is empty, and a machine may have several identities")
        self._app_id = app_id
        self._credential: Any = None
        self._kept = _Kept(self._ask, clock)

    async def token(self, scope: str) -> Secret[str]:
        return await self._kept.token(scope)

    async def close(self) -> None:
        if self._credential is not None:
            await self._credential.close()

    async def _ask(self, scope: str) -> tuple[Secret[str], float]:
        try:
            async with asyncio.timeout(_PATIENCE):
                if self._credential is None:
                    module = await asyncio.to_thread(import_module, "azure.identity.aio")
                    # It warns in ten lines; what matters is in our one.
                    logging.getLogger("azure.identity").setLevel(logging.ERROR)
                    # Where a workload identity is set up, it is that one.
                    self._credential = module.ManagedIdentityCredential(client_id=self._app_id)
                found = await self._credential.get_token_info(scope)
        except Exception as error:
            raise _unmanaged(error) from None
        return Secret(found.token), found.expires_on - time.time()


def _unmanaged(error: Exception) -> ChatDown | ChatRefused:
    """azure-identity says the same in several ways; whether a server refused us is what tells them apart."""
    if _code(str(error)):
        return _refusal({"error_description": str(error)})
    status = _status(error)
    if 400 <= status < 500 and status not in (404, 408, 410, 429):  # the endpoint itself may not be up yet
        return ChatRefused(
            f"no identity MICROSOFT_APP_ID is assigned to where pullbot runs (status {status}): assign the"
            f" bot's managed identity to it; {_REGISTRATION}"
        )
    what = f"status {status}" if status else type(error).__name__
    return ChatDown(
        f"no managed identity answered for the bot's token ({what}); with teams.registration:"
        " managed_identity pullbot has to run in Azure"
    )


def _status(error: BaseException | None) -> int:
    """That of the answer which caused ``error``, 0 for none."""
    while error is not None:
        found = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(found, int):
            return found
        error = error.__cause__
    return 0


def _granted(said: dict[str, Any]) -> tuple[Secret[str], float]:
    token, lives = said.get("access_token"), said.get("expires_in")
    if (
        not isinstance(token, str)
        or not token
        or isinstance(lives, bool)
        or not isinstance(lives, int | float)
    ):
        raise ChatDown("what answered for the bot's token was not Entra; is teams.authority right?")
    return Secret(token), float(lives)


def _refusal(said: dict[str, Any]) -> ChatDown | ChatRefused:
    """Of Entra's own words only the numbers are repeated: they are long, and may quote what was sent."""
    if said.get("error") == "temporarily_unavailable":
        return ChatDown("Entra is temporarily unavailable for the bot's token")
    code = _code(str(said.get("error_description", "")))
    if not code:
        return ChatRefused(f"Entra refuses the bot's token and does not say why; {_REGISTRATION}")
    what = _WHAT_TO_DO.get(code, f"see https://login.microsoftonline.com/error?code={code}")
    return ChatRefused(f"Entra refuses the bot's token (AADSTS{code}): {what}")


def _code(text: str) -> str:
    found = re.search(r"\bAADSTS(\d{4,9})\b", text)
    return found[1] if found else ""


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 5.0


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


class _Kept:
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
