"""A look at the way to a registry: does its name resolve, does it take a connection, whose certificate is it?

A certificate that is not trusted is looked at once more without trust, to say what is wrong with it; nothing
is ever sent over such a connection.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bot.clouds._registry_addresses import Barred, literal
from checks.registry.facts import Certificate, Line

_DNS_SECONDS = 4.0
_CONNECT_SECONDS = 3.0
_TLS_SECONDS = 4.0
_TRIED = 2  # addresses
_NAMES = 20  # of a certificate


async def look(
    host: str, port: int, addresses: Callable[[], Awaitable[tuple[str, ...]]], trust: ssl.SSLContext
) -> Line:
    try:
        async with asyncio.timeout(_DNS_SECONDS):
            found = await addresses()
    except Barred as why:
        return Line(barred=str(why))
    except TimeoutError:
        return Line(unresolved=f"no answer within {_DNS_SECONDS:g} s")
    except OSError as error:
        return Line(unresolved=_strerror(error))
    if not found:
        return Line(unresolved="the name has no address")
    return await _connect(host, port, found, trust)


async def _connect(host: str, port: int, addresses: tuple[str, ...], trust: ssl.SSLContext) -> Line:
    why = ""
    for address in addresses[:_TRIED]:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            why = f"{address}:{port} does not answer within {_CONNECT_SECONDS:g} s"
        except OSError as error:
            why = f"{address}:{port}: {_strerror(error)}"
        else:
            return await _secured(writer, host, port, (address, *addresses), trust)
    return Line(addresses, unconnected=why)


async def _secured(
    writer: asyncio.StreamWriter, host: str, port: int, dialled: tuple[str, ...], trust: ssl.SSLContext
) -> Line:
    address, *all = dialled
    addresses = tuple(all)
    try:
        async with asyncio.timeout(_TLS_SECONDS):
            await writer.start_tls(trust, server_hostname=host)
            return Line(addresses, certificate=_certificate(writer))
    except ssl.SSLCertVerificationError as error:
        found = await _untrusted(address, host, port)
        return Line(addresses, untrusted=error.verify_message or str(error), certificate=found)
    except (ssl.SSLError, TimeoutError, OSError) as error:
        why = getattr(error, "reason", None) or _strerror(error) or type(error).__name__
        plain = await _speaks_http(address, host, port)
        return Line(addresses, no_tls=str(why).replace("_", " ").lower(), plain=plain)
    finally:
        await _closed(writer)


async def _untrusted(address: str, host: str, port: int) -> Certificate | None:
    """The certificate as it is shown, unproven."""
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_TLS_SECONDS):
            name = None if literal(host) else host
            _, writer = await asyncio.open_connection(address, port, ssl=anybody, server_hostname=name or "")
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return _decoded(shown) if shown else None
    except (ssl.SSLError, TimeoutError, OSError, ValueError):
        return None
    finally:
        if writer is not None:
            await _closed(writer)


async def _speaks_http(address: str, host: str, port: int) -> bool:
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_TLS_SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(f"HEAD /v2/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return await reader.readexactly(5) == b"HTTP/"
    except (TimeoutError, OSError, asyncio.IncompleteReadError, UnicodeError):
        return False
    finally:
        if writer is not None:
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(Exception):  # it is gone; how, is nobody's concern
        await writer.wait_closed()


def _certificate(writer: asyncio.StreamWriter) -> Certificate:
    tree: dict[str, Any] = writer.get_extra_info("peercert") or {}
    names = [_word(value) for kind, value in tree.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    issuer = {key: value for row in tree.get("issuer", ()) for key, value in row}
    return Certificate(
        tuple(names[:_NAMES]),
        _word(issuer.get("commonName") or issuer.get("organizationName") or ""),
        _time(str(tree.get("notBefore") or "")),
        _time(str(tree.get("notAfter") or "")),
    )


def _decoded(shown: bytes) -> Certificate:
    from cryptography import x509  # noqa: PLC0415  slow to import, and seldom wanted
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  the same

    found = x509.load_der_x509_certificate(shown)
    names: list[str] = []
    with suppress(x509.ExtensionNotFound):
        names = [
            _word(one.value)
            for one in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        ]
    called = [one for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
              for one in found.issuer.get_attributes_for_oid(kind)]  # fmt: skip
    return Certificate(
        tuple(names[:_NAMES]),
        _word(called[0].value) if called else "",
        found.not_valid_before_utc.isoformat(),
        found.not_valid_after_utc.isoformat(),
    )


def _word(value: object) -> str:
    """What a stranger wrote into a certificate."""
    return "".join(one for one in str(value) if one.isprintable())[:200]


def _time(text: str) -> str:
    """ "" for what is no time."""
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC).isoformat()
    except ValueError:
        return ""


def _strerror(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno).lower()
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()[:200]
