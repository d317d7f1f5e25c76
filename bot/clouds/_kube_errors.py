"""What a Kubernetes API server's refusals mean, in the project's own words: one table."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

import orjson

from bot.watch.ports import Gone
from checks.model import NotFound, Unavailable
from checks.redaction import redact
from handlers.remedy import Conflict

_LONGEST = 500  # an answer may be a proxy's whole web page


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in RBAC's terms. ``server`` is the API server's address, ``context`` the kubeconfig's."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource} {self.name}" if self.name else self.resource
        return f"{self.verb} {what}" + (f" in namespace {self.namespace}" if self.namespace else "")


def asked(verb: str, path: str) -> Asked:
    """What a path of the API means.

    :param verb: RBAC's; ``get`` of a collection becomes ``list``
    """
    parts = [one for one in path.partition("?")[0].split("/") if one]
    rest = parts[3:] if parts[:1] == ["apis"] else parts[2:]
    if not rest:
        return Asked(verb, "", path)
    group = parts[1] if parts[0] == "apis" else ""
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    return Asked("list" if verb == "get" and not name else verb, group, rest[0], namespace, name)


def refused(status: int, body: bytes, what: Asked) -> Exception:
    """The project's exception for an answer that is no success."""
    reason, message = _told(body)
    if status == 404 and what.name:  # a list is there, even if it is empty
        return NotFound(reason or "NotFound", message)
    if status == 410:
        return Gone(message or f"the version is too old to {what}")
    if status == 409 or (status == 422 and what.verb == "patch"):
        # A JSON patch whose `test` fails is answered 422, as is one that makes the object invalid.
        return Conflict(f"the API server refuses to {what}, it is not as it was read ({status}): {message}")
    return Unavailable(_sentence(status, message, what))


def _sentence(status: int, message: str, what: Asked) -> str:
    match status:
        case 401:
            return f"the API server does not accept our credentials to {what} (401); renew them"
        case 403:
            rule = f"{what.verb} on {what.resource}" + (f".{what.group}" if what.group else "")
            return (
                f"we may not {what}: {message or 'the API server forbids it (403)'}; "
                f"grant {rule} (see `pullbot permissions kubernetes`)"
            )
        case 404:
            return (
                f"what answered our request to {what} knows no such thing (404); check the server's address"
            )
        case 429:
            return f"the API server is too busy to {what} (429); ask again in a minute"
    told = f": {message}" if message else ""
    return f"the API server answered {status} when asked to {what}{told}; try again later"


def unreachable(error: BaseException, server: str, what: Asked) -> Unavailable:
    """For a request that got no answer, or only a part of one."""
    if isinstance(error, TimeoutError):
        return Unavailable(
            f"the API server {server} did not answer in time when asked to {what}; "
            "is it reachable from here (VPN, endpoint access)?"
        )
    inner = _innermost(error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return Unavailable(
            f"the certificate of the API server {server} is not trusted ({inner.verify_message}); "
            "fix certificate-authority in the kubeconfig"
        )
    number = (inner.errno or 0) if isinstance(inner, OSError) else 0
    told = os.strerror(number) if number > 0 else _short(str(inner) or type(error).__name__)
    return Unavailable(
        f"the API server {server} cannot be reached to {what} ({told}); "
        "is the cluster up, and is it the right context?"
    )


def bad_credentials(error: BaseException, context: str) -> Unavailable:
    """For a kubeconfig, a token file or a program that gives no credentials."""
    where = f"context {context}" if context else "the cluster we run in"
    if isinstance(error, TimeoutError):
        return Unavailable(
            f"the program that gets credentials for {where} did not end in time; try it by hand"
        )
    told = _short(str(error) or type(error).__name__)
    return Unavailable(f"no credentials for {where}: {told}; sign in, or fix the kubeconfig")


def _innermost(error: BaseException) -> BaseException:
    """What the system said, which aiohttp keeps inside its own."""
    for name in ("certificate_error", "os_error", "__cause__"):
        inner = getattr(error, name, None)
        if isinstance(inner, BaseException):
            return inner
    return error


def _told(body: bytes) -> tuple[str, str]:
    """Reason and message of a ``Status``; of anything else the text itself."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", _short(body.decode(errors="replace"))
    if not isinstance(status, dict):
        return "", ""
    return str(status.get("reason") or ""), _short(str(status.get("message") or ""))


def _short(text: str) -> str:
    return redact(" ".join(text[: 4 * _LONGEST].split()))[:_LONGEST].rstrip(". ")
