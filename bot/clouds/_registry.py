"""Registries behind the port ``Registry``: bounded HTTP that follows no lead to where it should not go."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from bot.clouds._registry_addresses import Barred, Resolve, literal, permitted
from bot.clouds._registry_line import look
from checks.model import Unavailable
from checks.redaction import redact
from checks.registry.facts import Answer, Line, NotReached
from checks.registry.realm import is_unheard
from checks.secret import Secret

if TYPE_CHECKING:  # takes long to import
    import aiohttp

_LONGEST_BODY = 4 * 1024 * 1024  # what the specification wants registries to take at least
_SECONDS = 10.0
_CONNECT_SECONDS = 4.0
_REDIRECTS = 4
_AT_ONCE = 8
_MOVED = frozenset({301, 302, 303, 307, 308})


async def resolve(host: str) -> tuple[str, ...]:
    """Its addresses, IPv4 first.

    :raises OSError: there are none
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    return tuple(sorted(addresses, key=lambda one: ":" in one))


class RegistryClient:
    """The port. One pool of connections, which is opened by the first request.

    :param local: hosts (``localhost:5000``) that may be this machine or link-local
    :param trust: whose certificates are accepted; ``None``: whom this machine trusts
    """

    def __init__(
        self,
        local: Collection[str] = (),
        *,
        names: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._local = frozenset(one.lower() for one in local)
        self._names = names
        self._trust = trust
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None
        self.calls = 0

    async def look(self, host: str, port: int) -> Line:
        self.calls += 1
        return await look(host, port, lambda: self._addresses(host, port), self._trusted())

    async def fetch(
        self, method: str, url: str, *, accept: str = "", authorization: Secret[str] | None = None
    ) -> Answer:
        import aiohttp  # noqa: PLC0415  slow to import

        first = url
        headers = {"Accept": accept} if accept else {}
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(_REDIRECTS + 1):
                    login = authorization if _is_same_place(url, first) else None
                    found = await self._once(method, url, headers, login)
                    if isinstance(found, Answer):
                        return found
                    url = _next(url, found)
        except Barred as why:
            raise (NotReached if url == first else Unavailable)(str(why)) from None
        except TimeoutError:
            raise NotReached(f"{_shown(url)} did not answer within {self._seconds:g} s") from None
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise NotReached(f"{_shown(url)} cannot be reached from here ({_told(error)})") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise Unavailable(f"what {_shown(url)} answers is no HTTP ({_told(error)})") from None
        raise Unavailable(
            f"{_shown(first)} sends its askers round in circles: {_REDIRECTS} redirects and more"
        )

    async def _once(
        self, method: str, url: str, headers: dict[str, str], authorization: Secret[str] | None
    ) -> Answer | str:
        """The answer, or where it leads."""
        from yarl import URL  # noqa: PLC0415  it comes with aiohttp, which is slow to import

        session = self._opened()
        # As it will be dialled: digits of other scripts are digits by then.
        target = URL(url)
        self._literal_is_permitted(target.host or "", target.port)
        if authorization is not None and is_unheard(target.scheme, target.host or ""):
            headers = {**headers, "Authorization": authorization.reveal()}
        self.calls += 1
        async with session.request(method, target, headers=headers, allow_redirects=False) as answer:
            if answer.status in _MOVED and (leads_to := answer.headers.get("Location")):
                return leads_to
            body = await _body(answer, url)
            found = tuple((name.lower(), value) for name, value in answer.headers.items())
            return Answer(answer.status, found, body)

    def _literal_is_permitted(self, host: str, port: int | None) -> None:
        """The pool's resolver never hears of hosts that are addresses."""
        if (address := literal(host)) and not self._is_local(host, port):
            permitted(host, (address,))

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        """:raises Barred, OSError: no address, or none that is asked"""
        address = literal(host)
        found = (address,) if address else await self._names(host)
        return found if self._is_local(host, port) else permitted(host, found)

    def _is_local(self, host: str, port: int | None) -> bool:
        host = host.lower()
        return host in self._local or f"{host}:{port or 443}" in self._local

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            import aiohttp  # noqa: PLC0415  slow to import

            client = self

            class Names(aiohttp.abc.AbstractResolver):
                async def resolve(
                    self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
                ) -> list[aiohttp.abc.ResolveResult]:
                    found = await client._addresses(host, port)
                    return [_resolved(host, port, one) for one in found]

                async def close(self) -> None:
                    pass

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=Names(), ssl=self._trusted(), limit=_AT_ONCE, ttl_dns_cache=30
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "pullbot", "Accept-Encoding": "identity"},
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _body(answer: aiohttp.ClientResponse, url: str) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise Unavailable(f"{_shown(url)} answers more than {_LONGEST_BODY} bytes; the rest was not read")
    return bytes(body)


def _next(url: str, target: str) -> str:
    """:raises Unavailable: no address that is followed"""
    found = urljoin(url, target)
    parts, before = urlsplit(found), urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Unavailable(f"{_shown(url)} leads to {_shown(found)}, which is no address of a registry")
    if before.scheme == "https" and parts.scheme == "http":
        raise Unavailable(f"{_shown(url)} leads from HTTPS to {_shown(found)}, which is not followed")
    return found


def _is_same_place(one: str, other: str) -> bool:
    mine, theirs = urlsplit(one), urlsplit(other)
    return (mine.scheme, mine.hostname, mine.port) == (theirs.scheme, theirs.hostname, theirs.port)


def _shown(url: str) -> str:
    """Without its query, which may hold a signature."""
    return redact(url.partition("?")[0])[:200]


def _told(error: BaseException) -> str:
    """What the system said, which aiohttp keeps inside its own."""
    for name in ("certificate_error", "os_error"):
        error = getattr(error, name, None) or error
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    told = os.strerror(number).lower() if number and number > 0 else str(error) or type(error).__name__
    return redact(" ".join(told.split()))[:200]


def _resolved(host: str, port: int, address: str) -> Any:
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
        "proto": 0,
        "flags": socket.AI_NUMERICHOST,
    }
