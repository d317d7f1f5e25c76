"""The keys that Microsoft signs requests to bots with, as it publishes them now.

They change rarely, and new ones are published before they are used, so a day-old list is good, and a list is
read anew when a key is not in it. Whoever knows our address may name keys that do not exist; that does not
make us ask Microsoft without end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from bot.chat.clock import Clock
from bot.chat.platform import ChatDown
from bot.chat.teams.body import json_in
from bot.settings_values import is_loopback

log = logging.getLogger(__name__)

# "All bot instances should refresh their local cache of the document at least once every 24 hours."
# https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
_DAY = 24 * 3600.0
# If they cannot be read anew: over a long weekend nobody mends a proxy, and Microsoft's own library kept keys
# for five days. A key that was withdrawn is believed no longer than that.
_LONGEST = 3 * _DAY
# So often for keys that are in no list, and once more each so many seconds: whoever names thousands of them
# keeps a new key waiting for no longer than that.
_UNKNOWN_READS, _UNKNOWN_EVERY = 5, 12.0
_FAILED_AGAIN = 5.0  # who comes meanwhile is told at once that it failed


class KeysUnavailable(ChatDown):
    """Microsoft's keys cannot be read now, so nobody can say who signed something.

    For whoever wants to send something, who needs the issuer's name, that is a chat that is down.
    """


@dataclass(frozen=True, slots=True)
class SigningKey:
    """``channels``: what it may sign for, which Microsoft calls endorsements; ``None`` where nothing is said.

    Microsoft's own libraries take a key for any channel then, as those of some national clouds have it.
    """

    public: RSAPublicKey
    channels: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Published:
    issuer: str
    keys: Mapping[str, SigningKey]


class Keys:
    """
    :param metadata: the address of the openid metadata, which names the issuer and the list of keys
    :param patience: seconds for reading both
    """

    def __init__(self, metadata: str, clock: Clock, *, patience: float = 8.0) -> None:
        self._metadata = metadata
        self._clock = clock
        self._patience = patience  # Teams waits about fifteen seconds for a bot
        self._known: Published | None = None
        self._read_at = 0.0
        self._failed_at: float | None = None
        self._for_unknown = float(_UNKNOWN_READS)  # readings that are left, at the time below
        self._counted_at = clock()
        self._why_not = "they were not read yet"
        self._reading: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def issuer(self) -> str:
        """Whatever its age: a name does not expire as keys do.

        :raises KeysUnavailable: it was never read, and cannot be now
        """
        return self._known.issuer if self._known else (await self.published()).issuer

    async def published(self, kid: str = "") -> Published:
        """What there is; read anew if that is too old, or lacks ``kid`` and may have it by now.

        :raises KeysUnavailable: it would have to be read anew, and cannot be
        """
        known, age = self._known, self._clock() - self._read_at
        if known is None or age >= _LONGEST:
            return await self._anew()
        if kid and kid not in known.keys and self._may_be_new():
            return await self._anew()
        if age >= _DAY:
            self._read_soon()  # nobody waits for it
        return known

    def _may_be_new(self) -> bool:
        """An unknown key, that is; whoever comes while the list is being read waits for that."""
        if self._reading is not None and not self._reading.done():
            return True
        now = self._clock()
        left = min(_UNKNOWN_READS, self._for_unknown + (now - self._counted_at) / _UNKNOWN_EVERY)
        may = left >= 1
        self._for_unknown, self._counted_at = (left - 1 if may else left), now
        return may

    async def _anew(self) -> Published:
        reading = self._read_soon()
        if reading is not None:
            await asyncio.wait({reading})  # if we are cancelled, the others who wait are not
        if self._known is None or self._why_not:
            raise KeysUnavailable(f"Microsoft's signing keys cannot be read: {self._why_not}")
        return self._known

    def _read_soon(self) -> asyncio.Task[None] | None:
        """The one reading under way. ``None``: one failed just now, or we are closed."""
        if self._reading is not None and not self._reading.done():
            return self._reading
        if self._closed or (self._failed_at is not None and self._clock() - self._failed_at < _FAILED_AGAIN):
            return None
        self._reading = asyncio.create_task(self._read(), name="teams signing keys")
        return self._reading

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                found = await self._fetch()
        except TimeoutError:
            self._fail(f"no answer within {self._patience:g} seconds")
        except aiohttp.ClientConnectorError as error:
            self._fail(f"no connection to {error.host}")
        except (aiohttp.ClientError, OSError) as error:
            self._fail(f"the connection broke ({type(error).__name__})")
        except ValueError as error:
            self._fail(str(error))
        else:
            self._known, self._read_at = found, self._clock()
            self._failed_at, self._why_not = None, ""

    def _fail(self, why_not: str) -> None:
        if why_not != self._why_not:
            log.warning("Microsoft's signing keys cannot be read: %s", why_not)
        self._failed_at, self._why_not = self._clock(), why_not

    async def _fetch(self) -> Published:
        metadata = await self._get(self._metadata)
        address = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
        if not isinstance(address, str) or not _is_safe(address):
            raise ValueError("the openid metadata names no list of keys at an https address")
        return parse(metadata, await self._get(address))

    async def _get(self, url: str) -> Any:
        host = urlsplit(url).hostname
        async with self.open().get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"{host} answered with status {answer.status}")
            try:
                return await json_in(answer)
            except ValueError as error:
                raise ValueError(f"{host} {error}") from None

    def open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=True)  # by HTTPS_PROXY, as all the SDKs do
        return self._session

    async def close(self) -> None:
        self._closed, self._why_not = True, "shutting down"
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        if self._session is not None:
            await self._session.close()


def parse(metadata: Any, listed: Any) -> Published:
    """Microsoft's two documents as they were decoded. A key that cannot be used is left out.

    :raises ValueError: there is no issuer, or no key
    """
    issuer = metadata.get("issuer") if isinstance(metadata, dict) else None
    if not isinstance(issuer, str) or not issuer:
        raise ValueError("the openid metadata names no issuer")
    entries = listed.get("keys") if isinstance(listed, dict) else None
    keys = dict(filter(None, map(_key, entries if isinstance(entries, list) else ())))
    if not keys:
        raise ValueError("the list of keys has none that can be used")
    return Published(issuer, keys)


def _key(jwk: Any) -> tuple[str, SigningKey] | None:
    """https://www.rfc-editor.org/rfc/rfc7517, and Microsoft's ``endorsements``"""
    if not isinstance(jwk, dict) or jwk.get("kty") != "RSA":
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
        return None
    kid, n, e = jwk.get("kid"), jwk.get("n"), jwk.get("e")
    if not (isinstance(kid, str) and kid and isinstance(n, str) and isinstance(e, str) and len(n) < 2048):
        return None
    try:
        public = RSAAlgorithm.from_jwk({"kty": "RSA", "n": n, "e": e})  # never a private key
    except (InvalidKeyError, ValueError, TypeError, OverflowError):
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < 2048:
        return None
    return kid, SigningKey(public, _channels(jwk))


def _channels(jwk: Any) -> frozenset[str] | None:
    if "endorsements" not in jwk:
        return None
    said = jwk["endorsements"]
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()


def _is_safe(url: str) -> bool:
    """Whoever can change the keys on their way can sign anything."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
