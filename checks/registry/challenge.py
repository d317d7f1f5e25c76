"""What a registry wants of who asks it: nothing, a password, or a token from somebody it names.

The token's realm comes from whoever answers, so it is not believed: a login goes only to a realm of the
registry's own (github.com/distribution/distribution, docs/content/spec/auth/token.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from checks.graph import fact
from checks.model import NotApplicable, Unavailable
from checks.redaction import redact
from checks.registry.facts import Answer, Endpoint, Line, NotReached, Registry

_SCHEME = re.compile(r"(?:^|,)\s*(?P<scheme>Bearer|Basic)(?=\s|,|$)", re.I)
_PARAMETER = re.compile(
    r'(?P<name>[A-Za-z_]{1,32})\s{0,3}=\s{0,3}(?:"(?P<quoted>[^"]{0,2048})"|(?P<bare>[^\s,"]{1,2048}))'
)
_SAID = 300


class Wants(Enum):
    NOTHING = "nothing"
    BASIC = "basic"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Challenge:
    """``base`` is where the API is, by HTTPS or, where it speaks nothing else, by HTTP."""

    base: str
    wants: Wants
    realm: str = ""
    service: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.base).hostname or ""


@dataclass(frozen=True, slots=True)
class Front:
    """What the root of its API answers to somebody without a login. ``base``: where that is."""

    base: str
    answer: Answer


# The facts are tried in the order of their names: HTTPS first, while the way itself is being looked at.
@fact()
async def front_by_https(endpoint: Endpoint, registry: Registry) -> Front:
    """:raises NotApplicable: one does not get so far, which other checks tell"""
    return await _asked(endpoint.secure, registry)


@fact()
async def front_in_plain(endpoint: Endpoint, line: Line, registry: Registry) -> Front:
    if not line.plain:
        raise NotApplicable(f"{endpoint.name} does not speak plain HTTP")
    return await _asked(endpoint.plain, registry)


async def _asked(base: str, registry: Registry) -> Front:
    try:
        return Front(base, await registry.fetch("GET", f"{base}/v2/"))
    except NotReached as why:
        raise NotApplicable(str(why)) from None


@fact()
def challenge(front: Front, endpoint: Endpoint) -> Challenge:
    """:raises Unavailable: what answers there is no registry, or not in the mood"""
    answer = front.answer
    wanted = [value for key, value in answer.headers if key == "www-authenticate"]
    if answer.status == 401 and (found := parse(", ".join(wanted))):
        wants, fields = found
        return Challenge(front.base, wants, fields.get("realm", ""), fields.get("service", ""))
    if answer.status == 200 and not answer.is_web_page:
        return Challenge(front.base, Wants.NOTHING)
    raise Unavailable(
        f"{endpoint.name} answers {answer.status} to {front.base}/v2/, and not as a registry does"
        f"{said(answer, ': ')}"
    )


def parse(header: str) -> tuple[Wants, dict[str, str]] | None:
    """The challenge that containerd would take up: Bearer before Basic; ``None`` for none of both."""
    found: dict[str, dict[str, str]] = {}
    starts = list(_SCHEME.finditer(header))
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(header)
        fields = {
            one["name"].lower(): one["quoted"] if one["quoted"] is not None else one["bare"]
            for one in _PARAMETER.finditer(header, start.end(), end)
        }
        found.setdefault(start["scheme"].lower(), fields)
    if found.get("bearer", {}).get("realm"):
        return Wants.BEARER, found["bearer"]
    return (Wants.BASIC, found["basic"]) if "basic" in found else None


def said(answer: Answer, before: str = "") -> str:
    """A registry's own words, short and without secrets; "" for none."""
    text = printable(answer.body[: 8 * _SAID].decode(errors="replace"))
    return f"{before}{text[:_SAID]}" if text else ""


def printable(text: str) -> str:
    """A stranger's text on one line, without what looks like a secret or cannot be seen."""
    shown = "".join(one if one.isprintable() else " " for one in text)
    return redact(" ".join(shown.split()))
