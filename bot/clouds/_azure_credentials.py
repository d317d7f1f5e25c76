"""Tokens of azure-identity's usual chain: environment, workload identity, managed identity, the CLI's login.

One chain for each identity and process, whatever the number of clusters: some of its members ask a server on
the node, or start a program. Nothing of the SDK is imported before Azure is asked something.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.imports import imported

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo, TokenRequestOptions

# A metadata server that is not Azure's answers 404, and azure-identity then tries on for half a minute.
_LONGEST = 15.0  # seconds
# Everybody who asked meanwhile gets the same answer, and nobody waits for it twice.
_NONE_FOR = 5.0  # seconds

_TRIED = re.compile(r"^\s*(?P<who>[A-Za-z]+Credential): (?P<why>.*)$", re.MULTILINE)
_NOT_SET_UP = re.compile(
    r"authentication unavailable|not fully configured|not found on path|unexpected content type|az login",
    re.I,
)


class Credential:
    """Tokens of one identity.

    :param client_id: of a managed or workload identity. Then it is that one or none: whoever is configured
        to write must not happen to be whoever else is signed in.
    """

    def __init__(self, client_id: str = "") -> None:
        self._client_id = client_id
        self._chain: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._missing: tuple[float, str] | None = None  # until when, and why

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """What azure-core's pipelines call, and remember.

        :raises azure.core.exceptions.ClientAuthenticationError: there is none, in one line
        """
        async with self._one_at_a_time:
            now = asyncio.get_running_loop().time()
            if self._missing is not None and now < self._missing[0]:
                raise _refusal(self._missing[1])
            if self._chain is None:
                module = await imported("azure.identity.aio")
                self._chain = module.DefaultAzureCredential(**self._members())
                # It warns of every member without a token, in ten lines; what matters is in our one.
                logging.getLogger("azure.identity").setLevel(logging.ERROR)
            try:
                async with asyncio.timeout(_LONGEST):
                    token: AccessTokenInfo = await self._chain.get_token_info(*scopes, options=options)
            except Exception as error:
                self._missing = (asyncio.get_running_loop().time() + _NONE_FOR, _in_a_line(error))
                raise _refusal(self._missing[1]) from error
            self._missing = None
            return token

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "exclude_developer_cli_credential": True,
            "exclude_powershell_credential": True,
            "exclude_shared_token_cache_credential": True,
            "exclude_visual_studio_code_credential": True,
        }
        if self._client_id:
            members |= {
                "exclude_environment_credential": True,
                "exclude_cli_credential": True,
                "managed_identity_client_id": self._client_id,
                "workload_identity_client_id": self._client_id,
            }
        return members

    async def close(self) -> None:
        if self._chain is not None:
            await self._chain.close()


class Identities:
    """One ``Credential`` for each client id ("" for whoever we are by ourselves)."""

    def __init__(self) -> None:
        self._known: dict[str, Credential] = {}

    def of(self, client_id: str = "") -> Credential:
        return self._known.setdefault(client_id, Credential(client_id))

    async def close(self) -> None:
        for one in self._known.values():
            await one.close()


def _refusal(why: str) -> Exception:
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415  see the top

    return ClientAuthenticationError(why)


def _in_a_line(error: Exception) -> str:
    """azure-identity tells the story of every credential that it tried; people need what went wrong."""
    if isinstance(error, TimeoutError):
        return f"no identity answered within {_LONGEST:.0f} seconds"
    tried: Mapping[str, str] = {one["who"]: one["why"] for one in _TRIED.finditer(str(error))}
    broken = [f"{who}: {why}" for who, why in tried.items() if not _NOT_SET_UP.search(why)]
    if broken:
        return "; ".join(broken)
    if tried:
        return "there is no workload identity, no managed identity, no AZURE_CLIENT_SECRET and no `az login`"
    return (str(error) or type(error).__name__).splitlines()[0]
