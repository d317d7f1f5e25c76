"""Values of settings that need a closer look: times, addresses, roles, people.

A refusal says what is right, for it is read by whoever wrote the file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from bot.store.opening import fault_in

# Nothing else is in a host's name. Clients differ in what they make of the rest: "evil.example\.net" is one
# host for urlsplit, and "evil.example" for requests.
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_ENTRA = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError("should be a time with a unit, such as 30s, 5m or 2h")
    parts = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", value.strip())
    if parts is None or not value.strip():
        raise ValueError("should be a time with a unit, such as 30s, 5m or 2h")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _longer_than_nothing(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("should be longer than no time at all")
    return span


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and for addresses of the loopback networks."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def host_matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether ``host``, as ``urlsplit`` tells it, is one of those.

    ``*.example.com`` is every host below that one, at any depth, and not that one itself. An address is only
    ever itself, and a name with other characters than names have never fits: clients would turn it into
    another one.
    """
    if not _HOST.fullmatch(host) and _address(host) is None:
        return False
    return any(_host_fits(host.lower(), pattern.lower()) for pattern in patterns)


def _host_fits(host: str, pattern: str) -> bool:
    address = _address(host)
    if address is not None:
        return address == _address(pattern)
    if not pattern.startswith("*."):
        return host == pattern
    return host.endswith(pattern[1:]) and host != pattern[1:]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _host_pattern(value: str) -> str:
    """At least two names behind the star, and no part of an address there."""
    name = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    fits = re.fullmatch(rf"{name}(\.{name})*|\*(\.{name})+\.[A-Za-z][A-Za-z0-9-]*", value)
    if not fits and _address(value) is None:
        raise ValueError(
            f"{value!r} should be a host (smba.trafficmanager.net), or all below one (*.botframework.com)"
        )
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("should be an address such as https://example.com/") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("should be an address such as https://example.com/")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http goes to this machine only; use https")
    if parts.username or parts.password:
        raise ValueError("should hold no user and no password")
    return value


def _role(value: str) -> str:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", value):
        raise ValueError("should be a role's ARN, such as arn:aws:iam::123456789012:role/pullbot-read")
    return value


def _cluster_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value):
        raise ValueError("should be a short name of letters, digits, dots and dashes")
    return value


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d+", value):
        raise ValueError("should be an AWS region, such as us-west-2")
    return value


def _approver(value: str) -> str:
    if re.fullmatch(rf"(group:)?{_ENTRA}", value.lower()):
        return value.lower()
    if not re.fullmatch(r"[UWS][A-Z0-9]{2,}|@[\w.-]+|[^@\s]+@[^@\s]+\.[^@\s]+|page:\S+", value):
        raise ValueError(
            "should be a Slack id (U0ALICE), a Slack group (@oncall), an e-mail, an Entra object id, "
            "or group: and the object id of an Entra group"
        )
    return value


def _slack_user(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", value):
        raise ValueError("should be a person's id in Slack, such as U0ALICE: Slack shows it in their profile")
    return value


def _entra_user(value: str) -> str:
    if not re.fullmatch(_ENTRA, value.lower()):
        raise ValueError(
            "should be a person's object id in Entra, such as 1c2d3e4f-0000-4000-8000-00000000abcd"
        )
    return value.lower()


def is_guid(value: str) -> bool:
    return re.fullmatch(_ENTRA, value.lower()) is not None


def _guid(value: str) -> str:
    """Microsoft writes them now in one case, now in the other."""
    return value.lower() if is_guid(value) else value


def _listen(value: str) -> str:
    host, port = split_address(value)
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError("should be an address and a port, such as 0.0.0.0:8080 or [::]:8080")
    return value


def split_address(value: str) -> tuple[str, str]:
    """``[::]:8080`` -> ``("::", "8080")``; an empty string for what is not there."""
    host, _, port = value.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


def _store(value: str) -> str:
    fault = fault_in(value)
    if fault:
        raise ValueError(fault)
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_longer_than_nothing)]
Url = Annotated[str, AfterValidator(_url)]
Role = Annotated[str, AfterValidator(_role)]
Approver = Annotated[str, AfterValidator(_approver)]
SlackUser = Annotated[str, AfterValidator(_slack_user)]
EntraUser = Annotated[str, AfterValidator(_entra_user)]
AnyUrl = Annotated[str, AfterValidator(lambda value: value and _url(value))]  # or "" for none
Guid = Annotated[str, AfterValidator(_guid)]
HostPattern = Annotated[str, AfterValidator(_host_pattern)]
Listen = Annotated[str, AfterValidator(_listen)]
StorePlace = Annotated[str, AfterValidator(_store)]
ClusterName = Annotated[str, AfterValidator(_cluster_name)]
Region = Annotated[str, AfterValidator(_region)]
Language = Literal["en", "ko", "ja", "zh"]


class Part(BaseModel):
    """A block of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, validate_default=True)
