"""Who pullbot is to Microsoft: tokens for what it sends, by an app's secret or by a managed identity."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from bot.chat.clock import Clock
from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.body import json_in
from bot.chat.teams.kept import Kept
from bot.imports import imported
from checks.secret import Secret

_LONGEST_WAIT = 300.0

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

    def refused(self, scope: str, token: Secret[str]) -> bool:
        """It was not taken where it should do. Whether the next one may be."""

    async def close(self) -> None: ...


class Unsigned:
    """Nobody: whom we talk to on this machine asks for no token."""

    async def token(self, scope: str) -> None:
        return None

    def refused(self, scope: str, token: Secret[str]) -> bool:
        return False

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
        patience: float = 10.0,
    ) -> None:
        self._url = f"{authority.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        self._app_id, self._secret = app_id, secret
        self._patience = patience
        self._kept = Kept(self._ask, clock)
        self._session: aiohttp.ClientSession | None = None

    async def token(self, scope: str) -> Secret[str]:
        return await self._kept.token(scope)

    def refused(self, scope: str, token: Secret[str]) -> bool:
        return self._kept.refused(scope, token)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, scope: str) -> tuple[Secret[str], float]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                trust_env=True, timeout=aiohttp.ClientTimeout(total=self._patience)
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

    def __init__(self, app_id: str, *, clock: Clock = time.monotonic, patience: float = 15.0) -> None:
        if not app_id:
            raise ValueError("MICROSOFT_APP_ID is empty, and a machine may have several identities")
        self._app_id = app_id
        self._patience = patience  # azure-identity tries again by itself, and for minutes
        self._credential: Any = None
        self._kept = Kept(self._ask, clock)

    async def token(self, scope: str) -> Secret[str]:
        return await self._kept.token(scope)

    def refused(self, scope: str, token: Secret[str]) -> bool:
        return self._kept.refused(scope, token)

    async def close(self) -> None:
        if self._credential is not None:
            await self._credential.close()

    async def _ask(self, scope: str) -> tuple[Secret[str], float]:
        try:
            async with asyncio.timeout(self._patience):
                if self._credential is None:
                    self._credential = await self._made()
                found = await self._credential.get_token_info(scope)
        except Exception as error:
            raise _unmanaged(error) from None
        return Secret(found.token), found.expires_on - time.time()

    async def _made(self) -> Any:
        """Only the one kind: whoever else this machine is signed in as is not the bot."""
        module = await imported("azure.identity.aio")
        # It warns in ten lines; what matters is in our one.
        logging.getLogger("azure.identity").setLevel(logging.ERROR)
        if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):  # the webhook of workload identity was here
            return module.WorkloadIdentityCredential(client_id=self._app_id)
        return module.ManagedIdentityCredential(client_id=self._app_id)


def _unmanaged(error: Exception) -> ChatDown | ChatRefused:
    """azure-identity says the same in several ways; whether a server refused us is what tells them apart."""
    if _code(str(error)):
        return _refusal({"error_description": str(error)})
    if isinstance(error, ValueError):  # from making it
        return ChatRefused(
            "a workload identity needs AZURE_TENANT_ID beside AZURE_FEDERATED_TOKEN_FILE; is the pod labelled"
            f" azure.workload.identity/use? {_REGISTRATION}"
        )
    status = _status(error)
    if 400 <= status < 500 and status not in (404, 408, 410, 429):  # the endpoint itself may not be up yet
        return ChatRefused(
            f"no identity MICROSOFT_APP_ID is assigned to where pullbot runs (status {status}): assign the"
            f" bot's managed identity to it; {_REGISTRATION}"
        )
    what = f"status {status}" if status >= 400 else type(error).__name__
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
